"""Raw series of the synthetic mesh as promtool reads them: a selector with labels, and values a step apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from meshscope.build.promql import quoted
from meshscope.build.proofs.synthetic import Bench
from meshscope.model.services import Service
from meshscope.model.slo import SLO, Side
from meshscope.model.units import Duration, plain

Series: TypeAlias = dict[str, str]
LONG = 400


@dataclass(frozen=True)
class Phase:
    """``steps`` steps of ``increment`` each; None is a gap in the scrapes."""

    increment: Decimal | None
    steps: int


def steady(increment: Decimal | int, steps: int = LONG) -> tuple[Phase, ...]:
    """The same traffic all along."""
    return (Phase(Decimal(increment), steps),)


def counter(phases: Iterable[Phase]) -> str:
    """A counter that starts at 0 and grows through ``phases``, in promtool's notation."""
    parts, value = ["0"], Decimal(0)
    for phase in phases:
        if phase.increment is None:
            parts.append(f"_x{phase.steps}")
            continue
        first = value + phase.increment
        parts.append(f"{plain(first)}+{plain(phase.increment)}x{phase.steps - 1}")
        value += phase.increment * phase.steps
    return " ".join(parts)


def series(metric: str, labels: Mapping[str, str], phases: Iterable[Phase]) -> Series:
    """One input series; empty labels are left out."""
    inside = ",".join(f"{name}={quoted(value)}" for name, value in sorted(labels.items()) if value)
    return {"series": f"{metric}{{{inside}}}", "values": counter(phases)}


def labels_of(bench: Bench, service: Service, slo: SLO | None = None, pod: str = "") -> dict[str, str]:
    """The provider's labels of a service as its own side reports it; of one instance when ``pod`` is given."""
    names = bench.provider.labels
    labels = {
        names.cluster: service.cluster,
        names.namespace: service.namespace,
        names.service: service.name,
        names.reporter: bench.views.of(service, slo),
    }
    if pod:
        labels |= {names.workload: service.name, names.version: "v1", names.pod: pod}
        labels[names.reporter] = bench.provider.instance_reporter
    return labels


def requests(
    bench: Bench, service: Service, sample: str, phases: Iterable[Phase], *, pod: str = "", **more: str
) -> Series:
    """Requests of one kind (a key of the provider's samples)."""
    labels = labels_of(bench, service, pod=pod) | _sample(bench, service, sample) | more
    return series(bench.provider.requests, labels, phases)


def _sample(bench: Bench, service: Service, sample: str) -> dict[str, str]:
    whose = {"service": service.name, "namespace": service.namespace}
    return {name: text.format(**whose) for name, text in bench.provider.samples[sample].items()}


def buckets(
    bench: Bench,
    service: Service,
    bound: Duration,
    within: Iterable[Phase],
    every: Iterable[Phase],
    spelling: str = ".0",
) -> list[Series]:
    """A latency histogram's bucket for ``bound`` and the one for all; ``spelling`` ends ``le`` as a scrape does."""
    le = bench.provider.le(bound)
    labels = labels_of(bench, service) | dict(bench.provider.samples["good"])
    metric = f"{bench.provider.latency}_bucket"
    path = {} if spelling else {"path": "otlp"}
    return [
        series(metric, labels | path | {"le": le if "." in le else f"{le}{spelling}"}, within),
        series(metric, labels | path | {"le": "+Inf"}, every),
    ]


def at_servers(bench: Bench, service: Service, sample: str, phases: Iterable[Phase]) -> Series:
    """Requests as the server reports them, whatever side stands for the service."""
    reporter = bench.provider.reporters[Side.SERVER, service.dataplane]
    good = bench.provider.samples["good"]
    labels = labels_of(bench, service) | dict(good) | dict(bench.provider.samples[sample])
    return series(bench.provider.requests, labels | {bench.provider.labels.reporter: reporter}, phases)
