"""Prometheus's own configuration: what it scrapes and how much of it, what it is pushed, and whom it tells."""

from __future__ import annotations

from collections.abc import Iterable

from meshscope.artefacts.documents import PrometheusConfig
from meshscope.build import agent
from meshscope.build.options import Options
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider, Scrape
from meshscope.model.units import minutes, seconds
from meshscope.model.versions import numbers

PROXIES = "mesh-proxies"
COLLECTORS = "collectors"
PROMETHEUS = "prometheus"
ALERTMANAGER = "alertmanager"

# A collector's pod and the port of its own telemetry, as the OpenTelemetry operator names them.
COLLECTOR_COMPONENT = "opentelemetry-collector"
COLLECTOR_PORT = "metrics"

# What one target may send. A proxy that exceeds them fails its scrape, which an alert tells, instead of taking
# Prometheus down with it. A gateway in front of a thousand services has some 40,000 samples.
LIMITS: dict[str, int | str] = {
    "body_size_limit": "64MB",
    "sample_limit": 100_000,
    "label_limit": 64,
    "label_name_length_limit": 256,
    "label_value_length_limit": 2048,
}

# Since 3.11 the retention in the configuration file is the one that is kept; before, it was a flag.
_RETENTION_IN_FILE = (3, 11, 0)
_EVALUATION = 30 * seconds
_SCRAPE_TIMEOUT = 10 * seconds
# What tells apart what collectors measure themselves: nodes, pods, containers.
_COLLECTED = (
    "k8s.cluster.name",
    "k8s.namespace.name",
    "k8s.node.name",
    "k8s.pod.name",
    "k8s.container.name",
    "service.namespace",
    "service.name",
)
# What a collector pushes arrives after its flush, its batch and a retry or two.
_PUSH_DELAY = 30 * seconds
_OUT_OF_ORDER = 30 * minutes


def prometheus(model: Model, provider: MeshProvider, options: Options) -> PrometheusConfig:
    """The whole of prometheus.yaml; its rules are the files in ``rules`` beside it."""
    mesh = model.mesh
    offset = query_offset(provider, options)
    document: dict[str, object] = {
        "global": {
            "scrape_interval": options.duration(mesh.scrape_interval),
            "scrape_timeout": options.duration(min(_SCRAPE_TIMEOUT, mesh.scrape_interval)),
            "evaluation_interval": options.duration(_EVALUATION),
            **({"rule_query_offset": offset} if offset else {}),
            "external_labels": external_labels(model),
            **LIMITS,
            "keep_dropped_targets": 100,
        },
        "rule_files": ["rules/*.yaml"],
        "alerting": {
            # Two replicas of Prometheus send one alert, not two.
            "alert_relabel_configs": [{"action": "labeldrop", "regex": "replica|prometheus_replica"}],
            "alertmanagers": [_alertmanagers(mesh)],
        },
        "scrape_configs": list(_jobs(model, provider, options)),
        "storage": {"tsdb": _tsdb(model, provider, options)},
    }
    if is_pushed(model, provider):
        document["otlp"] = {
            "translation_strategy": "UnderscoreEscapingWithSuffixes",
            "promote_resource_attributes": list(dict.fromkeys((*provider.promoted, *_COLLECTED))),
        }
    return PrometheusConfig(document=document, origin=mesh.place)


def query_offset(provider: MeshProvider, options: Options) -> str:
    """How far behind rules look, so that what collectors push has arrived; empty where Prometheus scrapes itself."""
    return options.duration(_PUSH_DELAY) if provider.promoted else ""


def is_pushed(model: Model, provider: MeshProvider) -> bool:
    """Whether collectors push metrics into Prometheus, be they the mesh's own or what they measure themselves."""
    return bool(provider.promoted or model.pipelines)


def flags(model: Model, provider: MeshProvider, options: Options) -> tuple[str, ...]:
    """What Prometheus must be told on its command line, because its configuration file can't say it."""
    wanted = []
    if is_pushed(model, provider):
        wanted.append("--web.enable-otlp-receiver")
    if not _retention_in_file(model.mesh):
        wanted.append(f"--storage.tsdb.retention.time={options.duration(model.mesh.retention)}")
    return tuple(wanted)


def external_labels(model: Model) -> dict[str, str]:
    """What every alert says of where it comes from: several meshes and environments may share one Alertmanager."""
    labels = {"mesh": model.mesh.name, "environment": model.environment, "cluster": model.mesh.cluster}
    return {name: value for name, value in labels.items() if value}


def kept_metrics(provider: MeshProvider) -> str:
    """A pattern of the names that rules, dashboards and the discovery of services read from a proxy."""
    names = [provider.requests, f"{provider.latency}_(bucket|sum|count)", provider.discovery.connections]
    return "|".join(name for name in names if name)


def namespaces(model: Model) -> tuple[str, ...]:
    """Every namespace in which a proxy of the model runs, sorted."""
    running = (service for service in model.services if service.identity not in model.elsewhere)
    found = {service.namespace for service in running} | {gateway.namespace for gateway in model.gateways}
    return tuple(sorted(found))


def _alertmanagers(mesh: Mesh) -> dict[str, object]:
    # Each is told by its own address: behind a load balancer, one of a pair would know what the other doesn't.
    split = [address.rpartition("://") for address in mesh.alertmanagers]
    scheme = {"scheme": "https"} if any(scheme == "https" for scheme, _, _ in split) else {}
    return {**scheme, "static_configs": [{"targets": [host for _, _, host in split]}]}


def _jobs(model: Model, provider: MeshProvider, options: Options) -> Iterable[dict[str, object]]:
    mesh = model.mesh
    files = mesh.discovery == "files"
    if not options.everywhere:
        yield from _scraped(model, provider, options)
    own = _host(mesh.prometheus) if files else "localhost:9090"
    yield {"job_name": PROMETHEUS, "static_configs": [{"targets": [own]}]}
    yield {"job_name": ALERTMANAGER, **_alertmanagers(mesh)}
    if agent.has_agent(model):
        yield _agent(mesh)


def _scraped(model: Model, provider: MeshProvider, options: Options) -> Iterable[dict[str, object]]:
    """What only a cluster's own Prometheus scrapes: the mesh's proxies, and collectors."""
    mesh = model.mesh
    files = mesh.discovery == "files"
    if provider.scrape:
        keep = {"source_labels": ["__name__"], "regex": kept_metrics(provider), "action": "keep"}
        yield {
            "job_name": PROXIES,
            "metrics_path": provider.scrape.path,
            **(_files(PROXIES, mesh, options) if files else _proxies(provider.scrape, model)),
            "metric_relabel_configs": [keep],
        }
    yield {"job_name": COLLECTORS, **(_files(COLLECTORS, mesh, options) if files else _collectors(mesh))}


def _agent(mesh: Mesh) -> dict[str, object]:
    found = agent.endpoint(mesh)
    return {
        "job_name": agent.JOB,
        "scheme": found.scheme,
        "metrics_path": found.path,
        "static_configs": [{"targets": [found.target]}],
        **({"relabel_configs": _cluster(mesh)} if mesh.cluster else {}),
    }


def _host(address: str) -> str:
    return address.rpartition("://")[2].rstrip("/")


def _files(job: str, mesh: Mesh, options: Options) -> dict[str, object]:
    # Who runs local processes lists them there, with their labels namespace and pod.
    return {
        "file_sd_configs": [{"files": [f"targets/{job}.json"], "refresh_interval": options.duration(1 * minutes)}],
        **({"relabel_configs": _cluster(mesh)} if mesh.cluster else {}),
    }


def _proxies(scrape: Scrape, model: Model) -> dict[str, object]:
    """Sidecars, gateways and waypoints: whatever container has the proxy's port, in the namespaces of the model."""
    return {
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": list(namespaces(model))}}],
        "relabel_configs": [_keep(scrape.port, "container_port_name"), *_pod_labels(model.mesh)],
    }


def _collectors(mesh: Mesh) -> dict[str, object]:
    component = _keep(COLLECTOR_COMPONENT, "label_app_kubernetes_io_component")
    return {
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [mesh.monitoring_namespace]}}],
        "relabel_configs": [component, _keep(COLLECTOR_PORT, "container_port_name"), *_pod_labels(mesh)],
    }


def _keep(value: str, label: str) -> dict[str, object]:
    return {"source_labels": [f"__meta_kubernetes_pod_{label}"], "regex": value, "action": "keep"}


def _pod_labels(mesh: Mesh) -> list[dict[str, object]]:
    return [
        {"source_labels": ["__meta_kubernetes_pod_phase"], "regex": "Succeeded|Failed", "action": "drop"},
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
        {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
        *_cluster(mesh),
    ]


def _cluster(mesh: Mesh) -> list[dict[str, object]]:
    return [{"target_label": "cluster", "replacement": mesh.cluster}] if mesh.cluster else []


def _retention_in_file(mesh: Mesh) -> bool:
    return numbers(mesh.versions.prometheus) >= _RETENTION_IN_FILE


def _tsdb(model: Model, provider: MeshProvider, options: Options) -> dict[str, object]:
    settings: dict[str, object] = {}
    if is_pushed(model, provider):
        settings["out_of_order_time_window"] = options.duration(_OUT_OF_ORDER)
    if _retention_in_file(model.mesh):
        settings["retention"] = {"time": options.duration(model.mesh.retention)}
    return settings
