"""A service has no runbook.

## What it does
Finds services without `runbook`: a warning for tier 1, a note for the others.

## Why it is bad
Every alert about the service links to a runbook. Without one the link leads to the folder of all runbooks, and who is
woken at three in the morning begins from nothing.

## Example
```python
checkout = Service(name="checkout", namespace="shop", owner=payments, tier=1)
```

## Use instead
```python
checkout = Service(name="checkout", namespace="shop", owner=payments, tier=1, runbook="checkout.md")
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each service without a runbook."""
    for service in subject.model.services:
        if not service.runbook:
            yield Finding(
                code="service/no-runbook",
                title=f"service `{service.identity}` has no runbook",
                place=service.place,
                level=Level.WARNING if service.tier == 1 else Level.NOTE,
                why="every alert about it links to a runbook, and this link leads to the folder of all of them",
                help=f'write runbook="...", a path below {subject.model.mesh.runbooks} or an address',
                subject=str(service.identity),
            )
