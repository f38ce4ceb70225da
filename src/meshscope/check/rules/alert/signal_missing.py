'''An alert asks for a signal that the mesh provider lacks.

## What it does
Compares the signals of each alert with those of the provider.

## Why it is bad
The alert is not among the rules of this mesh: nothing would make it fire. The rule file says so too. The same
definition builds for a provider that has the signal.

## Example
```python
mesh = Mesh(name="shop", provider="opentelemetry", owner=payments)


@alert(severity=Severity.TICKET, pending=10 * minutes)
def plaintext_traffic(service: AnyService) -> Condition:
    """More than one request in a hundred arrives without mutual TLS."""
    return service.plaintext_ratio > 1 * percent
```

## Use instead
```python
mesh = Mesh(name="shop", provider="opentelemetry", owner=payments)


@alert(severity=Severity.TICKET, pending=10 * minutes)
def failing(service: AnyService) -> Condition:
    """More than one request in a hundred fails."""
    return service.failure_ratio > 1 * percent
```
'''

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert and signal that is missing."""
    for alert in subject.model.alerts:
        for signal in sorted({signal.name for signal in alert.signals} - subject.provider.signals()):
            having = sorted(provider.title for provider in subject.providers.values() if signal in provider.signals())
            yield Finding(
                code="alert/signal-missing",
                title=f"alert `{alert.name}` asks for `{signal}`, which {subject.provider.title} lacks",
                place=alert.place,
                level=Level.WARNING,
                why="it is left out of this mesh's rules, for nothing would make it fire",
                help=f"build it for {' or '.join(having)}, or ask for another signal"
                if having
                else "ask for another signal: no provider that is installed has this one",
                subject=alert.name,
            )
