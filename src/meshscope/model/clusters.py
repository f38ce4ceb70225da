"""Where what is defined runs, when a mesh has more than one cluster.

A service is in every cluster unless it says otherwise. A sidecar counts a call where its caller is scraped, so a
service that is called from a cluster where it does not run is there too: seen, not running.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from meshscope.findings import Finding, Place
from meshscope.model.mesh import Environment, Mesh
from meshscope.model.modes import Mode
from meshscope.model.services import Calls, DataPlane, External, Gateway, Identity, Service
from meshscope.model.slo import Side

N = TypeVar("N", Service, Gateway)


def known_clusters(mesh: Mesh, environments: Iterable[Environment]) -> frozenset[str]:
    """Every cluster that the mesh or one of its environments names."""
    found = {*mesh.clusters} | ({mesh.cluster} - {""})
    for environment in environments:
        found |= {*(environment.clusters or ())} | ({environment.cluster or ""} - {""})
    return frozenset(found)


def clusters_of(node: Service | Gateway, mesh: Mesh) -> tuple[str, ...]:
    """Where ``node`` runs: where it says, as far as that is in the mesh's own set, else in each of the set.

    ``("",)`` in a mesh whose series carry no label for a cluster.
    """
    every = mesh.clusters or (mesh.cluster,)
    if len(every) == 1:
        return every
    said = (node.cluster,) if node.cluster else node.clusters
    # An environment has clusters of its own: what is said of others says nothing there.
    return tuple(cluster for cluster in every if cluster in said) or every


def placed(node: N, mesh: Mesh) -> tuple[N, ...]:
    """``node`` once for each cluster where it runs."""
    return tuple(replace(node, cluster=cluster, clusters=()) for cluster in clusters_of(node, mesh))


def unknown_clusters(nodes: Iterable[Service | Gateway], known: frozenset[str]) -> Iterable[Finding]:
    """One finding for each cluster that a service or a gateway names and neither mesh nor environment does."""
    for node in nodes:
        for cluster in (node.cluster,) if node.cluster else node.clusters:
            if cluster not in known:
                yield _unknown(cluster, node, known)


def calls_in(
    calls: Sequence[Calls], mesh: Mesh
) -> dict[tuple[Identity, Identity], tuple[Service | Gateway | External, Place | None]]:
    """Each call in each cluster of its caller, with its callee as it is written and where it was written first."""
    found: dict[tuple[Identity, Identity], tuple[Service | Gateway | External, Place | None]] = {}
    for some in calls:
        for caller, callee in some:
            _, namespace, name = callee.identity
            for cluster in clusters_of(caller, mesh):
                where = "" if isinstance(callee, External) else _counted(callee, cluster, mesh)
                edge = (Identity(cluster, caller.namespace, caller.name), Identity(where, namespace, name))
                found.setdefault(edge, (callee, some.place))
    return found


def seen_only(
    services: Iterable[Service], called: Iterable[tuple[Identity, Service | Gateway | External]]
) -> tuple[Service, ...]:
    """The services that are called from a cluster where they do not run, as they are seen there.

    Nothing can be done to them there, nobody expects traffic, and what only the server sees is not to be had.
    """
    there = {service.identity for service in services}
    written = {(service.namespace, service.name): service for service in services}
    found: dict[Identity, Service] = {}
    for identity, callee in called:
        service = written.get((identity.namespace, identity.name))
        if identity in there or service is None or not isinstance(callee, Service):
            continue
        found[identity] = replace(
            service,
            cluster=identity.cluster,
            slos=tuple(slo for slo in service.slos if slo.side is not Side.SERVER),
            expects_traffic=False,
            mode=Mode.OBSERVE,
        )
    return tuple(found.values())


def _counted(callee: Service | Gateway, caller_cluster: str, mesh: Mesh) -> str:
    # A waypoint reports where it stands, which is where the callee is; a sidecar of the caller where that one is.
    where = clusters_of(callee, mesh)
    if caller_cluster in where or not isinstance(callee, Service) or callee.dataplane is not DataPlane.WAYPOINT:
        return caller_cluster
    return where[0]


def _unknown(cluster: str, node: Service | Gateway, known: frozenset[str]) -> Finding:
    what = "service" if isinstance(node, Service) else "gateway"
    named = ", ".join(f'"{name}"' for name in sorted({*known, cluster}))
    return Finding(
        code="mesh/unknown-cluster",
        title=f"{what} `{node.name}` is in cluster `{cluster}`, which the mesh does not have",
        place=node.place,
        argument="cluster" if node.cluster else "clusters",
        why="rules join what is measured there by its label `cluster`; series of a cluster that the mesh does not name "
        "carry none or another, so nothing would ever be known of it",
        help=f"name it: Mesh(clusters=({named}))" if known else f'name it: Mesh(clusters=("{cluster}",))',
        subject=node.name,
    )
