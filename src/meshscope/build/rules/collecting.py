"""What is told of collectors: gone, full, or losing what they are sent, each for its reason.

Names of counters as our tiers spell them, without _total (collector 0.155: receiver/receiverhelper, exporter/
exporterhelper and processor/tailsamplingprocessor, documentation.md of each).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from meshscope.build.jobs import job
from meshscope.build.options import Options
from meshscope.build.prometheus import COLLECTORS
from meshscope.build.promql import marked, quoted
from meshscope.build.rules.annotations import Template
from meshscope.build.rules.reach import Reach, reach
from meshscope.build.rules.watch import Watch
from meshscope.model.model import Model
from meshscope.model.units import minutes

_SIGNALS = ("spans", "metric_points", "log_records")
# Why telemetry is lost, in whose label that is said, and which counters grow.
_LOSSES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "refused": ("receiver", tuple(f"receiver_refused_{signal}" for signal in _SIGNALS)),
    "failed": (
        "exporter",
        tuple(f"exporter_{what}_failed_{signal}" for what in ("send", "enqueue") for signal in _SIGNALS),
    ),
    "dropped_early": ("processor", ("processor_tail_sampling_sampling_trace_dropped_too_early",)),
}
_SUMMARIES: Mapping[str, str] = {
    "refused": "Collectors refuse telemetry at {{ $labels.receiver }}",
    "failed": "Collectors fail to pass on telemetry to {{ $labels.exporter }}",
    "dropped_early": "{{ $labels.processor }} drops traces before it decides on them",
}
_DESCRIPTIONS: Mapping[str, str] = {
    "refused": "They are short of memory, or what comes after them is full. Who sends tries again for a while and then "
    "drops it.",
    "failed": "A store refuses for good what it is sent, which is lost, or the queue on disk is full, and senders are "
    "told to try again. A store that is away makes the queue grow instead.",
    "dropped_early": "More traces arrive within its decision_wait than num_traces holds: traces with errors are lost "
    "like any other.",
}


def collector_watches(model: Model, options: Options) -> tuple[Watch, ...]:
    """Everything that is watched about collectors; that they are there only where the mesh defines some."""
    own, ours, window = reach(model.mesh), _ours(model, options), options.duration(5 * minutes)
    size, capacity = (own.series(f"otelcol_exporter_queue_{what}", ours) for what in ("size", "capacity"))
    losses = (_grows(own, ours, reason, *counted, window) for reason, counted in _LOSSES.items())
    return (
        *_gone(model, options),
        Watch(
            name="CollectorLosing",
            expression=" or ".join(losses),
            page=False,
            pending=5 * minutes,
            service="collectors",
            summary=Template().chosen("reason", _SUMMARIES),
            description=Template().chosen("reason", _DESCRIPTIONS),
        ),
        Watch(
            name="CollectorQueueFull",
            expression=f"max by ({own.labels('exporter')}) ({size} / {capacity}) > 0.8",
            page=False,
            pending=5 * minutes,
            service="collectors",
            summary="The queue to {{ $labels.exporter }} is {{ $value | humanizePercentage }} full",
            description="When it is full, collectors refuse what they receive.",
        ),
    )


def _gone(model: Model, options: Options) -> tuple[Watch, ...]:
    if not model.pipelines:
        return ()
    own, ours = reach(model.mesh), _ours(model, options)
    # The OpenTelemetry operator calls a tier's pods `<name>-collector-...` (0.140, internal/naming); who lists
    # targets in files calls them as they like.
    tiers = {pipeline.name: f"(?:.+-)?{re.escape(pipeline.name)}(?:-.+)?" for pipeline in model.pipelines}
    if model.mesh.discovery == "files":
        tiers = {"all": ""}
    # Of what is absent only the question says where: one for each cluster, where there are several.
    parts = (
        _absent(tier, cluster, own.series("up", ours, _matcher("pod=~", pods), _matcher("cluster=", cluster)))
        for cluster in model.mesh.clusters or ("",)
        for tier, pods in tiers.items()
    )
    return (
        Watch(
            name="CollectorAbsent",
            expression=f"max by ({own.labels('tier')}) ({' or '.join(parts)})",
            page=False,
            pending=5 * minutes,
            service="collectors",
            summary="No collector of tier {{ $labels.tier }} answers",
            description="None is there, or Prometheus can't find or reach it. What is sent to it waits where it "
            "comes from, and then is lost.",
        ),
    )


def _ours(model: Model, options: Options) -> str:
    return f"job={quoted(job(COLLECTORS, model.mesh, options))}"


def _matcher(start: str, value: str) -> str:
    return f"{start}{quoted(value)}" if value else ""


def _absent(tier: str, cluster: str, up: str) -> str:
    return marked(f"absent({up} == 1)", tier=tier, **({"cluster": cluster} if cluster else {}))


def _grows(own: Reach, ours: str, reason: str, label: str, counters: Iterable[str], window: str) -> str:
    # One counter at a time: rate() drops the name, and two counters of one exporter would be one series twice. Each is
    # compared before the union, or a counter at zero would hide the one after it.
    counted = (own.series(f"otelcol_{counter}", ours) for counter in counters)
    rates = (marked(f"rate({counter}[{window}])", reason=reason) for counter in counted)
    return " or ".join(f"sum by ({own.labels(label, 'reason')}) ({rate}) > 0" for rate in rates)
