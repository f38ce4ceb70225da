"""What Grafana would make of a dashboard that somebody else wrote, in the order of harm.

Errors are what Grafana refuses, or what keeps other dashboards from being read. Warnings are what shows nothing:
variables and data sources that are not there, queries that are none. Notes are what Grafana does by itself, such as
moving an old panel to a new type: the file stays as it is, and so does its schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import promql_parser

from meshscope.artefacts.documents import GrafanaDashboard
from meshscope.check.references import (
    SourceRef,
    filled_in,
    is_second_schema,
    panels,
    prometheus_queries,
    source_refs,
    title_of,
    undefined,
    variables,
)
from meshscope.findings import Finding, Level
from meshscope.model.grafana import DataSource

# IsValidShortUID in Grafana's pkg/util/shortid_generator.go (v11), and the 40 characters that its database has.
_UID = re.compile(r"[a-zA-Z0-9_-]{1,40}")
_ACTIVE = re.compile(r"<\s*(script|iframe|object|embed)\b|<[^>]*\son\w+\s*=|\bjavascript:", re.IGNORECASE)
# What each panel that is gone becomes: getPanelPluginToMigrateTo in public/app/features/dashboard/state/
# getPanelPluginToMigrateTo.ts (v11). Grafana does it whenever the dashboard is opened.
BECOMES = {"graph": "timeseries", "singlestat": "stat", "table-old": "table", "grafana-piechart-panel": "piechart",
           "grafana-worldmap-panel": "geomap", "heatmap-new": "heatmap", "natel-discrete-panel": "state-timeline",
           "grafana-singlestat-panel": "stat"}  # fmt: skip
_PANEL = ("datasource", "description", "fieldConfig", "gridPos", "options", "targets", "title", "transformations",
          "type", "libraryPanel", "repeat", "links")  # fmt: skip
_FIELD = ("color", "custom", "decimals", "description", "displayName", "displayNameFromDS", "fieldMinMax", "filterable",
          "interval", "links", "mappings", "max", "min", "noValue", "nullValueMode", "path", "thresholds", "unit",
          "writeable")  # fmt: skip
# What that schema version and all later ones have, and no older one needs.
_CURRENT = 36


def carried_findings(dashboard: GrafanaDashboard, sources: Sequence[DataSource]) -> Iterator[Finding]:
    """Everything that is wrong with one carried dashboard; ``sources`` are those that Grafana will have."""
    document = dashboard.document
    yield from _refused(dashboard)
    for name in undefined(document):
        yield _undefined(dashboard, name)
    for ref in unknown_sources(document, sources):
        yield _unknown_source(dashboard, ref)
    yield from _bad_queries(dashboard, sources)
    yield from _odd_panels(dashboard)
    yield from _migrated(dashboard)


def _refused(dashboard: GrafanaDashboard) -> Iterator[Finding]:
    title = title_of(dashboard.document)
    if not isinstance(title, str) or not title:
        yield Finding(
            code="dashboard/no-title",
            title=f"dashboard `{dashboard.name}` has no title",
            place=dashboard.origin,
            why="Grafana refuses to save a dashboard whose title is empty, so nobody would ever see this one",
            help="give it a title",
            subject=dashboard.name,
        )
    if dashboard.uid and not _UID.fullmatch(dashboard.uid):
        yield Finding(
            code="dashboard/bad-uid",
            title=f"dashboard `{dashboard.name}` has the uid `{dashboard.uid}`",
            place=dashboard.origin,
            why="Grafana refuses a uid of more than 40 characters, or with others than letters, digits, - and _",
            help="shorten it; links that lead to the old one have to be changed too",
            subject=dashboard.name,
        )


def _undefined(dashboard: GrafanaDashboard, name: str) -> Finding:
    return Finding(
        code="dashboard/undefined-variable",
        title=f"dashboard `{dashboard.name}` asks for `${{{name}}}`, which nothing defines",
        place=dashboard.origin,
        level=Level.WARNING,
        why="Grafana leaves the text as it is: a data source of that name is not found, a query matches nothing",
        help=_input_help(name)
        if name.startswith("DS_")
        else f"add a variable `{name}` to the dashboard, or write what it stood for",
        subject=dashboard.name,
    )


def _input_help(name: str) -> str:
    return (
        f"`{name}` was a data source where the dashboard was exported: declare one of its kind in mesh.py with "
        "Mesh(data_sources=(DataSource(...),)), or export the dashboard anew"
    )


def unknown_sources(document: Mapping[str, Any], sources: Sequence[DataSource]) -> list[SourceRef]:
    """The data sources that ``document`` asks and that nothing provisions."""
    known = {name for source in sources for name in (source.uid, source.name)}
    kinds = {source.kind for source in sources}
    lacking = [ref for ref in source_refs(document) if "$" not in ref.uid and "[[" not in ref.uid]
    found = [ref for ref in lacking if (ref.uid not in known if ref.uid else ref.kind not in kinds)]
    for each in variables(document).values():
        kind = each.get("query")
        if str(each.get("type", "")).lower().startswith("datasource") and isinstance(kind, str) and kind:
            found += [SourceRef(kind, "")] if kind not in kinds else []
    return list(dict.fromkeys(found))


def _unknown_source(dashboard: GrafanaDashboard, ref: SourceRef) -> Finding:
    what = f"the data source `{ref.uid}`" if ref.uid else f"a data source of the kind `{ref.kind}`"
    kind, uid = ref.kind or "...", f', uid="{ref.uid}"' if ref.uid else ""
    return Finding(
        code="dashboard/unknown-data-source",
        title=f"dashboard `{dashboard.name}` asks {what}, which nothing provisions",
        place=dashboard.origin,
        level=Level.WARNING,
        why="in a Grafana that has only what is built here its panels say that the data source was not found",
        help=f'declare it in mesh.py: Mesh(data_sources=(DataSource(name="...", kind="{kind}"{uid}),)), with url="..." '
        "where the build is to provision it",
        subject=dashboard.name,
    )


def _bad_queries(dashboard: GrafanaDashboard, sources: Sequence[DataSource]) -> Iterator[Finding]:
    kinds = {source.uid: source.kind for source in sources} | {source.name: source.kind for source in sources}
    # Who names no data source asks the default one, and that is the mesh's metrics.
    kinds[""] = "prometheus"
    for panel, expr in prometheus_queries(dashboard.document, kinds):
        said = _no_promql(expr)
        if said:
            yield Finding(
                code="dashboard/bad-query",
                title=f"panel `{panel}` asks for what is no PromQL: {said}",
                place=dashboard.origin,
                level=Level.WARNING,
                why=f"the panel would show an error instead of `{expr[:120]}`",
                help="mend the expression where the dashboard is written",
                subject=dashboard.name,
            )


def _no_promql(expr: str) -> str:
    """Why ``expr`` is no PromQL, however its variables are filled in; empty where it is, or nobody can say."""
    said = ""
    for text in filled_in(expr):
        try:
            promql_parser.parse(text)
        except ValueError as error:
            said = str(error)
            # Functions come with each release, and other stores have more of them.
            if "unknown function" in said:
                return ""
        else:
            return ""
    return said


def _odd_panels(dashboard: GrafanaDashboard) -> Iterator[Finding]:
    version = dashboard.document.get("schemaVersion")
    current = not isinstance(version, int) or version >= _CURRENT
    for panel in panels(dashboard.document):
        called = f"panel `{panel.get('title') or panel.get('id') or panel.get('type')}`"
        if any(_ACTIVE.search(text) for text in _shown(panel)):
            yield Finding(
                code="dashboard/active-content",
                title=f"{called} holds a script, a frame or an address that runs one",
                place=dashboard.origin,
                level=Level.WARNING,
                why="Grafana takes it out before it shows the text, unless it was told not to; then whoever opens the "
                "dashboard runs it with their own session",
                help="write the text as Markdown, and addresses with https",
                subject=dashboard.name,
            )
        for key, meant in _typos(panel) if current else ():
            yield Finding(
                code="dashboard/unknown-option",
                title=f"{called} has `{key}`, which Grafana doesn't know",
                place=dashboard.origin,
                level=Level.WARNING,
                why="Grafana drops it without a word, so whatever it was to do is not done",
                help=f"did you mean `{meant}`?",
                subject=dashboard.name,
            )
        yield from _odd_values(dashboard, called, panel)


def _typos(panel: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys that look like one that is missing beside them, and that one."""
    fields = panel.get("fieldConfig")
    defaults = fields.get("defaults") if isinstance(fields, Mapping) else None
    for holder, known in ((panel, _PANEL), (defaults, _FIELD)):
        if not isinstance(holder, Mapping):
            continue
        for key in sorted(set(holder) - set(known)):
            meant = get_close_matches(str(key), known, n=1, cutoff=0.8)
            if meant and meant[0] not in holder:
                yield str(key), meant[0]


def _odd_values(dashboard: GrafanaDashboard, called: str, panel: Mapping[str, Any]) -> Iterator[Finding]:
    spot = panel.get("gridPos")
    sizes = {f"gridPos.{key}": spot.get(key) for key in ("h", "w", "x", "y")} if isinstance(spot, Mapping) else {}
    wrong = {key: value for key, value in sizes.items() if isinstance(value, str | list | Mapping)}
    if panel.get("targets") is not None and not isinstance(panel["targets"], list):
        wrong["targets"] = panel["targets"]
    for key, value in wrong.items():
        yield Finding(
            code="dashboard/wrong-value",
            title=f"{called}: {key} is {value!r:.80}",
            place=dashboard.origin,
            level=Level.WARNING,
            why="Grafana takes the file all the same and draws something else, without a word",
            help="write a number" if key != "targets" else "write a list",
            subject=dashboard.name,
        )


def _shown(panel: Mapping[str, Any]) -> Iterator[str]:
    options = panel.get("options")
    for holder in (panel, options if isinstance(options, Mapping) else {}):
        if isinstance(holder.get("content"), str):
            yield holder["content"]
    links = panel.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and isinstance(link.get("url"), str):
            yield link["url"]


def _migrated(dashboard: GrafanaDashboard) -> Iterator[Finding]:
    gone = sorted({str(panel.get("type")) for panel in panels(dashboard.document)} & set(BECOMES))
    for kind in gone:
        yield Finding(
            code="dashboard/removed-panel",
            title=f"dashboard `{dashboard.name}` has panels of type `{kind}`, which Grafana no longer has",
            place=dashboard.origin,
            level=Level.NOTE,
            why=f"Grafana makes a `{BECOMES[kind]}` of each when the dashboard is opened, not always with its colours",
            help="look at it once, and save it from Grafana where it is right",
            subject=dashboard.name,
        )
    if is_second_schema(dashboard.document):
        yield Finding(
            code="dashboard/second-schema",
            title=f"dashboard `{dashboard.name}` is of Grafana's second schema",
            place=dashboard.origin,
            level=Level.NOTE,
            why="Grafana 13 reads it; an older one does only where its feature flag for new dashboards is on",
            help="export it in the classic schema (Export, then the model V1) where an older Grafana is to read it",
            subject=dashboard.name,
        )
