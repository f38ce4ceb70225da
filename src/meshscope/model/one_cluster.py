"""The part of a model that one cluster's Prometheus sees."""

from __future__ import annotations

from dataclasses import replace

from meshscope.findings import Finding
from meshscope.model.model import Model


def in_cluster(model: Model, name: str) -> tuple[Model, list[Finding]]:
    """The part of ``model`` that one cluster's Prometheus sees; the model itself where there is no such cluster."""
    mesh = model.mesh
    every = mesh.clusters or ((mesh.cluster,) if mesh.cluster else ())
    if name not in every:
        return model, [
            Finding(
                code="mesh/unknown-cluster",
                title=f"mesh `{mesh.name}` has no cluster `{name}`",
                place=mesh.place,
                why=f"the clusters of this mesh: {', '.join(every) or 'none'}",
                help="name one of those, or write it into Mesh(clusters=...)",
            )
        ]
    calls = tuple(edge for edge in model.calls if edge[0].cluster == name)
    part = replace(
        model,
        mesh=replace(mesh, cluster=name, clusters=()),
        services=tuple(service for service in model.services if service.cluster == name),
        gateways=tuple(gateway for gateway in model.gateways if gateway.cluster == name),
        calls=calls,
        elsewhere=frozenset(identity for identity in model.elsewhere if identity.cluster == name),
        call_places={edge: place for edge, place in model.call_places.items() if edge in set(calls)},
    )
    return part, []
