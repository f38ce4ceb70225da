"""The value that a share of what was measured does not exceed."""

from __future__ import annotations

import math
from collections.abc import Sequence


def ranked(values: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest of ``values`` that at least ``share`` of them don't exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
