"""What manifests leave open, told beside the definitions that were made of them."""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.build.discovery.manifests import Declared
from meshscope.findings import Finding, Level, Place, counted

# What describes no part of a mesh's shape, and need not be told.
_OF_NO_SHAPE = frozenset({
    "ConfigMap", "Secret", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding",
    "PodDisruptionBudget", "PersistentVolumeClaim", "PersistentVolume", "StorageClass", "CustomResourceDefinition",
    "Kustomization", "ResourceQuota", "LimitRange", "PriorityClass", "PeerAuthentication", "AuthorizationPolicy",
    "DestinationRule", "Telemetry", "Sidecar", "Application", "ServiceMonitor", "PodMonitor", "PrometheusRule",
})  # fmt: skip


def about(declared: Declared) -> Iterator[Finding]:
    """What was read and not understood."""
    for kind, count in declared.unread.items():
        if kind not in _OF_NO_SHAPE:
            yield Finding(
                code="discover/unread-kind",
                title=f"{counted(count, 'object')} of kind `{kind or 'none'}` in the manifests say nothing here",
                level=Level.NOTE,
                why="services are read from Service, workloads and what scales them, ways in from Gateway and routes, "
                "hosts from ServiceEntry, calls from environments and NetworkPolicy",
                help="write by hand what they mean for the mesh, if anything",
                subject=kind,
            )


def never_called(identity: str) -> Finding:
    """A service that is declared and was not seen."""
    return Finding(
        code="discover/never-called",
        title=f"`{identity}` is declared and had no requests: it is written as one that expects no traffic",
        level=Level.NOTE,
        why="it may be new, seldom called, outside the mesh, or declared in another cluster",
        help="remove expects_traffic=False once it is called, or delete it",
        subject=identity,
    )


def undeclared(identity: str) -> Finding:
    """A service that was seen and is declared nowhere here."""
    return Finding(
        code="discover/undeclared",
        title=f"`{identity}` has requests and no manifest in this folder",
        level=Level.NOTE,
        why="its manifest is elsewhere, or it was made by hand",
        help="nothing, or name the folder of its manifests too",
        subject=identity,
    )


def nothing_behind(identity: str, place: Place) -> Finding:
    """A service that selects no pods of these manifests."""
    return Finding(
        code="discover/nothing-behind",
        title=f"service `{identity}` selects no workload of these manifests",
        place=place,
        level=Level.WARNING,
        why="its selector fits no pod template in its namespace, so its replicas are not known",
        help="see whether its labels are spelt alike, or whether its workload is declared elsewhere",
        subject=identity,
    )
