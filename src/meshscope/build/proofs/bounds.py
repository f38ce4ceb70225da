"""What a condition can be, from the values that its signals can have: for any traffic, or for healthy traffic alone.

Each expression gets the interval of its values. Where the intervals of a comparison don't overlap it is decided for all
traffic; where they do, nothing is said. So what is said here is certain, and what isn't is for `solver` to try.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import TypeAlias

from meshscope.model.alerting import Alert
from meshscope.model.signals import Binary, Combined, Comparison, Condition, Expr, Literal, Signal

Bound: TypeAlias = Fraction | float
_RATIOS = frozenset({"slow_ratio", "plaintext_ratio"})
_FLIPPED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}


class Truth(Enum):
    """Whether a condition holds: for all traffic, for none, or that depends."""

    ALWAYS = "always"
    NEVER = "never"
    DEPENDS = "depends"


@dataclass(frozen=True)
class Interval:
    """All numbers from ``low`` to ``high``, both included unless infinite."""

    low: Bound
    high: Bound


@dataclass(frozen=True)
class Traffic:
    """What is known of the traffic: at least ``least`` requests a second, and nothing bad in it where ``healthy``."""

    least: Fraction
    healthy: bool


def counted_traffic(alert: Alert, *, healthy: bool) -> Traffic:
    """The traffic that ``alert`` looks at: where fewer requests than it counts are made, it asks nothing."""
    return Traffic(Fraction(max(alert.at_least, 1)) / Fraction(alert.window.seconds), healthy)


def truth(condition: Condition, traffic: Traffic) -> Truth:
    """Whether ``condition`` holds of ``traffic``. Raises TypeError for what is no condition."""
    match condition:
        case Comparison(operator=operator, left=left, right=right):
            return _compared(operator, _interval(left, traffic), _interval(right, traffic))
        case Combined(operator="and", parts=parts):
            if any(truth(part, traffic) is Truth.NEVER for part in parts) or contradiction(condition, traffic):
                return Truth.NEVER
            return Truth.ALWAYS if all(truth(part, traffic) is Truth.ALWAYS for part in parts) else Truth.DEPENDS
        case Combined(parts=parts):
            told = {truth(part, traffic) for part in parts}
            return Truth.ALWAYS if Truth.ALWAYS in told else Truth.NEVER if told == {Truth.NEVER} else Truth.DEPENDS
    raise TypeError(f"{type(condition).__name__} is no condition")


def contradiction(condition: Condition, traffic: Traffic) -> tuple[Comparison, Comparison] | None:
    """Two comparisons that ``condition`` demands at once and that can't both hold of one quantity; None without."""
    demanded = [one for one in _demanded(condition) if truth(one, traffic) is not Truth.NEVER]
    for index, first in enumerate(demanded):
        for second in demanded[index + 1 :]:
            if _apart(first, second):
                return first, second
    return None


def worded(node: Expr | Condition) -> str:
    """A condition or an expression as a person writes it; two that are written alike ask the same."""
    match node:
        case Literal(value=value):
            return f"{value.normalize():f}"
        case Signal(scope=scope, name=name, over=over):
            return f"{scope}.{name}" + (f"(over={over})" if over is not None else "")
        case Binary(
            operator="/", left=Signal(name="failures", scope=scope), right=Signal(name="requests", scope=of)
        ) if scope is of:
            return f"{scope}.failure_ratio"
        case Binary(operator=operator, left=left, right=right):
            return f"({worded(left)} {operator} {worded(right)})"
        case Comparison(operator=operator, left=left, right=right):
            return f"{worded(left)} {operator} {worded(right)}"
        case Combined(operator=operator, parts=(first, second)):
            return f"({worded(first)}) {'&' if operator == 'and' else '|'} ({worded(second)})"
    raise TypeError(f"{type(node).__name__} is neither condition nor expression")


def _demanded(condition: Condition) -> Iterator[Comparison]:
    match condition:
        case Comparison():
            yield condition
        case Combined(operator="and", parts=(first, second)):
            yield from _demanded(first)
            yield from _demanded(second)


def _apart(first: Comparison, second: Comparison) -> bool:
    """Whether no number satisfies both, where both compare one quantity with a constant."""
    one, other = _limit(first), _limit(second)
    if one is None or other is None or one[0] != other[0]:
        return False
    for (_, above, low), (_, below, high) in ((one, other), (other, one)):
        if above.startswith(">") and below.startswith("<"):
            return low > high or (low == high and not (above == ">=" and below == "<="))
    return False


def _limit(comparison: Comparison) -> tuple[str, str, Fraction] | None:
    """(quantity, operator, constant), the constant on the right."""
    left, right = comparison.left, comparison.right
    if isinstance(right, Literal) and not isinstance(left, Literal):
        return worded(left), comparison.operator, Fraction(right.value)
    if isinstance(left, Literal) and not isinstance(right, Literal):
        return worded(right), _FLIPPED[comparison.operator], Fraction(left.value)
    return None


def _compared(operator: str, left: Interval, right: Interval) -> Truth:
    if operator in ("<", "<="):
        operator, left, right = _FLIPPED[operator], right, left
    if operator == ">":
        return _decided(left.low > right.high, left.high <= right.low)
    return _decided(left.low >= right.high, left.high < right.low)


def _decided(always: bool, never: bool) -> Truth:
    return Truth.ALWAYS if always else Truth.NEVER if never else Truth.DEPENDS


def _interval(expr: Expr, traffic: Traffic) -> Interval:
    match expr:
        case Literal(value=value):
            return Interval(Fraction(value), Fraction(value))
        case Signal(name="requests"):
            return Interval(traffic.least, math.inf)
        case Signal(name=name):
            most: Bound = Fraction(1) if name in _RATIOS else math.inf
            return Interval(Fraction(0), Fraction(0) if traffic.healthy else most)
        case Binary(
            operator="/", left=Signal(name="failures", scope=scope), right=Signal(name="requests", scope=of)
        ) if scope is of:
            return Interval(Fraction(0), Fraction(0 if traffic.healthy else 1))
        case Binary(operator=operator, left=left, right=right):
            return _combined(operator, _interval(left, traffic), _interval(right, traffic))
    raise TypeError(f"{type(expr).__name__} is no expression")


def _combined(operator: str, left: Interval, right: Interval) -> Interval:
    if operator == "+":
        return Interval(left.low + right.low, left.high + right.high)
    if operator == "-":
        return Interval(left.low - right.high, left.high - right.low)
    if operator == "/":
        # Nothing is divided by what is not above zero; close to zero a quotient can be anything.
        if right.low <= 0:
            return Interval(-math.inf, math.inf) if left.low < 0 else Interval(Fraction(0), math.inf)
        inverse = Interval(Fraction(0) if right.high == math.inf else 1 / Fraction(right.high), 1 / Fraction(right.low))
        return _combined("*", left, inverse)
    products = [_product(one, other) for one in (left.low, left.high) for other in (right.low, right.high)]
    return Interval(min(products), max(products))


def _product(one: Bound, other: Bound) -> Bound:
    return Fraction(0) if one == 0 or other == 0 else one * other
