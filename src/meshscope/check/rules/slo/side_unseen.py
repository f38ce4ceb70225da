"""An SLO is to be counted from a side that the mesh provider can't see.

## What it does
Finds SLOs with `side=...` whose side has no reporter in the provider's metrics for the data plane in front of the
service. Span metrics, for example, name the service that answers only in its own spans.

## Why it is bad
The SLO is counted from the other side instead. At the server, a request that reached nobody does not exist: a service
that is dead looks as good as one that is idle.

## Example
```python
mesh = Mesh(name="shop", provider="opentelemetry", owner=payments)
availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=30 * days, side=Side.CLIENT)
search = Service(name="search", namespace="web", owner=payments, runbook="search.md", slos=(availability,))
```

## Use instead
```python
mesh = Mesh(name="shop", provider="opentelemetry", owner=payments)
availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=30 * days)
search = Service(name="search", namespace="web", owner=payments, runbook="search.md", slos=(availability,))
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.build.rules.indicators import views
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level, Place


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each SLO that asks for what the provider can't see."""
    seen = views(subject.model, subject.provider)
    said: set[Place | None] = set()
    for service, slo in subject.model.slos:
        if seen.unseen(service, slo) and slo.place not in said:
            said.add(slo.place)
            yield Finding(
                code="slo/side-unseen",
                title=f"{subject.provider.title} can't see the {slo.side} side of SLO `{slo.name}`",
                place=slo.place,
                argument="side",
                level=Level.WARNING,
                why=f"{service.identity} is counted by reporter `{seen.of(service, slo)}` instead, which does not see "
                "the same failures",
                help="leave `side` out, or choose a provider that sees it",
                subject=slo.name,
            )
