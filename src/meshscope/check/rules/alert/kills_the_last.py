'''An alert may kill an instance of a service that has none to spare.

## What it does
Finds alerts that respond with `kill_instance` and, among the services that they are about, those with fewer than two
replicas and those that are `stateful`. Silent while the mesh's mode is `observe`: nothing is killed then.

## Why it is bad
Killing the only instance turns a partial failure into an outage, and killing one that holds state may lose it. The
agent's guard declines both, so the response does nothing for these services, and whoever counts on it waits in vain.

## Example
```python
mesh = Mesh(name="shop", provider="istio", owner=payments, mode=Mode.ACT)
stock = Service(name="stock", namespace="shop", owner=payments, runbook="stock.md", replicas=1)


@alert(severity=Severity.PAGE, pending=2 * minutes, respond=(kill_instance(at_most=1),))
def lone_failing_instance(instance: AnyInstance) -> Condition:
    """One instance fails far more often than its siblings."""
    return instance.failure_ratio > 5 * instance.siblings.failure_ratio
```

## Use instead
```python
mesh = Mesh(name="shop", provider="istio", owner=payments, mode=Mode.ACT)
stock = Service(name="stock", namespace="shop", owner=payments, runbook="stock.md", replicas=3)


@alert(severity=Severity.PAGE, pending=2 * minutes, respond=(kill_instance(at_most=1),))
def lone_failing_instance(instance: AnyInstance) -> Condition:
    """One instance fails far more often than its siblings."""
    return instance.failure_ratio > 5 * instance.siblings.failure_ratio
```
'''

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level
from meshscope.model.alerting import Where
from meshscope.model.modes import Mode
from meshscope.model.services import Service


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert that may kill and each service that has no instance to spare."""
    if subject.model.mesh.mode is Mode.OBSERVE:
        return
    for alert in subject.model.alerts:
        if not any(response.name == "kill_instance" for response in alert.respond):
            continue
        for service in subject.model.services:
            why = _why(service)
            if why and _about(alert.where, service):
                yield Finding(
                    code="alert/kills-the-last",
                    title=f"alert `{alert.name}` will never kill an instance of `{service.identity}`",
                    place=service.place,
                    argument="replicas",
                    level=Level.NOTE,
                    why=f"{why}, so the agent declines, and only people are told",
                    help="run at least two replicas, or restrict the alert with where=Where(...)",
                    subject=str(service.identity),
                )


def _why(service: Service) -> str:
    if service.stateful:
        return "it is stateful, and an instance's state may be lost"
    if service.replicas < 2:
        return "it runs one instance only, and a kill would be an outage"
    return ""


def _about(where: Where, service: Service) -> bool:
    return (
        where.tier in (None, service.tier)
        and where.namespace in (None, service.namespace)
        and (where.owner is None or service.owner == where.owner)
    )
