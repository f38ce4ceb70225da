"""Not even an outage reaches a burn rate that should page.

## What it does
Compares each SLO's burn rates with its budget: the budget times the burn rate is the share of bad requests from which
the page fires, and there are no more than all of them. Where an environment caps severities nobody is to be woken.

## Why it is bad
It is none of itself: with a low objective a budget can't be spent that fast, and `Outage` pages when nearly everything
fails. But what is bad and no outage is a ticket only, and whoever reads the rules might think otherwise. With the usual
burn rates the page over 1h is out of reach below 93% (92.5% over 7 days), the page over 6h below 83.3% (71.4%).

## Example
```python
availability = SLO(name="availability", of=Availability(), objective=90 * percent, over=30 * days)
search = Service(name="search", namespace="web", owner=payments, runbook="search.md", slos=(availability,))
```

## Use instead
```python
availability = SLO(
    name="availability", of=Availability(), objective=90 * percent, over=30 * days, burn_rates=(8, 6, 3, 1)
)
search = Service(name="search", namespace="web", owner=payments, runbook="search.md", slos=(availability,))
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.build.rules.burn import out_of_reach
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level, Place


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each SLO of which some page by burn rate can't fire."""
    if not subject.model.mesh.severities.wakes:
        return
    said: set[tuple[Place | None, str]] = set()
    for _, slo in subject.model.slos:
        windows = " and ".join(str(window) for window in out_of_reach(slo))
        if not windows or (slo.place, slo.name) in said:
            continue
        said.add((slo.place, slo.name))
        yield Finding(
            code="slo/burn-rate-out-of-reach",
            title=f"SLO `{slo.name}` can't page by its burn rate over {windows}",
            place=slo.place,
            argument="objective",
            level=Level.NOTE,
            why=f"{slo.objective} over {slo.over} leaves so large a budget that not even an outage spends it that "
            "fast; nine bad requests of ten page all the same, and less is a ticket",
            help="leave it so, write a higher objective, or give the SLO lower `burn_rates`",
            subject=slo.name,
        )
