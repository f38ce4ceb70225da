"""Panels and dashboards as grafanalib and older Grafanas write them, to the current schema.

What is dropped or moved is named here, each with its reason; anything else that Grafana doesn't know stays, so that
the check finds it: a typo must not vanish.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

SCHEMA_VERSION = 42
_ALWAYS = object()

# What grafanalib writes for every panel, and its value where nothing was said. `_ALWAYS`: Grafana no longer reads it.
_PANEL: Mapping[str, object] = {
    "cacheTimeout": None, "editable": _ALWAYS, "error": _ALWAYS, "height": _ALWAYS, "span": _ALWAYS,
    "minSpan": _ALWAYS, "hideTimeOverride": False, "transparent": False, "maxDataPoints": 100, "interval": "",
    "links": [], "transformations": [], "fontSize": _ALWAYS, "columns": [], "mappings": [], "color": _ALWAYS,
    "renderer": _ALWAYS, "nullPointMode": _ALWAYS, "repeat": "", "datasource": None, "maxPerRow": None,
    "repeatDirection": None, "targets": [],
}  # fmt: skip
_DASHBOARD: Mapping[str, object] = {
    "__inputs": _ALWAYS, "__requires": _ALWAYS, "__elements": _ALWAYS, "gnetId": None, "hideControls": _ALWAYS,
    "id": _ALWAYS, "iteration": _ALWAYS, "rows": [], "sharedCrosshair": _ALWAYS, "style": _ALWAYS, "version": _ALWAYS,
    "links": [], "description": "", "weekStart": "", "refresh": "", "timepicker": {}, "liveNow": False,
    "fiscalYearStartMonth": 0,
}  # fmt: skip
_TARGET: Mapping[str, object] = {
    "query": _ALWAYS, "target": _ALWAYS, "metric": _ALWAYS, "step": _ALWAYS, "intervalFactor": _ALWAYS,
    "interval": "", "hide": False, "datasource": None, "instant": False, "format": "time_series", "legendFormat": "",
}  # fmt: skip
_VARIABLE: Mapping[str, object] = {
    "useTags": _ALWAYS, "tags": _ALWAYS, "tagsQuery": _ALWAYS, "tagValuesQuery": _ALWAYS, "auto": False,
    "auto_min": _ALWAYS, "auto_count": _ALWAYS, "definition": _ALWAYS, "options": [], "regex": "", "hide": 0,
    "includeAll": False, "multi": False, "skipUrlSync": False, "allValue": "", "label": "",
}  # fmt: skip
_FIELD: Mapping[str, object] = {"unit": "", "mappings": [], "noValue": "none", "links": [], "custom": {}}
# Grafana's own defaults of a time series.
_TIMESERIES: Mapping[str, object] = {
    "axisPlacement": "auto", "axisLabel": "", "drawStyle": "line", "lineInterpolation": "linear", "barAlignment": 0,
    "lineWidth": 1, "fillOpacity": 0, "gradientMode": "none", "spanNulls": False, "showPoints": "auto",
    "pointSize": 5, "stacking": {}, "scaleDistribution": {"type": "linear"}, "thresholdsStyle": {"mode": "off"},
    "hideFrom": {"tooltip": False, "viz": False, "legend": False}, "axisColorMode": "text", "axisBorderShow": False,
    "axisCenteredZero": False,
}  # fmt: skip
_TABLE: Mapping[str, object] = {"align": "auto", "filterable": False, "displayMode": "auto"}
_CUSTOM: Mapping[str, Mapping[str, object]] = {"timeseries": _TIMESERIES, "table": _TABLE}


def without(made: Mapping[str, Any], known: Mapping[str, object]) -> Json:
    """``made`` without nulls, and without what says no more than its absence."""
    return {
        key: value
        for key, value in made.items()
        if value is not None and (key not in known or (known[key] is not _ALWAYS and value != known[key]))
    }


def dashboard(made: Mapping[str, Any]) -> Json:
    """The dashboard's own keys in the current schema; its panels as they are."""
    kept = without({**made, "timepicker": _time_picker(made.get("timepicker"))}, _DASHBOARD)
    if made.get("sharedCrosshair"):
        kept["graphTooltip"] = 1
    if isinstance(kept.get("refresh"), bool):
        kept.pop("refresh")
    if not (kept.get("annotations") or {}).get("list"):
        kept.pop("annotations", None)
    kept["schemaVersion"] = SCHEMA_VERSION
    return kept


def _time_picker(made: Json | None) -> Json:
    # grafanalib writes the choices that Grafana offers by itself.
    return without(made or {}, {"refresh_intervals": _ALWAYS, "time_options": _ALWAYS, "nowDelay": "", "hidden": False,
                                "collapse": _ALWAYS, "enable": _ALWAYS, "notice": _ALWAYS, "now": _ALWAYS,
                                "type": _ALWAYS, "status": _ALWAYS})  # fmt: skip


def variable(made: Mapping[str, Any]) -> Json:
    """A variable in the current schema."""
    kept = without(made, _VARIABLE)
    current = kept.get("current")
    if isinstance(current, Mapping):
        kept["current"] = without(current, {"tags": _ALWAYS, "isNone": _ALWAYS, "selected": _ALWAYS})
        if not {"text", "value"} <= set(kept["current"]):
            kept.pop("current")
    return kept


def panel(made: Mapping[str, Any]) -> Json:
    """A panel in the current schema; data sources and queries as they are."""
    kept = without(made, _PANEL)
    if kept.get("type") == "row":
        return without(kept, {"fieldConfig": _ALWAYS, "options": _ALWAYS, "targets": _ALWAYS, "description": ""})
    kept = _gauge(kept)
    fields = kept.get("fieldConfig") or {}
    kept["fieldConfig"] = {
        "defaults": _field(fields.get("defaults") or {}, str(kept.get("type"))),
        "overrides": fields.get("overrides") or [],
    }
    kept["options"] = _options(kept.get("options") or {})
    return kept


def _gauge(made: Json) -> Json:
    """A gauge as grafanalib writes it for Grafana 6: how a series becomes one number stood among its field options."""
    fields, options = dict(made.get("fieldConfig") or {}), dict(made.get("options") or {})
    older = options.pop("fieldOptions", None)
    if made.get("type") == "gauge" and "calcs" in (fields.get("defaults") or {}):
        older = {**fields["defaults"], "defaults": fields["defaults"]}
        options |= {key: fields[key] for key in ("showThresholdLabels", "showThresholdMarkers") if key in fields}
    if not isinstance(older, Mapping):
        return made
    limit = {"limit": older["limit"]} if older.get("limit") else {}
    options["reduceOptions"] = {"calcs": older.get("calcs") or [], "values": bool(older.get("values")), **limit}
    if made.get("type") == "bargauge":
        options.pop("showThresholdLabels", None)
        options.pop("showThresholdMarkers", None)
    moved = ("calcs", "values", "limit", "override", "title", "defaults")
    given = without(dict(older.get("defaults") or {}), {"title": _ALWAYS})
    named = {"displayName": older["defaults"]["title"]} if (older.get("defaults") or {}).get("title") else {}
    thresholds = {"thresholds": (fields.get("defaults") or {}).get("thresholds")}
    defaults = {key: value for key, value in {**thresholds, **given, **named}.items() if key not in moved}
    return {**made, "options": options, "fieldConfig": {"defaults": defaults, "overrides": fields.get("overrides")}}


def _field(made: Mapping[str, Any], kind: str) -> Json:
    kept = without({**made, "custom": _custom(made.get("custom") or {}, kind)}, _FIELD)
    if "thresholds" in kept:
        kept["thresholds"] = _thresholds(kept["thresholds"])
    return kept


def _custom(made: Mapping[str, Any], kind: str) -> Json:
    kept = dict(made)
    if isinstance(kept.get("scaleDistribution"), Mapping) and kept["scaleDistribution"].get("type") == "linear":
        kept["scaleDistribution"] = {"type": "linear"}
    if kind == "table" and kept.get("displayMode") not in (None, "auto"):
        kept["cellOptions"] = {"type": kept.pop("displayMode")}
    return without(kept, _CUSTOM.get(kind, {}))


def _thresholds(made: object) -> object:
    if not isinstance(made, Mapping) or not isinstance(made.get("steps") or [], list):
        return made
    steps = [_step(step) for step in made.get("steps") or []]
    # The first step holds from the least number on, whatever value it has: validateFieldConfig in Grafana's
    # packages/grafana-data/src/field/fieldOverrides.ts (v11).
    if not steps:
        steps = [{"color": "green", "value": None}]
    elif isinstance(steps[0], dict):
        steps[0] = {**steps[0], "value": None}
    return {"mode": made.get("mode", "absolute"), "steps": steps}


def _step(made: object) -> object:
    if not isinstance(made, Mapping):
        return made
    kept = {key: value for key, value in made.items() if key not in ("op", "yaxis", "line", "index")}
    if kept.get("value") == "null":
        kept["value"] = None
    return {"color": kept.pop("color", "green"), "value": kept.pop("value", None), **kept}


def _options(made: Mapping[str, Any]) -> Json:
    kept = without(made, {})
    legend = kept.get("legend")
    if isinstance(legend, Mapping) and "displayMode" in legend and "showLegend" not in legend:
        hidden = legend["displayMode"] == "hidden"
        kept["legend"] = {
            **legend,
            "showLegend": not hidden,
            "displayMode": "list" if hidden else legend["displayMode"],
        }
    return kept


def target(made: Mapping[str, Any], source: object) -> Json:
    """A query in the current schema, to ``source`` where it names none of its own.

    What other data sources than Prometheus are asked is theirs: nothing of it is left out but nulls.
    """
    asks = made.get("datasource") or source
    kind = asks.get("type") if isinstance(asks, Mapping) else None
    if kind not in (None, "", "prometheus") or not isinstance(made.get("expr"), str):
        own = {key: value for key, value in without(made, {}).items() if key not in ("refId", "datasource")}
        return {"refId": made.get("refId") or "", "datasource": asks, **own}
    kept = without(made, _TARGET)
    expression = kept.pop("expr")
    asked: Json = {"refId": kept.pop("refId", ""), "datasource": kept.pop("datasource", source)}
    asked |= {"editorMode": "code", "expr": expression}
    asked |= {"instant": True, "range": False} if kept.pop("instant", False) else {"range": True}
    kept.pop("range", None)
    if kept.get("format") != "table":
        kept.setdefault("legendFormat", "__auto")
    return {**asked, **kept}
