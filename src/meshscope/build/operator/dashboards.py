"""Dashboards as ConfigMaps that Grafana's sidecar finds by their label."""

from __future__ import annotations

from collections.abc import Iterable

from meshscope.artefacts.documents import GrafanaDashboard, canonical_json
from meshscope.artefacts.objects import KubernetesObject
from meshscope.build.operator.made import made
from meshscope.model.mesh import Mesh


def dashboard_objects(dashboards: Iterable[GrafanaDashboard], mesh: Mesh) -> Iterable[KubernetesObject]:
    """One ConfigMap for each dashboard, in a folder of Grafana's that is called like the mesh."""
    for dashboard in dashboards:
        yield made(
            mesh,
            path=f"objects/dashboards/{dashboard.name}.yaml",
            api="v1",
            kind="ConfigMap",
            name=f"{mesh.name}-dashboard-{dashboard.name}",
            namespace=mesh.monitoring_namespace,
            labels={"grafana_dashboard": "1"},
            annotations={"grafana_folder": dashboard.folder or mesh.name},
            body={"data": {f"{mesh.name}-{dashboard.name}.json": canonical_json(dashboard.document)}},
            about=f"Dashboard {dashboard.name}, for Grafana's sidecar.",
            origins=(dashboard.origin,),
        )
