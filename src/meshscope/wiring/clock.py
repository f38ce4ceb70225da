"""The clock of the machine."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class SystemClock:
    """The clock of the machine."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()
