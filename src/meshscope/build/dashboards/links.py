"""Addresses behind what is drawn: from a service to its dashboard, its failed traces and its logs, at the same time."""

from __future__ import annotations

import json
import re

from meshscope.build.boards import board_uid
from meshscope.model.boards import About
from meshscope.model.mesh import Mesh
from meshscope.model.panels import LOGS, TRACES, Link, Of

_VARIABLE = re.compile(r"\$\{[\w.:]+\}")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_SAME_TIME = "${__url_time_range}"
_SAME_SOURCE = "var-datasource=${datasource}"


def address(link: Link, mesh: Mesh, about: About, *, table: bool, clusters: bool) -> str:
    """Where ``link`` leads from a panel of a dashboard about ``about``; Grafana fills in who is clicked."""
    if link.service:
        who = {"cluster": "", "namespace": "", "service": link.service}
    else:
        who = _clicked(link.of, about, table=table)
    if link.to == TRACES:
        return _traces(who)
    if link.to == LOGS:
        return _logs(who)
    start = f"/d/{board_uid(mesh, link.to)}?{_SAME_TIME}"
    if link.of is Of.EVERYTHING:
        return f"{start}&${{__all_variables}}"
    chosen = "".join(f"&var-{name}={value}" for name, value in who.items() if name != "cluster" or clusters)
    return f"{start}&{_SAME_SOURCE}{chosen}"


def _clicked(of: Of, about: About, *, table: bool) -> dict[str, str]:
    names = {name: name for name in ("cluster", "namespace", "service")}
    if of is Of.CALLEE:
        names = {"cluster": "callee_cluster", "namespace": "callee_namespace", "service": "callee"}
    elif of is Of.CHOSEN and about is About.SERVICE:
        return {ours: f"${{{name}}}" for ours, name in names.items()}
    source = "__data.fields" if table else "__field.labels"
    return {ours: f"${{{source}.{name}}}" for ours, name in names.items()}


def _traces(who: dict[str, str]) -> str:
    wanted = [f'resource.service.name="{who["service"]}"']
    if who["namespace"]:
        wanted.append(f'resource.service.namespace="{who["namespace"]}"')
    query = f"{{{' && '.join([*wanted, 'status=error'])}}}"
    return _explore("traces", {"datasource": {"type": "tempo", "uid": "${traces}"}, "queryType": "traceql",
                               "query": query, "limit": 20})  # fmt: skip


def _logs(who: dict[str, str]) -> str:
    wanted = [f'service_name="{who["service"]}"']
    if who["namespace"]:
        wanted.insert(0, f'service_namespace="{who["namespace"]}"')
    return _explore("logs", {"datasource": {"type": "loki", "uid": "${logs}"}, "expr": f"{{{','.join(wanted)}}}"})


def _explore(variable: str, query: dict[str, object]) -> str:
    pane = {"datasource": f"${{{variable}}}", "queries": [{"refId": "A", **query}],
            "range": {"from": "${__from}", "to": "${__to}"}}  # fmt: skip
    return f"/explore?schemaVersion=1&panes={_encoded(json.dumps({variable: pane}, separators=(',', ':')))}"


def _encoded(text: str) -> str:
    """``text`` for a URL, but for Grafana's variables, which are filled in before the address is used."""
    parts, start = [], 0
    for found in _VARIABLE.finditer(text):
        parts += [_percent(text[start : found.start()]), found[0]]
        start = found.end()
    return "".join([*parts, _percent(text[start:])])


def _percent(text: str) -> str:
    return "".join(char if char in _PLAIN else "".join(f"%{byte:02X}" for byte in char.encode()) for char in text)
