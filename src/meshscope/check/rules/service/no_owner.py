"""A service has no owner.

## What it does
Finds services without `owner`.

## Why it is bad
An alert about the service finds nobody who knows it: it goes to the owner of the mesh, or where there is none to the
default receiver, and an issue about it is opened nowhere.

## Example
```python
adverts = Service(name="adverts", namespace="web", runbook="adverts.md")
```

## Use instead
```python
storefront = Owner(name="storefront", issues="github:boutique/storefront", chat="slack:#storefront")
adverts = Service(name="adverts", namespace="web", runbook="adverts.md", owner=storefront)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each service without an owner."""
    mesh = subject.model.mesh
    told = f"`{mesh.owner.name}`, who owns the mesh" if mesh.owner else "the default receiver"
    for service in subject.model.services:
        if service.owner is None:
            yield Finding(
                code="service/no-owner",
                title=f"service `{service.identity}` has no owner",
                place=service.place,
                level=Level.WARNING,
                why=f"its alerts go to {told}, and issues about it are opened nowhere",
                help="write owner=..., a value like Owner(name=..., issues=..., chat=...)",
                subject=str(service.identity),
            )
