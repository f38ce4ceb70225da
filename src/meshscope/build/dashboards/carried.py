"""Dashboards that people wrote, as they are: nothing is added, moved or lost, and Grafana migrates what is old.

What changes is what an import through Grafana's own form would change: `id`, which is another Grafana's, goes, and the
inputs of an export for sharing (`__inputs`, and `__requires` beside them) are filled in. Grafana does the latter in
pkg/services/dashboardimport/utils/dash_template_evaluator.go (v11): ``${NAME}`` in any text is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from meshscope.artefacts.documents import GrafanaDashboard
from meshscope.model.boards import DashboardDefinition
from meshscope.model.mesh import Mesh

_LEFT_OUT = frozenset({"id", "__inputs", "__requires"})
_INPUT = re.compile(r"\$\{(.+?)\}")
_EXPRESSION = "__expr__"


def carried(definition: DashboardDefinition, mesh: Mesh) -> GrafanaDashboard:
    """The dashboard as its author wrote it, with the inputs that are known filled in."""
    body = definition.body or {}
    values = inputs(body, mesh)
    document = {key: _filled(value, values) for key, value in body.items() if key not in _LEFT_OUT}
    return GrafanaDashboard(
        name=definition.name,
        uid=uid_of(document),
        document=document,
        folder=definition.folder,
        carried=True,
        origin=definition.place,
    )


def uid_of(document: Mapping[str, Any]) -> str:
    """The uid by which Grafana will know the dashboard; empty where it will choose one itself."""
    metadata = document.get("metadata")
    named = metadata.get("name") if isinstance(metadata, Mapping) and "spec" in document else None
    return str(named or document.get("uid") or "")


def inputs(body: Mapping[str, Any], mesh: Mesh) -> dict[str, str]:
    """What each input of an export for sharing becomes, by name; those that nothing answers are not there."""
    found: dict[str, str] = {}
    asked = body.get("__inputs")
    for each in asked if isinstance(asked, list) else []:
        answer = _answer(each, mesh) if isinstance(each, Mapping) else None
        if answer is not None:
            found[str(each.get("name"))] = answer
    return found


def _answer(asked: Mapping[str, Any], mesh: Mesh) -> str | None:
    if asked.get("type") == "constant":
        return str(asked["value"]) if asked.get("value") is not None else None
    kind = str(asked.get("pluginId") or "")
    if asked.get("type") != "datasource" or kind == _EXPRESSION:
        return _EXPRESSION if kind == _EXPRESSION else None
    fitting = [source for source in mesh.every_data_source if source.kind == kind]
    # One that is called as where the dashboard comes from, else the first: the mesh's own come before those declared.
    named = [source for source in fitting if asked.get("label") in (source.name, source.uid)]
    return next((source.uid for source in (*named, *fitting)), None)


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if not values:
        return value
    if isinstance(value, str):
        return _INPUT.sub(lambda found: values.get(found[1], found[0]), value)
    if isinstance(value, Mapping):
        return {key: _filled(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    return value
