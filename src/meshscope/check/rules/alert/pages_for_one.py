'''An alert wakes somebody for one request.

## What it does
Tries each alert that pages with a single request within its window, a bad one. Where its condition holds then, nothing
asks for more (`at_least`), and it waits less than the window, one request is enough. Where an environment caps
severities nobody is to be woken.

## Why it is bad
A service without traffic answers one request at night, it fails, and that is 100%. Whoever is woken finds nothing, and
soon nobody gets up for this alert.

## Example
```python
@alert(severity=Severity.PAGE, pending=2 * minutes)
def failing(service: AnyService) -> Condition:
    """One request in twenty fails."""
    return service.failure_ratio > 5 * percent
```

## Use instead
```python
@alert(severity=Severity.PAGE, at_least=50, pending=2 * minutes)
def failing(service: AnyService) -> Condition:
    """One request in twenty fails."""
    return service.failure_ratio > 5 * percent
```
'''

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from meshscope.build.proofs.bounds import Truth, counted_traffic, truth
from meshscope.build.proofs.solver import Traffic, holds
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level
from meshscope.model.alerting import Alert, Severity
from meshscope.model.units import Duration, seconds


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert that pages for one request of one."""
    wakes = subject.model.mesh.severities.wakes
    for alert in subject.model.alerts:
        if wakes and alert.severity is Severity.PAGE and _is_enough(alert):
            yield Finding(
                code="alert/pages-for-one",
                title=f"alert `{alert.name}` pages for one bad request of one",
                place=alert.place,
                argument="at_least",
                level=Level.WARNING,
                why=f"one request within {alert.window} is 100% of them, and a rate over {alert.window} shows it for "
                f"longer than the alert waits, {_wait(alert)}",
                help="say how many requests count, for example at_least=50",
                subject=alert.name,
            )


def _wait(alert: Alert) -> Duration:
    return alert.pending + (alert.page_after or 0 * seconds)


def _is_enough(alert: Alert) -> bool:
    lone = Traffic(1 / Fraction(alert.window.seconds), Fraction(1))
    return (
        alert.at_least <= 1
        and _wait(alert) < alert.window
        and holds(alert.condition, lone)
        and truth(alert.condition, counted_traffic(alert, healthy=True)) is not Truth.ALWAYS
    )
