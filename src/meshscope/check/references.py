"""What a carried dashboard refers to, whatever its schema: variables, data sources, queries to Prometheus.

It is read as Grafana reads it, and never taken for granted: any part may be of any type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# `${name}`, `${name.field}`, `${name:format}`: variableRegex of Grafana's public/app/features/variables/utils.ts (v11).
_BRACED = re.compile(r"\$\{(?P<name>\w+)(?:\.[^:}]+)?(?::[^}]+)?\}")
_ANY = re.compile(r"\$\{(\w+)(?:\.[^:}]+)?(?::[^}]+)?\}|\[\[(\w+)(?::\w+)?\]\]|\$(\w+)")
# What Grafana and its data sources know without a variable.
_BUILT_IN = frozenset({"timeFilter", "timeGroup", "interval", "table", "column", "columns", "measurement", "tag"})
_OWN_SOURCES = frozenset({"-- Mixed --", "-- Dashboard --", "-- Grafana --", "grafana", "__expr__", "-100", "default"})
# Other panels' options are programs more often than not, with a `${...}` of their own.
_CORE = frozenset(
    {"alertlist", "annolist", "barchart", "bargauge", "candlestick", "canvas", "dashlist", "datagrid", "flamegraph",
     "gauge", "geomap", "graph", "heatmap", "histogram", "live", "logs", "news", "nodeGraph", "piechart", "singlestat",
     "stat", "state-timeline", "status-history", "table", "table-old", "text", "timeseries", "traces", "trend",
     "xychart"}
)  # fmt: skip


@dataclass(frozen=True)
class SourceRef:
    """A data source that is asked: its ``kind`` (empty where nothing says it) and its ``uid`` (empty: the default)."""

    kind: str
    uid: str


def title_of(document: Mapping[str, Any]) -> object:
    """The title of a dashboard of either schema."""
    return _inner(document).get("title")


def is_second_schema(document: Mapping[str, Any]) -> bool:
    """Whether a dashboard is of Grafana's second schema."""
    return isinstance(_inner(document).get("elements"), Mapping)


def _inner(document: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = document.get("spec")
    return spec if isinstance(spec, Mapping) and "apiVersion" in document else document


def panels(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every panel of a classic dashboard, those in rows of either age too; rows themselves are none."""
    for key in ("panels", "rows"):
        found = document.get(key)
        for each in found if isinstance(found, list) else ():
            if isinstance(each, Mapping):
                if key == "rows" or each.get("type") == "row":
                    yield from panels({"panels": each.get("panels")})
                else:
                    yield each


def variables(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The variables that a dashboard brings, by name, whatever its schema."""
    found: dict[str, Mapping[str, Any]] = {}
    templating = document.get("templating")
    listed = templating.get("list") if isinstance(templating, Mapping) else None
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, Mapping) and isinstance(each.get("name"), str):
            found[each["name"]] = each
    if is_second_schema(document):
        for each in _objects(_inner(document)):
            spec = each.get("spec")
            if str(each.get("kind", "")).endswith("Variable") and isinstance(spec, Mapping):
                found[str(spec.get("name"))] = {"type": str(each["kind"]), "query": spec.get("pluginId"), **spec}
    return found


def undefined(document: Mapping[str, Any]) -> list[str]:
    """The names of every ``${...}`` that neither the dashboard nor Grafana defines, sorted."""
    asked = {found["name"] for text in _texts(document) for found in _BRACED.finditer(text)}
    for ref in source_refs(document):
        asked |= {next(filter(None, found.groups())) for found in _ANY.finditer(ref.uid)}
    known = set(variables(document)) | _BUILT_IN | repeated(document)
    return sorted(name for name in asked - known if not name.startswith("__") and not name.isdigit())


def repeated(document: Mapping[str, Any]) -> set[str]:
    """Names that a repeated panel sets for itself."""
    scoped = (each.get("scopedVars") for each in _objects(document))
    return {str(name) for each in scoped if isinstance(each, Mapping) for name in each}


def _texts(value: object, inside: str = "") -> Iterator[str]:
    """Every text in which Grafana fills in variables."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        kind = str(value.get("type", value.get("group", inside)) or "")
        for key, item in value.items():
            if not (key == "options" and isinstance(item, Mapping) and _is_plugin(kind)) and key != "__elements":
                yield from _texts(item, kind)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, inside)


def _is_plugin(kind: str) -> bool:
    return "-" in kind and kind not in _CORE


def source_refs(document: Mapping[str, Any]) -> list[SourceRef]:
    """Every data source that is asked by name, without those that are Grafana's own, in the order of reading."""
    found: dict[SourceRef, None] = {}
    for each in _objects(document):
        ref = _ref(each)
        if ref is None or ref.uid in _OWN_SOURCES or ref.kind in ("__expr__", "datasource", "grafana"):
            continue
        if ref.uid or ref.kind:
            found[ref] = None
    return list(found)


def _ref(holder: Mapping[str, Any]) -> SourceRef | None:
    named = holder.get("datasource")
    if isinstance(named, str):
        return SourceRef("", named)
    if not isinstance(named, Mapping):
        return None
    # The second schema calls a source by its name beside the plugin's group.
    kind = str(named.get("type") or named.get("group") or holder.get("group") or "")
    return SourceRef(kind, str(named.get("uid") or named.get("name") or ""))


def prometheus_queries(document: Mapping[str, Any], kinds: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(panel, expression) of every query to Prometheus; ``kinds`` is the kind of each data source that is known."""
    chosen = {name: str(each.get("query") or "") for name, each in variables(document).items()}

    def kind_of(*refs: object) -> str:
        for named in refs:
            ref = _ref({"datasource": named})
            if ref is not None and (ref.kind or ref.uid):
                variable = _ANY.fullmatch(ref.uid)
                name = next(filter(None, variable.groups())) if variable else ""
                return ref.kind or chosen.get(name, "") or kinds.get(ref.uid, "unknown")
        return kinds.get("", "unknown")

    for panel in panels(document):
        targets = panel.get("targets")
        for target in targets if isinstance(targets, list) else ():
            expr = target.get("expr") if isinstance(target, Mapping) else None
            if not isinstance(expr, str) or not expr.strip():
                continue
            if kind_of(target.get("datasource"), panel.get("datasource")) == "prometheus":
                yield str(panel.get("title") or panel.get("id") or ""), expr
    if is_second_schema(document):
        yield from _second_queries(document)


def _second_queries(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    elements = _inner(document)["elements"]
    for name, element in elements.items():
        spec = element.get("spec") if isinstance(element, Mapping) else None
        title = str(spec.get("title") or name) if isinstance(spec, Mapping) else name
        for each in _objects(spec):
            inner = each.get("spec")
            asked = each.get("group") == "prometheus" or each.get("kind") == "prometheus"
            if asked and isinstance(inner, Mapping) and isinstance(inner.get("expr"), str) and inner["expr"].strip():
                yield title, inner["expr"]


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for item in value.values():
            yield from _objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item)


def filled_in(expr: str) -> list[str]:
    """``expr`` with its variables filled in, as often as there are ways to guess them; none where nobody can guess.

    What stands within quotes is some text, within brackets or after ``offset`` some length of time, with its unit or
    before it; a variable in any other place may be a metric, a function, an operator or half a query.
    """
    made = [_with_lengths(expr, length) for length in ("5m", "5")]
    return list(dict.fromkeys(text for text in made if text is not None))


def _with_lengths(expr: str, length: str) -> str | None:
    parts: list[str] = []
    last, quote, depth = 0, "", 0
    for found in _MARK.finditer(expr):
        parts.append(expr[last : found.start()])
        last = found.end()
        if not found["variable"]:
            quote, depth = _state(found[0], quote, depth)
            parts.append(found[0])
            continue
        name = found["braced"] or found["old"] or found["plain"]
        bare = not quote and not depth and not _OFFSET.search(expr[: found.start()])
        if bare and not name.startswith("__"):
            return None
        parts.append("x" if quote else _length(name, length))
    return "".join([*parts, expr[last:]])


_OFFSET = re.compile(r"\boffset\s*-?\s*$")
_MARK = re.compile(
    r"\\.|[\"'`]|\[(?!\[)|(?<!\])\]|(?P<variable>\$\{(?P<braced>\w+)(?:\.[^:}]+)?(?::[^}]+)?\}"
    r"|\[\[(?P<old>\w+)(?::\w+)?\]\]|\$(?P<plain>\w+))"
)


def _state(mark: str, quote: str, depth: int) -> tuple[str, int]:
    if quote:
        return ("" if mark == quote else quote), depth
    if mark in "\"'`":
        return mark, depth
    return quote, depth + (mark == "[") - (mark == "]")


def _length(name: str, length: str) -> str:
    if name.startswith("__"):
        return "1" if name.endswith(("_s", "_ms", "from", "to")) else "5m"
    return length
