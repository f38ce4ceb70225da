'''Two alerts ask the same.

## What it does
Finds alerts with one condition, severity, least traffic, window and restriction: whenever one fires, so does the other.

## Why it is bad
People are told twice of one thing, silence one and are woken by the other. When the number is mended in one of the two,
they begin to contradict each other.

## Example
```python
@alert(severity=Severity.TICKET, at_least=50, pending=2 * minutes)
def failing(service: AnyService) -> Condition:
    """One request in twenty fails."""
    return service.failure_ratio > 5 * percent


@alert(severity=Severity.TICKET, at_least=50, pending=5 * minutes)
def many_failures(service: AnyService) -> Condition:
    """Many requests fail."""
    return service.failure_ratio > 5 * percent
```

## Use instead
```python
@alert(severity=Severity.TICKET, at_least=50, pending=2 * minutes)
def failing(service: AnyService) -> Condition:
    """One request in twenty fails."""
    return service.failure_ratio > 5 * percent
```
'''

from __future__ import annotations

from collections.abc import Iterator

from meshscope.build.proofs.bounds import worded
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level
from meshscope.model.alerting import Alert


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert that an earlier one makes needless."""
    seen: dict[tuple[object, ...], Alert] = {}
    for alert in subject.model.alerts:
        asked = (worded(alert.condition), alert.severity, alert.at_least, alert.window, alert.where)
        first = seen.setdefault(asked, alert)
        if first is not alert:
            yield Finding(
                code="alert/twin",
                title=f"alert `{alert.name}` asks what `{first.name}` asks",
                place=alert.place,
                level=Level.WARNING,
                why=f"both are {alert.severity}s for {worded(alert.condition)} ({first.place}): people are told twice",
                help="leave one out, or give them another severity, another number or another where=Where(...)",
                subject=alert.name,
            )
