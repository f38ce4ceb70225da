"""Which values the series of an expression can have, as an interval, and what comparing two of them can come to."""

from __future__ import annotations

import math
from dataclasses import dataclass

_TURNED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "==", "!=": "!="}


@dataclass(frozen=True)
class Values:
    """All numbers from ``low`` to ``high``; what is no number (NaN) satisfies no comparison and is left out."""

    low: float = -math.inf
    high: float = math.inf

    def union(self, other: Values) -> Values:
        """Those of either."""
        return Values(min(self.low, other.low), max(self.high, other.high))

    def where(self, operator: str, other: Values) -> Values | None:
        """Those that can satisfy a comparison with a value of ``other``; None where none can."""
        if operator == "==":
            low, high = max(self.low, other.low), min(self.high, other.high)
            return Values(low, high) if low <= high else None
        if operator == "!=":
            return None if self.low == self.high == other.low == other.high else self
        if operator in (">", ">="):
            possible = self.high > other.low or (operator == ">=" and self.high == other.low)
            return Values(max(self.low, other.low), self.high) if possible else None
        possible = self.low < other.high or (operator == "<=" and self.low == other.high)
        return Values(self.low, min(self.high, other.high)) if possible else None

    def always(self, operator: str, other: Values) -> bool:
        """Whether each value satisfies the comparison with each of ``other``."""
        if operator == "==":
            return self.low == self.high == other.low == other.high
        if operator == "!=":
            return self.high < other.low or self.low > other.high
        if operator in ("<", "<="):
            return other.always(_TURNED[operator], self)
        return self.low > other.high or (operator == ">=" and self.low == other.high)


ANY = Values()
POSITIVE = Values(0)
COUNT = Values(1)
ONE = Values(1, 1)
TRUTH = Values(0, 1)


def turned(operator: str) -> str:
    """The comparison that is meant when its sides are exchanged."""
    return _TURNED[operator]


def calculated(operator: str, left: Values, right: Values) -> Values:
    """What arithmetic can give; any number where that is not worth knowing."""
    if operator == "+":
        return Values(left.low + right.low, left.high + right.high) if _finite(left, right) else _sum(left, right)
    if operator == "-":
        return calculated("+", left, Values(-right.high, -right.low))
    if operator == "*" and _finite(left, right):
        products = [one * other for one in (left.low, left.high) for other in (right.low, right.high)]
        return Values(min(products), max(products))
    if operator in ("*", "/") and left.low >= 0 and right.low >= 0:
        return POSITIVE
    return ANY


def _sum(left: Values, right: Values) -> Values:
    low = -math.inf if -math.inf in (left.low, right.low) else left.low + right.low
    high = math.inf if math.inf in (left.high, right.high) else left.high + right.high
    return Values(low, high)


def _finite(*values: Values) -> bool:
    return all(math.isfinite(one.low) and math.isfinite(one.high) for one in values)
