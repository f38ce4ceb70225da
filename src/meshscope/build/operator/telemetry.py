"""Istio's own part: which metrics, traces and access logs proxies give, and to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from meshscope.artefacts.documents import CollectorConfig
from meshscope.artefacts.objects import KubernetesObject
from meshscope.artefacts.yaml import dump
from meshscope.build.heading import heading
from meshscope.build.operator.collectors import tier_name
from meshscope.build.operator.made import made
from meshscope.model.mesh import Mesh

_ABOUT = (
    "What every proxy of the mesh tells: its metrics, unchanged, since rules need each label; a span of every request, "
    "since collectors count all before they choose; and access logs of failures.\n"
    "Istio heeds one such object in its root namespace: this replaces the one that is there."
)
_FAILED = "response.code >= 400 || response.code == 0"


def telemetry_objects(collectors: Iterable[CollectorConfig], mesh: Mesh) -> Iterable[KubernetesObject]:
    """The mesh-wide Telemetry object."""
    spec: dict[str, object] = {"metrics": [{"providers": [{"name": "prometheus"}]}]}
    taken = _taken(collectors)
    if "traces" in taken:
        spec["tracing"] = [{"providers": [{"name": f"{mesh.name}-traces"}], "randomSamplingPercentage": 100}]
    if "logs" in taken:
        provider = {"name": f"{mesh.name}-access-logs"}
        spec["accessLogging"] = [{"providers": [provider], "filter": {"expression": _FAILED}}]
    yield made(
        mesh,
        path="objects/mesh/telemetry.yaml",
        api="telemetry.istio.io/v1",
        kind="Telemetry",
        name="mesh-default",
        namespace=mesh.istio_namespace,
        body={"spec": spec},
        about=_ABOUT,
        origins=(mesh.place,),
    )


def mesh_config(collectors: Iterable[CollectorConfig], mesh: Mesh) -> str:
    """The part of Istio's MeshConfig that says where those providers are; empty where no collector listens."""
    taken = _taken(collectors)
    providers: list[dict[str, object]] = []
    if "traces" in taken:
        where = _address(taken["traces"], mesh)
        # Services are then called as Kubernetes calls them; without it, a span's is "app.namespace".
        named = {"serviceAttributeEnrichment": "OTEL_SEMANTIC_CONVENTIONS"}
        providers.append({"name": f"{mesh.name}-traces", "opentelemetry": {**where, **named}})
    if "logs" in taken:
        providers.append({"name": f"{mesh.name}-access-logs", "envoyOtelAls": _address(taken["logs"], mesh)})
    if not providers:
        return ""
    about = "To merge into Istio's MeshConfig: where proxies send traces and access logs."
    return heading(about, (mesh.place,)) + dump({"enableTracing": True, "extensionProviders": providers})


def _taken(collectors: Iterable[CollectorConfig]) -> Mapping[str, str]:
    """Which tier takes which signal from pods: the one on their own node before any other."""
    taken: dict[str, str] = {}
    for collector in sorted(collectors, key=lambda tier: tier.mode != "daemonset"):
        service = collector.document.get("service")
        pipelines = service.get("pipelines", {}) if isinstance(service, Mapping) else {}
        for name, pipeline in pipelines.items():
            if "otlp" in pipeline.get("receivers", ()):
                taken.setdefault(str(name).partition("/")[0], collector.name)
    return taken


def _address(tier: str, mesh: Mesh) -> dict[str, object]:
    service = f"{tier_name(mesh, tier)}-collector.{mesh.monitoring_namespace}.svc.cluster.local"
    return {"service": service, "port": 4317}
