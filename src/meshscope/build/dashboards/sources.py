"""Data sources by variable: one dashboard for every Grafana, whatever its sources are called there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from meshscope.build.dashboards.variables import PROMETHEUS

# Grafana's own, which are no variable's to choose.
_BUILT_IN = ("-- Mixed --", "-- Dashboard --", "-- Grafana --", "grafana")


def source(named: object, body: Mapping[str, Any]) -> object:
    """The data source ``named`` as a reference; none, and one that ``body`` asks for on import, become the variable."""
    if named is None:
        return PROMETHEUS
    if isinstance(named, str):
        named = {"uid": named}
    if not isinstance(named, Mapping):
        return named
    uid = str(named.get("uid", ""))
    if uid in _BUILT_IN:
        return {"type": "grafana" if "rafana" in uid else "datasource", "uid": uid}
    asked = _asked_on_import(uid, body)
    if asked:
        return {"type": asked, "uid": f"${{{_VARIABLES.get(asked, 'datasource')}}}"}
    kind = str(named.get("type") or "")
    if not uid and kind in ("", "prometheus"):
        return PROMETHEUS
    # A reference by variable without a type, as older Grafanas wrote it, is one to metrics.
    if not kind and re.fullmatch(r"\$\w+|\$\{\w+\}", uid):
        kind = "prometheus"
    return {**({"type": kind} if kind else {}), "uid": uid}


_VARIABLES = {"tempo": "traces", "loki": "logs"}


def _asked_on_import(uid: str, body: Mapping[str, Any]) -> str:
    """The kind of data source that an exported dashboard asks for under the name in ``uid``; empty where it doesn't."""
    name = uid.strip("${}")
    for asked in body.get("__inputs") or []:
        if isinstance(asked, Mapping) and asked.get("name") == name and asked.get("type") == "datasource":
            return str(asked.get("pluginId", "prometheus"))
    return ""
