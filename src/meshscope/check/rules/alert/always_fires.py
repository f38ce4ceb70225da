'''An alert fires on a healthy service.

## What it does
Works out what an alert's condition is for traffic without one failed, slow or plain request, at any volume that the
alert counts. Where it holds for all such traffic, the alert fires for every service that has traffic.

## Why it is bad
Somebody is woken for every service, at once and for ever, and can do nothing about it. Real trouble drowns in it.

## Example
```python
@alert(severity=Severity.PAGE, at_least=50, pending=2 * minutes)
def failing(service: AnyService) -> Condition:
    """Requests fail."""
    return service.failure_ratio >= 0 * percent
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

from meshscope.build.proofs.bounds import Truth, counted_traffic, truth, worded
from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert whose condition holds of all healthy traffic."""
    for alert in subject.model.alerts:
        if truth(alert.condition, counted_traffic(alert, healthy=True)) is Truth.ALWAYS:
            yield Finding(
                code="alert/always-fires",
                title=f"alert `{alert.name}` fires on a healthy service",
                place=alert.place,
                why=f"{worded(alert.condition)} holds where no request is bad: every service with traffic would "
                "raise it, for ever",
                help="compare with more than a healthy service has, for example failure_ratio > 5 * percent",
                subject=alert.name,
            )
