"""Find traffic that makes an alert's condition true, and traffic just below it, from the condition alone.

Everything bad (failures, slow answers, plaintext) is driven by one share; the traffic's volume is the other unknown.
A condition is a formula over both, so that each of its thresholds is found by halving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from meshscope.model.alerting import Alert
from meshscope.model.signals import Binary, Combined, Comparison, Condition, Expr, Literal, Scope, Signal

_MOST_BAD = Fraction(99, 100)
_SHARES = tuple(Fraction(share, 100) for share in range(100))
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
    """Traffic around a threshold of ``alert``, whose window is that many seconds; None where none was found.

    Each share of bad requests is tried at several volumes, then each volume at several shares.
    """
    least = max(Fraction(alert.at_least) * 2 / window, Fraction(10))
    rates = [rate for rate in (least * volume for volume in _VOLUMES) if rate * window >= alert.at_least]
    found = (_by_share(alert.condition, rate) for rate in rates)
    other = (_by_rate(alert.condition, share, sorted(rates)) for share in (Fraction(0), Fraction(1, 2), _MOST_BAD))
    return next((one for one in (*found, *other) if one is not None), None)


def _by_share(condition: Condition, rate: Fraction) -> Solution | None:
    def at(share: Fraction) -> bool:
        return holds(condition, Traffic(rate, share))

    ends = (Fraction(0), _MOST_BAD)
    edges = _edges(at, ends) or _edges(at, _with_limits(condition, _SHARES))
    for index, (low, high) in enumerate(edges):
        # A little to either side, in numbers that a person can read, and not beyond the next threshold.
        before = edges[index - 1][1] if index else Fraction(0)
        after = edges[index + 1][0] if index + 1 < len(edges) else _MOST_BAD
        below, above = _rounded(low - (low - before) / 20), _rounded(high + (after - high) / 5)
        if at(below) != at(above):
            firing, quiet = (above, below) if at(above) else (below, above)
            return Solution(Traffic(rate, firing), Traffic(rate, quiet))
    return None


def _by_rate(condition: Condition, share: Fraction, rates: Sequence[Fraction]) -> Solution | None:
    def at(rate: Fraction) -> bool:
        return holds(condition, Traffic(rate, share))

    for low, high in _edges(at, _with_limits(condition, rates)):
        below, above = _rounded(low * Fraction(95, 100)), _rounded(high * Fraction(105, 100))
        if at(below) != at(above):
            firing, quiet = (above, below) if at(above) else (below, above)
            return Solution(Traffic(firing, share), Traffic(quiet, share))
    return None


def _with_limits(condition: Condition, tried: Sequence[Fraction]) -> list[Fraction]:
    """``tried`` and, so that no band between two limits is stepped over, what lies between the condition's numbers."""
    limits = sorted({tried[0], *(one for one in _literals(condition) if tried[0] < one < tried[-1]), tried[-1]})
    return sorted({*tried, *((low + high) / 2 for low, high in pairwise(limits))})


def _literals(node: Expr | Condition) -> Iterator[Fraction]:
    match node:
        case Literal(value=value):
            yield Fraction(value)
        case Binary(left=left, right=right) | Comparison(left=left, right=right):
            yield from (*_literals(left), *_literals(right))
        case Combined(parts=parts):
            yield from (*_literals(parts[0]), *_literals(parts[1]))


def _edges(at: Callable[[Fraction], bool], tried: Sequence[Fraction]) -> list[tuple[Fraction, Fraction]]:
    """Where ``at`` changes between two of ``tried``, as close as halving gets: the last before, the first after."""
    found: list[tuple[Fraction, Fraction]] = []
    for low, high in pairwise(tried):
        first = at(low)
        if first == at(high):
            continue
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if at(middle) == first else (low, middle)
        found.append((low, high))
    return found


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
