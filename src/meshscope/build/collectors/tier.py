"""One tier's whole configuration: components, and the pipelines that join them."""

from __future__ import annotations

from dataclasses import dataclass, field

from meshscope.build.collectors.identity import identity, kubernetes_attributes
from meshscope.build.collectors.receiving import asked_of, receiver_id, receivers
from meshscope.build.collectors.redaction import redaction, shown, taken_back
from meshscope.build.collectors.sampling import CHOSEN, chosen, only_labels, span_metrics, tail_sampling
from meshscope.build.collectors.sending import exporter_id, exporters, shown_to
from meshscope.build.collectors.site import (
    HEALTH_PORT,
    METRICS_PORT,
    POD,
    POD_BEFORE_PORT,
    STORAGE,
    STORAGE_FOLDER,
    Settings,
    Site,
)
from meshscope.model.pipelines_receive import Signal
from meshscope.model.pipelines_steps import KubernetesAttributes, TailSampling
from meshscope.model.units import seconds

_LIMITER = "memory_limiter"
_SAMPLED = "forward/sampling"


@dataclass
class _Graph:
    """Processors and connectors as they are used, and the pipelines that use them."""

    processors: Settings = field(default_factory=dict)
    connectors: Settings = field(default_factory=dict)
    pipelines: dict[str, Settings] = field(default_factory=dict)

    def add(self, name: str, receive: list[str], process: Settings, send: list[str]) -> None:
        """A pipeline; the same processor of two pipelines has the same settings."""
        self.processors |= process
        self.pipelines[name] = {"receivers": receive, "processors": list(process), "exporters": send}


def document(site: Site) -> Settings:
    """The configuration of the site's tier, in the order in which telemetry passes it."""
    graph = _graph(site)
    extensions = _extensions(site)
    return {
        "extensions": extensions,
        "receivers": receivers(site),
        "processors": graph.processors,
        **({"connectors": graph.connectors} if graph.connectors else {}),
        "exporters": exporters(site),
        "service": {
            "extensions": list(extensions),
            "telemetry": _own_telemetry(),
            "pipelines": graph.pipelines,
        },
    }


def _graph(site: Site) -> _Graph:
    graph = _Graph()
    for signal in site.signals:
        source = [receiver_id(receiver, site) for receiver in site.pipeline.sources(signal)]
        target = [exporter_id(signal, site)]
        if signal is Signal.TRACES:
            _traces(graph, site, source, target)
        elif source:
            graph.add(signal.value, source, {**_limiter(site), **_steps(signal, site)}, target)
    if site.counts:
        settings = {**_limiter(site), "transform/span_metrics": only_labels()}
        graph.add("metrics/spans", [site.name("span_metrics")], settings, [exporter_id(Signal.METRICS, site)])
    return graph


def _traces(graph: _Graph, site: Site, source: list[str], target: list[str]) -> None:
    """Traces: counted whole, then sampled; two pipelines where they are both, since a fork comes last in one."""
    steps = {**_limiter(site), **_steps(Signal.TRACES, site)}
    pipeline = site.pipeline
    sampling = _sampling(pipeline.sample, site) if pipeline.sample is not None else {}
    if pipeline.count is None or not site.counts:
        graph.add("traces", source, {**steps, **sampling}, target)
        return
    counter = site.name("span_metrics")
    graph.connectors[counter] = span_metrics(pipeline.count, site)
    if not sampling:
        graph.add("traces", source, steps, [counter, *target])
        return
    graph.connectors[_SAMPLED] = {}
    graph.add("traces", source, steps, [counter, _SAMPLED])
    graph.add("traces/sampled", [_SAMPLED], {**_limiter(site), **sampling}, target)


def _sampling(sample: TailSampling, site: Site) -> Settings:
    # Whatever is batched here was in memory only a moment ago, so a batch risks nothing that the decision did not.
    return {"tail_sampling": tail_sampling(sample, site), CHOSEN: chosen(site)}


def _limiter(site: Site) -> Settings:
    # Percentages of what the container may have; the spike is what may come in between two looks.
    return {
        _LIMITER: {
            "check_interval": site.duration(1 * seconds),
            "limit_percentage": 75,
            "spike_limit_percentage": 15,
        }
    }


def _steps(signal: Signal, site: Site) -> Settings:
    pipeline = site.pipeline
    steps: Settings = {}
    if any(isinstance(part, KubernetesAttributes) for part in pipeline.enrich):
        steps[site.name("k8s_attributes")] = kubernetes_attributes(site)
    steps["transform/identity"] = identity(site)
    if pipeline.redact is not None and signal is not Signal.METRICS:
        before, after = f"transform/before_redaction_of_{signal}", f"transform/after_redaction_of_{signal}"
        steps |= {before: shown(signal), "redaction": redaction(pipeline.redact), after: taken_back(signal)}
    return steps


def _extensions(site: Site) -> Settings:
    return {
        "health_check": {"endpoint": f"{POD_BEFORE_PORT}:{HEALTH_PORT}"},
        STORAGE: {
            "directory": STORAGE_FOLDER,
            "create_directory": True,
            "directory_permissions": "0700",
            "fsync": True,
            "compaction": {
                "directory": STORAGE_FOLDER,
                "on_start": True,
                "on_rebound": True,
                "cleanup_on_start": True,
            },
        },
        **asked_of(site),
        **shown_to(site),
    }


def _own_telemetry() -> Settings:
    # Counters keep their names in every release: otelcol_exporter_sent_spans, never with _total.
    reader = {
        "host": POD,
        "port": METRICS_PORT,
        "without_scope_info": True,
        "without_type_suffix": True,
        "without_units": True,
    }
    return {
        "logs": {"level": "info", "encoding": "json"},
        "metrics": {"level": "normal", "readers": [{"pull": {"exporter": {"prometheus": reader}}}]},
    }
