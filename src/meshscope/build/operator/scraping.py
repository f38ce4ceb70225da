"""What Prometheus scrapes under its operator, and the right to find it: monitors, Roles and RoleBindings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from meshscope.artefacts.objects import KubernetesObject
from meshscope.build import agent
from meshscope.build.operator.made import made
from meshscope.build.options import Options
from meshscope.build.prometheus import (
    COLLECTOR_COMPONENT,
    COLLECTOR_PORT,
    COLLECTORS,
    LIMITS,
    PROXIES,
    kept_metrics,
    namespaces,
)
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider

_BODY_LIMIT = "body_size_limit"
_LIMIT_KEYS = {
    _BODY_LIMIT: "bodySizeLimit",
    "sample_limit": "sampleLimit",
    "label_limit": "labelLimit",
    "label_name_length_limit": "labelNameLengthLimit",
    "label_value_length_limit": "labelValueLengthLimit",
}


def monitors(model: Model, provider: MeshProvider, options: Options) -> Iterable[KubernetesObject]:
    """A PodMonitor for the mesh's proxies, where it has some, and one for our collectors; where the agent is found."""
    mesh = model.mesh
    if provider.scrape:
        keep = {"action": "keep", "sourceLabels": ["__name__"], "regex": kept_metrics(provider)}
        endpoint = {"port": provider.scrape.port, "path": provider.scrape.path, "metricRelabelings": [keep]}
        about = "The mesh's proxies: every container that has their port, sidecars, gateways and waypoints alike."
        yield _monitor(PROXIES, about, endpoint, namespaces(model), {}, mesh, options)
    component = {"matchLabels": {"app.kubernetes.io/component": COLLECTOR_COMPONENT}}
    about = "What our collectors tell of themselves."
    yield _monitor(COLLECTORS, about, {"port": COLLECTOR_PORT}, (mesh.monitoring_namespace,), component, mesh, options)
    if agent.has_agent(model):
        yield _agent(mesh, options)


def access(model: Model, provider: MeshProvider) -> Iterable[KubernetesObject]:
    """Prometheus's right to find pods: a Role and its binding in each namespace where it scrapes some, nowhere else."""
    mesh = model.mesh
    scraped = namespaces(model) if provider.scrape else ()
    subject = {"kind": "ServiceAccount", "name": mesh.prometheus_account, "namespace": mesh.monitoring_namespace}
    for namespace in sorted({*scraped, mesh.monitoring_namespace}):
        rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": f"{mesh.name}-scrape"}
        about = f"Prometheus may find the pods of namespace {namespace}."
        yield _right("Role", namespace, {"rules": rules}, about, mesh)
        yield _right("RoleBinding", namespace, {"roleRef": role, "subjects": [subject]}, about, mesh)


def _monitor(
    name: str,
    about: str,
    endpoint: Mapping[str, object],
    where: tuple[str, ...],
    selector: Mapping[str, object],
    mesh: Mesh,
    options: Options,
) -> KubernetesObject:
    spec = {
        "namespaceSelector": {"matchNames": list(where)},
        "selector": selector,
        **{_LIMIT_KEYS[limit]: value for limit, value in LIMITS.items()},
        "podMetricsEndpoints": [
            {
                **endpoint,
                "interval": options.duration(mesh.scrape_interval),
                **_cluster(mesh),
            }
        ],
    }
    return made(
        mesh,
        path=f"objects/monitors/{name}.yaml",
        api="monitoring.coreos.com/v1",
        kind="PodMonitor",
        name=f"{mesh.name}-{name}",
        namespace=mesh.monitoring_namespace,
        body={"spec": spec},
        about=about,
        origins=(mesh.place,),
    )


def _agent(mesh: Mesh, options: Options) -> KubernetesObject:
    found = agent.endpoint(mesh)
    spec = {
        "jobName": agent.JOB,
        "scheme": found.scheme.upper(),
        "metricsPath": found.path,
        "scrapeInterval": options.duration(mesh.scrape_interval),
        "staticConfigs": [{"targets": [found.target]}],
        **{_LIMIT_KEYS[limit]: value for limit, value in LIMITS.items() if limit != _BODY_LIMIT},
        **_cluster(mesh),
    }
    return made(
        mesh,
        path=f"objects/monitors/{agent.JOB}.yaml",
        api="monitoring.coreos.com/v1alpha1",
        kind="ScrapeConfig",
        name=f"{mesh.name}-{agent.JOB}",
        namespace=mesh.monitoring_namespace,
        body={"spec": spec},
        about="What the feedback agent tells of itself, at the address to which alerts are sent.",
        origins=(mesh.place,),
    )


def _cluster(mesh: Mesh) -> dict[str, object]:
    if not mesh.cluster:
        return {}
    return {"relabelings": [{"action": "replace", "targetLabel": "cluster", "replacement": mesh.cluster}]}


def _right(kind: str, namespace: str, body: Mapping[str, object], about: str, mesh: Mesh) -> KubernetesObject:
    return made(
        mesh,
        path=f"objects/access/{namespace}.yaml",
        api="rbac.authorization.k8s.io/v1",
        kind=kind,
        name=f"{mesh.name}-scrape",
        namespace=namespace,
        body=body,
        about=about,
        origins=(mesh.place,),
    )
