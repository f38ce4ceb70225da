"""How span metrics are called by those who make and store them: only to read a mesh that exists.

The connector's names are `calls` and `duration` behind a namespace, `traces.span.metrics` since 0.109 and empty before
(opentelemetry-collector-contrib, connector/spanmetricsconnector/config.go and internal/metrics). What becomes of dots,
units and `_total` is the choice of Prometheus (otlp.translation_strategy, config/config.go of 3.16) or of the exporter
that writes to it (add_metric_suffixes). Tempo's generator has names of its own
(grafana/tempo, modules/generator/processor/spanmetrics/spanmetrics.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from meshscope.model.provider import Labels, Spelling
from meshscope.model.units import Duration, ms, seconds

_NAMESPACES = ("traces.span.metrics", "")


@dataclass(frozen=True, kw_only=True)
class Alphabet:
    """How attributes are spelt as labels."""

    labels: Labels
    status: str
    namespaces: tuple[str, ...]
    jobs: tuple[str, ...] = ("exported_job", "job")


UNDERSCORED = Alphabet(
    labels=Labels(
        cluster="k8s_cluster_name",
        namespace="service_namespace",
        service="service_name",
        reporter="span_kind",
        workload="k8s_deployment_name",
        version="service_version",
        pod="k8s_pod_name",
    ),
    status="status_code",
    namespaces=("k8s_namespace_name",),
)
DOTTED = Alphabet(
    labels=Labels(
        cluster="k8s.cluster.name",
        namespace="service.namespace",
        service="service.name",
        reporter="span.kind",
        workload="k8s.deployment.name",
        version="service.version",
        pod="k8s.pod.name",
    ),
    status='"status.code"',
    namespaces=("k8s.namespace.name",),
)
_TEMPO = replace(UNDERSCORED, labels=replace(UNDERSCORED.labels, service="service"))


def _spellings() -> Iterator[Spelling]:
    for namespace in _NAMESPACES:
        for separator, alphabet in (("_", UNDERSCORED), (".", DOTTED)):
            prefix = f"{namespace.replace('.', separator)}{separator}" if namespace else ""
            maker = "the span metrics connector"
            for total in ("_total", ""):
                for unit, size in (("_milliseconds", 1 * ms), ("_seconds", 1 * seconds), ("", 1 * ms)):
                    # A name without its unit is in the connector's default one.
                    yield _spelling(maker, f"{prefix}calls{total}", f"{prefix}duration{unit}", size, alphabet)
    yield _spelling("Tempo", "traces_spanmetrics_calls_total", "traces_spanmetrics_latency", 1 * seconds, _TEMPO)


def _spelling(maker: str, requests: str, latency: str, unit: Duration, alphabet: Alphabet) -> Spelling:
    return Spelling(
        maker=maker,
        requests=requests,
        latency=latency,
        latency_unit=unit,
        labels=alphabet.labels,
        failed=(f'{alphabet.status}="STATUS_CODE_ERROR"',),
        succeeded=f'{alphabet.status}!="STATUS_CODE_ERROR"',
        namespaces=alphabet.namespaces,
        jobs=alphabet.jobs,
    )


SPELLINGS = tuple(_spellings())
