"""A latency bound is no bucket of the mesh that runs.

## What it does
Asked for with `meshscope check --against URL`: looks for the bound of each latency SLO, and of each alert on slow
requests, among the buckets that the mesh's proxies export. Silent where they export none at all.

## Why it is bad
Proxies can be told to export other buckets than the provider's own. Without the bucket there is no series for the
bound, and no alert about it can fire.

## Example
```python
latency = SLO(name="latency", of=Latency(under=1000 * ms), objective=99 * percent, over=30 * days)
cart = Service(name="cart", namespace="shop", owner=payments, runbook="cart.md", slos=(latency,))
```

## Use instead
```python
latency = SLO(name="latency", of=Latency(under=250 * ms), objective=99 * percent, over=30 * days)
cart = Service(name="cart", namespace="shop", owner=payments, runbook="cart.md", slos=(latency,))
```
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress

from meshscope.check.subject import Subject
from meshscope.findings import Finding, Place
from meshscope.model.slo import Latency
from meshscope.model.units import Duration


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each bound that is no bucket there."""
    live = subject.live
    if live is None or not live.bounds:
        return
    there = sorted({number for text in live.bounds if math.isfinite(number := _number(text))})
    unit = subject.provider.latency_unit
    for name, bound, place, argument in dict.fromkeys(_bounds(subject)):
        if float(bound / unit) in there:
            continue
        listed = ", ".join(f"{number:g}" for number in there)
        yield Finding(
            code="live/no-bucket",
            title=f"{bound}, the bound of `{name}`, is no bucket in {live.source}",
            place=place,
            argument=argument,
            why=f"the mesh's proxies export the buckets {listed} (each {unit}): no alert about this bound can fire",
            help="write one of those, or have the proxies export the provider's buckets",
            subject=name,
        )


def _bounds(subject: Subject) -> Iterator[tuple[str, Duration, Place | None, str | None]]:
    for _, slo in subject.model.slos:
        if isinstance(slo.of, Latency):
            yield slo.name, slo.of.under, slo.place, "of"
    for alert in subject.model.alerts:
        for signal in alert.signals:
            if signal.over is not None:
                yield alert.name, signal.over, alert.place, None


def _number(text: str) -> float:
    with suppress(ValueError):
        return float(text)
    return math.nan
