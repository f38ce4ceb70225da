"""An SLO can't page, whatever happens.

## What it does
Asks of each SLO whether a total outage would page. It would not where even then the error ratio stays below what a page
needs (an objective that is too low for its period), or where the expected `volume` brings fewer bad requests than the
gate wants in the longest window that pages.

## Why it is bad
A promise whose breach tells nobody is a number on a dashboard. A quiet service is better watched by a probe, or
measured over a longer window by a ticket.

## Example
```python
availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=30 * days)
reports = Service(
    name="reports",
    namespace="shop",
    owner=payments,
    runbook="reports.md",
    slos=(availability,),
    volume=0.0001 * per_second,
)
```

## Use instead
```python
availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=30 * days)
reports = Service(
    name="reports",
    namespace="shop",
    owner=payments,
    runbook="reports.md",
    slos=(availability,),
    volume=0.1 * per_second,
)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.build.detection import detections
from meshscope.build.rules.burn import FEWEST_BAD_EVENTS
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level
from meshscope.model.services import Service
from meshscope.model.slo import SLO


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each SLO of a service that can't page by its objective, or by the service's volume."""
    for (service, slo), told in zip(subject.model.slos, detections(subject.model), strict=True):
        if told.page_at_outage is not None:
            continue
        few = told.events_an_hour is not None and told.events_an_hour < FEWEST_BAD_EVENTS
        yield _quiet(service, slo) if few else _too_low(service, slo)


def _quiet(service: Service, slo: SLO) -> Finding:
    return Finding(
        code="slo/undetectable",
        title=f"SLO `{slo.name}` of service `{service.identity}` can't page",
        place=service.place,
        argument="volume",
        level=Level.WARNING,
        why=f"at {service.volume} a total outage makes too few failed requests: a page needs {FEWEST_BAD_EVENTS} in "
        "its longest window, lest it wake somebody for one",
        help="watch it with a probe that asks more often, or leave it to tickets and say so with a comment: "
        "# meshscope: allow slo/undetectable until DATE REASON",
        subject=str(service.identity),
    )


def _too_low(service: Service, slo: SLO) -> Finding:
    return Finding(
        code="slo/undetectable",
        title=f"SLO `{slo.name}` of service `{service.identity}` can't page",
        place=slo.place,
        argument="objective",
        level=Level.WARNING,
        why=f"{slo.objective} over {slo.over} leaves so large a budget that not even a total outage spends it fast "
        "enough for a page",
        help="write a higher objective, or a shorter period",
        subject=str(service.identity),
    )
