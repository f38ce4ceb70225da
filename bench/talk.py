"""What a person sees while it is measured: one line a step on stderr, after the seconds since the beginning."""

from __future__ import annotations

import time
from typing import TextIO


class Talk:
    """Writes lines to a stream."""

    def __init__(self, stream: TextIO) -> None:
        """Begin to count."""
        self._stream = stream
        self._begun = time.monotonic()

    def say(self, text: str) -> None:
        """Write one line."""
        self._stream.write(f"[{time.monotonic() - self._begun:5.0f} s] {text}\n")
        self._stream.flush()
