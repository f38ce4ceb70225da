"""An SLO can't page, since its service sees too few requests.

## What it does
Asks of each SLO whether a total outage would page. With fewer than one request in two hours it would not: even the page
for little traffic (`NothingSucceeds`) wants three bad requests within six hours, so that one failure wakes nobody.
Where an environment caps severities, or these alerts are turned off, nobody is to be woken.

## Why it is bad
An outage of it is a ticket that may come after days. A service as quiet as that is better watched by a probe.

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
from meshscope.build.rules.outages import FEWEST_FAILURES, LITTLE_WINDOWS
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each SLO of a service that can't page at the service's volume."""
    for (service, slo), told in zip(subject.model.slos, detections(subject.model), strict=True):
        if told.too_few:
            yield Finding(
                code="slo/undetectable",
                title=f"SLO `{slo.name}` of service `{service.identity}` can't page",
                place=service.place,
                argument="volume",
                level=Level.WARNING,
                why=f"at {service.volume} a total outage makes too few failed requests: a page needs "
                f"{FEWEST_FAILURES} within {LITTLE_WINDOWS[-1]}, lest it wake somebody for one",
                help="watch it with a probe that asks more often, or leave it to tickets and say so with a comment: "
                "# meshscope: allow slo/undetectable until DATE REASON",
                subject=str(service.identity),
            )
