"""Counting spans, and choosing which traces are stored."""

from __future__ import annotations

from math import ceil

from meshscope.build.collectors.site import POD, Settings, Site
from meshscope.model.model import Model
from meshscope.model.pipelines_steps import SpanMetrics, TailSampling
from meshscope.model.provider import MeshProvider
from meshscope.model.units import Duration, ms

_NAMESPACE = "traces.span.metrics"

# The labels that identify an instance, as the attributes from which Prometheus makes them.
IDENTITY = (
    "k8s.cluster.name",
    "service.namespace",
    "service.name",
    "service.version",
    "k8s.deployment.name",
    "k8s.pod.name",
)
# Service name, span kind and status are dimensions of every series already.
_BUILT_IN = ("service.name",)
# Two collectors that count for one instance must not write into one series. Each has an id of its own in every series
# since connector/spanmetrics 0.152.0, where the gate includeCollectorInstanceID became beta; before, its own address.
_NAMES_ITSELF = (0, 152, 0)
_COLLECTOR: Settings = {"name": "collector.instance.id", "default": POD}
# config.go of connector/spanmetrics has series_expiration in 0.155.0 and not in 0.152.0.
_EXPIRES = (0, 155, 0)
# Five kinds and three states of a span.
_SERIES_OF_AN_INSTANCE = 15
_LEAST_SERIES, _MOST_SERIES = 20_000, 5_000_000
_LEAST_TRACES = 50_000

# Chosen spans wait this long at most for others, so that the queue on disk is written once for all of them.
CHOSEN = "batch/chosen"
BATCH_WAIT = 200 * ms
_BATCH_SPANS = 2048


def span_metrics(count: SpanMetrics, site: Site) -> Settings:
    """The connector that counts spans, with the boundaries that SLOs and alerts need."""
    # One resource for all: each resource would have counters of its own, of which only the last thousand are kept, and
    # two of one pod that differ in what no label shows would take turns in one series.
    idle = site.provider.idle if forgets(site) else None
    own = [_COLLECTOR] if site.release < _NAMES_ITSELF else []
    return {
        "namespace": _NAMESPACE,
        "histogram": {
            "unit": "ms",
            "explicit": {"buckets": [_go(bound) for bound in bounds(site.model, site.provider)]},
        },
        "dimensions": [*({"name": name} for name in IDENTITY if name not in _BUILT_IN), *own],
        "exclude_dimensions": [] if count.by_operation else ["span.name"],
        "resource_metrics_key_attributes": ["k8s.cluster.name"],
        "aggregation_temporality": "AGGREGATION_TEMPORALITY_CUMULATIVE",
        "aggregation_cardinality_limit": _series(count, site.model),
        "metrics_flush_interval": site.duration(site.model.mesh.scrape_interval),
        **({"series_expiration": site.duration(idle)} if idle is not None else {}),
    }


def forgets(site: Site) -> bool:
    """Whether the declared release can drop series that nobody adds to any more."""
    return site.release >= _EXPIRES


def only_labels() -> Settings:
    """A transform that takes from span metrics the attributes of whichever resource happened to come first."""
    statements = ['keep_keys(resource.attributes, ["k8s.cluster.name"])']
    return {"error_mode": "ignore", "metric_statements": [{"context": "resource", "statements": statements}]}


def bounds(model: Model, provider: MeshProvider) -> tuple[Duration, ...]:
    """The boundaries of the latency histogram: the provider's, and every threshold that is in use."""
    return tuple(sorted({*provider.bounds, *model.latency_bounds}))


def tail_sampling(sample: TailSampling, site: Site) -> Settings:
    """The processor that decides on whole traces."""
    rate = arrivals(site.model)
    held = held_traces(sample, site.model)
    policies: list[Settings] = [
        {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
    ]
    if sample.slower_than is not None:
        slow = {"threshold_ms": int(sample.slower_than.milliseconds)}
        policies.append({"name": "slow", "type": "latency", "latency": slow})
    if sample.rest.value:
        share = {"sampling_percentage": float(sample.rest.value * 100)}
        policies.append({"name": "rest", "type": "probabilistic", "probabilistic": share})
    return {
        "decision_wait": site.duration(sample.decision_wait),
        "num_traces": held,
        **({"expected_new_traces_per_sec": rate} if rate else {}),
        # Spans that come late to a chosen trace join it.
        "decision_cache": {"sampled_cache_size": 2 * held},
        "policies": policies,
    }


def chosen(site: Site) -> Settings:
    """The batch processor behind the decision.

    The sampler passes each trace on by itself, and the queue on disk writes and syncs once for whatever it is given:
    a sync for each trace.
    """
    return {
        "timeout": site.duration(BATCH_WAIT),
        "send_batch_size": _BATCH_SPANS,
        "send_batch_max_size": _BATCH_SPANS,
    }


def held_traces(sample: TailSampling, model: Model) -> int:
    """How many traces a collector holds: twice those that begin while one waits for its decision."""
    return max(_LEAST_TRACES, ceil(2 * arrivals(model) * sample.decision_wait.seconds))


def arrivals(model: Model) -> int:
    """Requests a second that begin a trace, as far as volumes are known: what gateways call, and what nobody calls."""
    outside = {gateway.identity for gateway in model.gateways}
    inside = {callee for caller, callee in model.calls if caller not in outside}
    entered = {callee for caller, callee in model.calls if caller in outside}
    volumes = (
        service.volume.value
        for service in model.services
        if service.volume is not None and (service.identity in entered or service.identity not in inside)
    )
    return ceil(sum(volumes))


def _series(count: SpanMetrics, model: Model) -> int:
    # A series beyond the limit loses its identity, so the limit is far above what the mesh can need: it only bounds
    # what a fault in instrumentation can cost.
    instances = sum(service.replicas for service in model.services)
    operations = 50 if count.by_operation else 1
    wanted = 4 * _SERIES_OF_AN_INSTANCE * operations * instances
    return min(max(_LEAST_SERIES, wanted), _MOST_SERIES)


def _go(bound: Duration) -> str:
    """A latency as Go reads it; never scaled, for requests take as long as they take."""
    microseconds = bound.seconds * 1_000_000
    return f"{int(bound.milliseconds)}ms" if bound.milliseconds % 1 == 0 else f"{int(microseconds)}us"
