"""An address is one that nobody has.

## What it does
Looks at the addresses of the mesh and of its owners. Names below `example.org` and its like, `.example`, `.test` and
`.invalid` are kept free for examples (RFC 2606); `example/...` and words such as `change-me` are what templates begin
with. What a mesh leaves out is such an address too.

## Why it is bad
Links in messages lead nowhere, mail is not taken, issues are opened in a repository that does not exist.

## Example
```python
mesh = Mesh(name="shop", provider="istio", owner=payments)
```

## Use instead
```python
mesh = Mesh(
    name="shop",
    provider="istio",
    owner=payments,
    grafana="https://grafana.shop.internal",
    console="https://meshscope.shop.internal",
    runbooks="https://wiki.shop.internal/runbooks",
    smarthost="smtp.shop.internal:587",
    mail_from="alertmanager@shop.internal",
)
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level, Place

_OF_MESH = ("grafana", "console", "runbooks", "agent", "prometheus", "traces", "logs", "smarthost", "mail_from")
_OF_OWNER = ("issues", "pager", "chat", "mail")
# RFC 2606; and what the templates of `meshscope new`, and many a README, begin with.
_FREE = re.compile(
    r"(^|[/@.:])example\.(com|net|org)\b|\.(example|test|invalid)(?=[:/]|$)|^\w+:#?example(/|$)"
    r"|change-?me|\btodo\b|\byour-|placeholder|[<>]",
    re.IGNORECASE,
)


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for the mesh and one for each owner that has such addresses."""
    mesh = subject.model.mesh
    mailed = any(owner.mail for owner in subject.model.owners)
    yield from _found(mesh, _OF_MESH if mailed else _OF_MESH[:-2], f"mesh `{mesh.name}`", mesh.name, mesh.place)
    for owner in subject.model.owners:
        yield from _found(owner, _OF_OWNER, f"owner `{owner.name}`", owner.name, owner.place)


def _found(
    definition: object, names: tuple[str, ...], called: str, subject: str, place: Place | None
) -> Iterator[Finding]:
    free = [name for name in names if _FREE.search(str(getattr(definition, name) or ""))]
    if free:
        addresses = ", ".join(f"{name} {getattr(definition, name)}" for name in free)
        yield Finding(
            code="mesh/placeholder",
            title=f"{called} has addresses that nobody has: {addresses}",
            place=place,
            argument=free[0],
            level=Level.NOTE,
            why="they are kept free for examples: links lead nowhere, and what is sent there is lost",
            help=f"write your own: {', '.join(f'{name}=...' for name in free)}",
            subject=subject,
        )
