"""Find traffic that makes an alert's condition true, and traffic just below it, from the condition alone.

Everything bad (failures, slow answers, plaintext) is driven by one share; the traffic's volume is the other unknown.
A condition is a formula over both, so that its threshold is found by halving.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from meshscope.model.alerting import Alert
from meshscope.model.signals import Binary, Combined, Comparison, Condition, Expr, Literal, Scope, Signal

_MOST_BAD = Fraction(99, 100)
_VOLUMES = (Fraction(1), Fraction(10), Fraction(100), Fraction(1000), Fraction(1, 10), Fraction(1, 100))
_STEPS = 40


@dataclass(frozen=True)
class Traffic:
    """Requests a second at the subject, and the share of them that is bad."""

    rate: Fraction
    bad: Fraction


@dataclass(frozen=True)
class Solution:
    """Traffic for which the condition holds, and traffic just outside it."""

    firing: Traffic
    quiet: Traffic


def solve(alert: Alert, window: Fraction) -> Solution | None:
    """Traffic around the threshold of ``alert``, whose window is that many seconds; None where none makes it fire."""
    least = max(Fraction(alert.at_least) * 2 / window, Fraction(10))
    for volume in _VOLUMES:
        rate = least * volume
        if rate * window < alert.at_least:
            continue
        found = _by_share(alert.condition, rate)
        if found is not None:
            return found
    return None


def _by_share(condition: Condition, rate: Fraction) -> Solution | None:
    low, high = Fraction(0), _MOST_BAD
    at_low, at_high = holds(condition, Traffic(rate, low)), holds(condition, Traffic(rate, high))
    if at_low == at_high:
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if holds(condition, Traffic(rate, middle)) == at_low:
            low = middle
        else:
            high = middle
    # A little to either side, in numbers that a person can read.
    below, above = _rounded(low * Fraction(95, 100)), _rounded(high + (_MOST_BAD - high) / 5)
    firing, quiet = (above, below) if at_high else (below, above)
    solution = Solution(Traffic(rate, firing), Traffic(rate, quiet))
    if holds(condition, solution.firing) and not holds(condition, solution.quiet):
        return solution
    return None


def _rounded(share: Fraction) -> Fraction:
    return Fraction(round(share * 10000), 10000)


def holds(condition: Condition, traffic: Traffic, siblings_bad: Fraction = Fraction(0)) -> bool:
    """Whether ``condition`` is true of ``traffic``, with two siblings of the same volume of which that share is bad."""
    match condition:
        case Comparison(operator=operator, left=left, right=right):
            values = _values(traffic, siblings_bad)
            return _compare(operator, number(left, values), number(right, values))
        case Combined(operator="and", parts=(left, right)):
            return holds(left, traffic, siblings_bad) and holds(right, traffic, siblings_bad)
        case Combined(parts=(left, right)):
            return holds(left, traffic, siblings_bad) or holds(right, traffic, siblings_bad)
    raise TypeError(f"{type(condition).__name__} is no condition")


def _values(traffic: Traffic, siblings_bad: Fraction) -> Mapping[tuple[Scope, str], Fraction]:
    values: dict[tuple[Scope, str], Fraction] = {}
    for scope in (Scope.SERVICE, Scope.INSTANCE):
        values[scope, "requests"] = traffic.rate
        values[scope, "failures"] = traffic.rate * traffic.bad
        values[scope, "slow_ratio"] = traffic.bad
        values[scope, "plaintext_ratio"] = traffic.bad
    values[Scope.SIBLINGS, "requests"] = 2 * traffic.rate
    values[Scope.SIBLINGS, "failures"] = 2 * traffic.rate * siblings_bad
    return values


def _compare(operator: str, left: Fraction | None, right: Fraction | None) -> bool:
    if left is None or right is None:
        return False
    return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[operator]


def number(expr: Expr, values: Mapping[tuple[Scope, str], Fraction]) -> Fraction | None:
    """The value of ``expr``; None where Prometheus would have no sample."""
    match expr:
        case Literal(value=value):
            return Fraction(Decimal(value))
        case Signal(scope=scope, name=name):
            return values[scope, name]
        case Binary(operator=operator, left=left, right=right):
            return _combined(operator, number(left, values), number(right, values))
    raise TypeError(f"{type(expr).__name__} is no expression")


def _combined(operator: str, left: Fraction | None, right: Fraction | None) -> Fraction | None:
    if left is None or right is None or (operator == "/" and right <= 0):
        return None
    if operator == "/":
        return left / right
    return {"+": left + right, "-": left - right, "*": left * right}[operator]
