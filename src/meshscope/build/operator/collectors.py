"""OpenTelemetryCollector objects: each tier with its disk, its view of the node, its secrets and its rights.

Names that the OpenTelemetry operator derives (`<name>-collector`, `-headless`, port `metrics`) are read from its
sources; its definition is in no package registry, so what is written here has been judged by no operator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from meshscope.artefacts.documents import CollectorConfig
from meshscope.artefacts.objects import KubernetesObject
from meshscope.build.collectors.sending import host_variable
from meshscope.build.operator.made import made
from meshscope.model.mesh import Mesh

_IMAGE = "otel/opentelemetry-collector-contrib"
_STORAGE = "/var/lib/otelcol"
_SECRETS = "/etc/otelcol/secrets"
_SECRET_FILE = re.compile(re.escape(_SECRETS) + r"\}?/([A-Za-z0-9._/-]+)")
_FIELDS = {"MY_POD_IP": "status.podIP", "MY_NODE_NAME": "spec.nodeName"}
# The folders are where the configuration looks by itself.
_DEFAULTED = ("STORAGE_DIRECTORY", "SECRETS_DIRECTORY")
# memory_limiter counts in percent of a limit, so there must be one.
_RESOURCES = {"requests": {"cpu": "200m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}
_USER = 10001


def tier_name(mesh: Mesh, tier: str) -> str:
    """What a tier's object is called; its service is that and ``-collector``."""
    return f"{mesh.name}-{tier}"


def secret_name(mesh: Mesh) -> str:
    """The Secret that holds the collectors' variables and files."""
    return f"{mesh.name}-collectors"


def from_secret(collector: CollectorConfig, tiers: Iterable[str]) -> tuple[str, ...]:
    """The variables that nobody but the installation knows: endpoints and tokens."""
    known = {*_FIELDS, *_DEFAULTED, *(host_variable(tier) for tier in tiers)}
    return tuple(name for name in collector.environment if name not in known)


def secret_files(collector: CollectorConfig) -> tuple[str, ...]:
    """The files that its configuration reads from the folder of secrets, in order of use."""
    return tuple(dict.fromkeys(_SECRET_FILE.findall(json.dumps(collector.document))))


def collector_objects(collectors: tuple[CollectorConfig, ...], mesh: Mesh) -> Iterable[KubernetesObject]:
    """For each tier its service account, the rights that its configuration needs, and the collectors."""
    tiers = [collector.name for collector in collectors]
    for collector in collectors:
        yield from _rights(collector, mesh)
        yield _made(collector, mesh, "opentelemetry.io/v1beta1", "OpenTelemetryCollector", collector.about, {
            "spec": _spec(collector, tiers, mesh)
        })  # fmt: skip


def _made(
    collector: CollectorConfig,
    mesh: Mesh,
    api: str,
    kind: str,
    about: str,
    body: Mapping[str, object],
    *,
    namespaced: bool = True,
) -> KubernetesObject:
    return made(
        mesh,
        path=f"objects/collectors/{collector.name}.yaml",
        api=api,
        kind=kind,
        name=tier_name(mesh, collector.name),
        namespace=mesh.monitoring_namespace if namespaced else "",
        body=body,
        about=about or f"The {collector.name} tier of collectors.",
        origins=(collector.origin,),
    )


def _spec(collector: CollectorConfig, tiers: list[str], mesh: Mesh) -> dict[str, object]:
    spec: dict[str, object] = {"mode": collector.mode}
    if collector.mode != "daemonset":
        spec["replicas"] = collector.replicas
    spec |= {
        "image": f"{_IMAGE}:{mesh.versions.otelcol}",
        "serviceAccount": tier_name(mesh, collector.name),
        "resources": _RESOURCES,
        **_security(collector),
        "env": [_variable(name, tiers, mesh) for name in collector.environment if name not in _DEFAULTED],
        **_disks(collector, mesh),
        "config": collector.document,
    }
    return spec


def _variable(name: str, tiers: list[str], mesh: Mesh) -> dict[str, object]:
    if name in _FIELDS:
        return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": _FIELDS[name]}}}
    for tier in tiers:
        if name == host_variable(tier):
            service = f"{tier_name(mesh, tier)}-collector-headless.{mesh.monitoring_namespace}.svc.cluster.local"
            return {"name": name, "value": service}
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret_name(mesh), "key": name}}}


def _security(collector: CollectorConfig) -> dict[str, object]:
    """A node's files belong to root, so who reads them is root without any of its powers; all others are nobody."""
    container = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    if collector.mode == "daemonset":
        return {"podSecurityContext": {"runAsUser": 0}, "securityContext": container}
    pod = {"runAsNonRoot": True, "runAsUser": _USER, "runAsGroup": _USER, "fsGroup": _USER}
    return {"podSecurityContext": pod, "securityContext": container}


def _disks(collector: CollectorConfig, mesh: Mesh) -> dict[str, object]:
    volumes: list[dict[str, object]] = []
    mounts: list[dict[str, object]] = []
    claims: list[dict[str, object]] = []
    if "file_storage" in collector.document.get("extensions", {}):  # type: ignore[operator]
        mounts.append({"name": "storage", "mountPath": _STORAGE})
        if collector.mode == "daemonset":
            folder = f"{_STORAGE}/{tier_name(mesh, collector.name)}"
            volumes.append({"name": "storage", "hostPath": {"path": folder, "type": "DirectoryOrCreate"}})
        else:
            room = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": _room(collector)}}}
            claims.append({"metadata": {"name": "storage"}, "spec": room})
    for number, (inside, outside) in enumerate(collector.host_folders.items()):
        name = f"node-{number}"
        volumes.append({"name": name, "hostPath": {"path": outside}})
        mounts.append({"name": name, "mountPath": inside, "readOnly": True, "mountPropagation": "HostToContainer"})
    if secret_files(collector):
        volumes.append({"name": "secrets", "secret": {"secretName": secret_name(mesh)}})
        mounts.append({"name": "secrets", "mountPath": _SECRETS, "readOnly": True})
    found = {"volumeMounts": mounts, "volumes": volumes, "volumeClaimTemplates": claims}
    return {key: value for key, value in found.items() if value}


def _room(collector: CollectorConfig) -> str:
    """Disk for every queue when it is full, and as much again while it is compacted."""
    exporters = collector.document.get("exporters")
    total = 0
    for exporter in exporters.values() if isinstance(exporters, Mapping) else ():
        queue = exporter.get("sending_queue") or {}
        total += int(queue.get("queue_size", 0)) if queue.get("sizer") == "bytes" else 0
    return f"{max(1, -(-2 * total // (1 << 30)))}Gi"


def _rights(collector: CollectorConfig, mesh: Mesh) -> Iterable[KubernetesObject]:
    about = f"The {collector.name} collectors' own account."
    yield _made(collector, mesh, "v1", "ServiceAccount", about, {})
    rules = _needed(collector)
    if not rules:
        return
    api = "rbac.authorization.k8s.io/v1"
    name = tier_name(mesh, collector.name)
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": mesh.monitoring_namespace}
    about = f"What the {collector.name} collectors ask Kubernetes: of which pod telemetry is, and what pods use."
    yield _made(collector, mesh, api, "ClusterRole", about, {"rules": rules}, namespaced=False)
    binding = {"roleRef": role, "subjects": [subject]}
    yield _made(collector, mesh, api, "ClusterRoleBinding", about, binding, namespaced=False)


def _needed(collector: CollectorConfig) -> list[dict[str, object]]:
    """The rights to what k8s_attributes and kubelet_stats ask for, under their older names too."""
    parts = {
        str(name).partition("/")[0].replace("_", "")
        for kind in ("processors", "receivers")
        for name in collector.document.get(kind, {})  # type: ignore[attr-defined]
    }
    rules: list[dict[str, object]] = []
    if "k8sattributes" in parts:
        seen = ["get", "list", "watch"]
        rules.append({"apiGroups": [""], "resources": ["pods", "namespaces"], "verbs": seen})
        rules.append({"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": seen})
    if "kubeletstats" in parts:
        rules.append({"apiGroups": [""], "resources": ["nodes/stats"], "verbs": ["get"]})
    return rules
