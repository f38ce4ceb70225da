"""An SLO's period is longer than Prometheus keeps samples.

## What it does
Compares the period of each SLO with the mesh's `retention`.

## Why it is bad
The budget of 90 days, asked of a Prometheus that keeps 40, is silently the budget of the last 40: what was spent before
is forgotten, and the number on the dashboard is too good.

## Example
```python
availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=90 * days)
search = Service(name="search", namespace="web", owner=payments, runbook="search.md", slos=(availability,))
```

## Use instead
```python
availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=30 * days)
search = Service(name="search", namespace="web", owner=payments, runbook="search.md", slos=(availability,))
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level, Place


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each SLO whose period is longer than the retention."""
    kept = subject.model.mesh.retention
    seen: set[Place | None] = set()
    for service, slo in subject.model.slos:
        if slo.over > kept and slo.place not in seen:
            seen.add(slo.place)
            yield Finding(
                code="slo/retention",
                title=f"the period of SLO `{slo.name}` is {slo.over}, and samples are kept for {kept}",
                place=slo.place,
                argument="over",
                level=Level.WARNING,
                why=f"the budget of {service.identity} would be that of the last {kept}: what was spent before is "
                "forgotten",
                help=f"write a period of at most {kept}, or have Prometheus keep more and write it in "
                f"Mesh(retention={int(slo.over.seconds // 86400)} * days)",
                subject=slo.name,
            )
