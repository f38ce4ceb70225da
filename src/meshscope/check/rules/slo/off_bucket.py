"""A latency threshold is no bucket boundary of the mesh provider.

## What it does
Finds `Latency(under=...)` and `slow_ratio(over=...)` whose bound is none of the boundaries of the provider's latency
histogram. Providers whose boundaries our own collector sets (span metrics) take any bound.

## Why it is bad
A histogram counts requests up to its boundaries and knows nothing in between. A bound off them has no series: the
indicator is absent, the alert never fires.

## Example
```python
latency = SLO(name="latency", of=Latency(under=200 * ms), objective=99 * percent, over=30 * days)
search = Service(name="search", namespace="web", owner=payments, runbook="search.md", slos=(latency,))
```

## Use instead
```python
latency = SLO(name="latency", of=Latency(under=250 * ms), objective=99 * percent, over=30 * days)
search = Service(name="search", namespace="web", owner=payments, runbook="search.md", slos=(latency,))
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding, Place
from meshscope.model.provider import MeshProvider
from meshscope.model.slo import Latency
from meshscope.model.units import Duration


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each SLO and for each alert's threshold that is off the boundaries."""
    provider = subject.provider
    seen: set[tuple[Place | None, Duration]] = set()
    for service, slo in subject.model.slos:
        if isinstance(slo.of, Latency) and (slo.place, slo.of.under) not in seen:
            seen.add((slo.place, slo.of.under))
            where = f"SLO `{slo.name}` of service `{service.identity}`"
            yield from _off(where, slo.name, slo.of.under, slo.place, "of", provider)
    for alert in subject.model.alerts:
        for bound in sorted({signal.over for signal in alert.signals if signal.over is not None}):
            yield from _off(f"alert `{alert.name}`", alert.name, bound, alert.place, None, provider)


def _off(
    where: str, subject: str, bound: Duration, place: Place | None, argument: str | None, provider: MeshProvider
) -> Iterator[Finding]:
    if provider.bucket_of(bound):
        return
    below = [one for one in provider.bounds if one < bound][-1:]
    above = [one for one in provider.bounds if one > bound][:1]
    near = " or ".join(f"{one.milliseconds.normalize():f} * ms" for one in below + above)
    yield Finding(
        code="slo/off-bucket",
        title=f"the threshold of {where}, {bound}, is no bucket boundary of {provider.title}",
        place=place,
        argument=argument,
        why="its histogram counts requests up to its boundaries and knows nothing in between: there is no series "
        "for this one, and the alert can never fire",
        help=f"write {near}, the boundaries next to it",
        subject=subject,
    )
