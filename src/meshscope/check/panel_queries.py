"""The queries of a dashboard's panels, with its variables filled in as Grafana would."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from meshscope.artefacts.documents import GrafanaDashboard

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")
# What Grafana knows by itself; the lengths suit data that is scraped every 15 seconds.
_BUILT_IN = {"__rate_interval": "1m", "__interval": "15s", "__range": "1h", "__interval_ms": "15000",
             "__range_s": "3600", "__range_ms": "3600000"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PanelQuery:
    """One query to Prometheus: of which panel, under which letter, and whether it asks for one moment only."""

    panel: str
    panel_id: int
    letter: str
    expr: str
    instant: bool = False
    legend: str = ""


def panels(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(JSON pointer, panel) of every panel, those in rows too; rows themselves are none."""
    yield from _panels(document.get("panels"), "/panels")


def _panels(found: object, pointer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, panel in enumerate(found if isinstance(found, list) else []):
        if not isinstance(panel, Mapping):
            continue
        if panel.get("type") == "row":
            yield from _panels(panel.get("panels"), f"{pointer}/{index}/panels")
        else:
            yield f"{pointer}/{index}", panel


def panel_queries(dashboard: GrafanaDashboard, chosen: Mapping[str, str] | None = None) -> tuple[PanelQuery, ...]:
    """Every query to Prometheus, in order. ``chosen`` are values of variables; what isn't chosen is everything."""
    templating = dashboard.document.get("templating")
    offered = templating.get("list", []) if isinstance(templating, Mapping) else []
    values = {**{str(each["name"]): ".*" for each in offered}, **_BUILT_IN, **(chosen or {})}
    return tuple(
        PanelQuery(
            panel=str(panel.get("title", "")),
            panel_id=panel["id"] if isinstance(panel.get("id"), int) else 0,
            letter=str(target.get("refId", "")),
            expr=filled(str(target["expr"]), values),
            instant=bool(target.get("instant")),
            legend=str(target.get("legendFormat", "")),
        )
        for _, panel in panels(dashboard.document)
        for target in panel.get("targets") or []
        if isinstance(target, Mapping) and "expr" in target and _source_kind(target) == "prometheus"
    )


def filled(text: str, values: Mapping[str, str]) -> str:
    """``text`` with the variables in ``values`` replaced; what else starts with a dollar is none (``"$1"``)."""
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2], found[0]), text)


def _source_kind(target: Mapping[str, Any]) -> str:
    source = target.get("datasource")
    return str(source.get("type", "prometheus")) if isinstance(source, Mapping) else "prometheus"
