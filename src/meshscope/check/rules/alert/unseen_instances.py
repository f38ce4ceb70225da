'''An alert is about instances, and a waypoint hides those of some service.

## What it does
Finds services behind a waypoint that an alert about instances would be about.

## Why it is bad
A waypoint reports for all instances of a service and names none. The alert is silent there, however badly one
instance fails, and what it may trigger never happens.

## Example
```python
search = Service(name="search", namespace="web", owner=payments, runbook="search.md", dataplane=DataPlane.WAYPOINT)


@alert(severity=Severity.TICKET, pending=2 * minutes)
def lone_failing_instance(instance: AnyInstance) -> Condition:
    """One instance fails while its siblings don't."""
    return instance.failure_ratio > 5 * instance.siblings.failure_ratio + 5 * percent
```

## Use instead
```python
search = Service(name="search", namespace="web", owner=payments, runbook="search.md")


@alert(severity=Severity.TICKET, pending=2 * minutes)
def lone_failing_instance(instance: AnyInstance) -> Condition:
    """One instance fails while its siblings don't."""
    return instance.failure_ratio > 5 * instance.siblings.failure_ratio + 5 * percent
```
'''

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level
from meshscope.model.alerting import Where
from meshscope.model.services import DataPlane, Service
from meshscope.model.signals import Scope


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each service and alert; alike ones are folded."""
    hidden = [service for service in subject.model.services if _hides(service, subject)]
    for alert in subject.model.alerts:
        if alert.scope is not Scope.INSTANCE:
            continue
        for service in hidden:
            if _about(alert.where, service):
                yield Finding(
                    code="alert/unseen-instances",
                    title=f"alert `{alert.name}` can't see the instances of `{service.identity}`",
                    place=service.place,
                    argument="dataplane",
                    level=Level.NOTE,
                    why="a waypoint reports for all instances of a service and names none; the alert is silent there",
                    help="leave it to the service's SLOs, or give the service sidecars",
                    subject=str(service.identity),
                )


def _hides(service: Service, subject: Subject) -> bool:
    values = {value for (_, plane), value in subject.provider.reporters.items() if plane is service.dataplane}
    return service.dataplane is DataPlane.WAYPOINT and subject.provider.instance_reporter not in values


def _about(where: Where, service: Service) -> bool:
    return (
        where.tier in (None, service.tier)
        and where.namespace in (None, service.namespace)
        and (where.owner is None or (service.owner is not None and where.owner.name == service.owner.name))
    )
