'''An alert can't fire, or can't be shown to.

## What it does
Works out what an alert's condition can be for any traffic: a ratio lies between 0 and 1, a rate is never negative. One
that no traffic satisfies, or whose comparisons contradict each other, is an error. One that is satisfied by none of the
traffic that was tried (each share of bad requests, from a hundredth to a thousand times the least traffic that it
counts) is a warning: it has no unit test.

## Why it is bad
An alert that can't fire is trusted and tells nobody of an outage.

## Example
```python
@alert(severity=Severity.TICKET, at_least=50, pending=2 * minutes)
def failing(service: AnyService) -> Condition:
    """Between one and five requests in a hundred fail."""
    return (service.failure_ratio > 5 * percent) & (service.failure_ratio < 1 * percent)
```

## Use instead
```python
@alert(severity=Severity.TICKET, at_least=50, pending=2 * minutes)
def failing(service: AnyService) -> Condition:
    """Between one and five requests in a hundred fail."""
    return (service.failure_ratio > 1 * percent) & (service.failure_ratio < 5 * percent)
```
'''

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from meshscope.build.proofs.bounds import Truth, contradiction, counted_traffic, truth, worded
from meshscope.build.proofs.solver import solve
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level
from meshscope.model.alerting import Alert


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert that no traffic makes fire, as far as is known."""
    for alert in subject.model.alerts:
        if truth(alert.condition, counted_traffic(alert, healthy=False)) is Truth.NEVER:
            yield _impossible(alert)
        elif (
            solve(alert, Fraction(alert.window.seconds)) is None
            and truth(alert.condition, counted_traffic(alert, healthy=True)) is not Truth.ALWAYS
        ):
            yield _untried(alert)


def _impossible(alert: Alert) -> Finding:
    both = contradiction(alert.condition, counted_traffic(alert, healthy=False))
    return Finding(
        code="alert/never-fires",
        title=f"alert `{alert.name}` contradicts itself" if both else f"alert `{alert.name}` can't fire",
        place=alert.place,
        why=f"{worded(both[0])} and {worded(both[1])} are never true at once"
        if both
        else f"{worded(alert.condition)} holds for no traffic: a ratio lies between 0 and 1, a rate is never negative",
        help="look at the numbers, and at which way round each comparison is",
        subject=alert.name,
    )


def _untried(alert: Alert) -> Finding:
    return Finding(
        code="alert/never-fires",
        title=f"no traffic that was tried makes alert `{alert.name}` fire",
        place=alert.place,
        level=Level.WARNING,
        why="its condition was tried with every share of bad requests and from a hundredth to a thousand times the "
        "least traffic that it counts; an alert that can't be shown to fire has no unit test",
        help="look at the condition's numbers; ratios lie between 0 and 1",
        subject=alert.name,
    )
