"""What Grafana would make of a dashboard: it refuses next to nothing, drops what it doesn't know and draws the rest.

So the schema that judges here is stricter than Grafana: an option with a typo is found, and so is a query that is no
PromQL, a link that leads nowhere, a panel type that is gone, a text that runs scripts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError, best_match

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.documents import GrafanaDashboard
from meshscope.check.carried import carried_findings
from meshscope.check.panel_queries import panel_queries, panels
from meshscope.check.references import title_of
from meshscope.findings import Finding, Level
from meshscope.model.grafana import DataSource

_SCHEMA = Path(__file__).parent / "schemas" / "grafana-dashboard.json"
# What a query to Prometheus has; the schema leaves it to the data source.
_TARGET = frozenset(
    {"datasource", "editorMode", "exemplar", "expr", "format", "fromExploreMetrics", "hide", "instant", "interval",
     "intervalFactor", "legendFormat", "queryType", "range", "refId", "scope", "scopes", "adhocFilters", "useBackend",
     "disableTextWrap", "fullMetaSearch", "includeNullMetadata"}
)  # fmt: skip
_GONE = {"graph": "timeseries", "singlestat": "stat", "table-old": "table", "grafana-piechart-panel": "piechart",
         "grafana-worldmap-panel": "geomap", "heatmap-new": "heatmap"}  # fmt: skip
_ACTIVE = re.compile(r"<\s*(script|iframe|object|embed)|\bon\w+\s*=|javascript:", re.IGNORECASE)
_LINK = re.compile(r"^/d/(?P<uid>[^/?]+)")
_BUILT_IN = frozenset({"-- Mixed --", "-- Dashboard --", "-- Grafana --"})


def dashboard_findings(
    artefacts: Artefacts, foreign: Iterable[str] = (), sources: Sequence[DataSource] = ()
) -> Iterator[Finding]:
    """Everything that is wrong with the built dashboards.

    ``foreign`` names those that are objects of grafanalib, ``sources`` are the data sources that Grafana will have.
    """
    uids = [dashboard.uid for dashboard in artefacts.dashboards]
    others = frozenset(foreign)
    for dashboard in artefacts.dashboards:
        if dashboard.carried:
            yield from carried_findings(dashboard, sources)
            continue
        yield from schema_errors(dashboard, foreign=dashboard.name in others)
        yield from query_errors(dashboard)
        yield from _panel_errors(dashboard)
        yield from link_errors(dashboard, uids, artefacts.dashboards)
    yield from _same(artefacts.dashboards)


def schema_errors(dashboard: GrafanaDashboard, *, foreign: bool = False) -> Iterator[Finding]:
    """What the strict schema refuses. A key that Grafana would drop is a warning where somebody else wrote it."""
    # Through JSON, so that a tuple is what it will be in the file.
    document = json.loads(json.dumps(dashboard.document))
    for error in sorted(_validator().iter_errors(document), key=lambda error: list(map(str, error.absolute_path))):
        closest = best_match(error.context) if error.context else error
        yield from _not_in_schema(dashboard, document, closest or error, foreign=foreign)
    for pointer, panel in panels(document):
        for index, target in enumerate(panel.get("targets") or []):
            if "expr" in target and str((target.get("datasource") or {}).get("type")) == "prometheus":
                where = f"{_called(panel, pointer)}: targets[{index}]"
                for key in sorted(set(target) - _TARGET):
                    yield _unknown(dashboard, where, key, _TARGET, foreign=foreign)


@cache
def _validator() -> Draft7Validator:
    return Draft7Validator(json.loads(_SCHEMA.read_text(encoding="utf-8")))


def _not_in_schema(
    dashboard: GrafanaDashboard, document: Mapping[str, Any], error: ValidationError, *, foreign: bool
) -> Iterator[Finding]:
    path = list(error.absolute_path)
    where = _where(document, path)
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known = frozenset(error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else ())
        for key in sorted(set(error.instance) - known):
            yield _unknown(dashboard, where, key, known, foreign=foreign)
        return
    if error.validator == "enum" and isinstance(error.validator_value, list):
        words = [str(word) for word in error.validator_value]
        what = f"is {json.dumps(error.instance)}"
        remedy = _meant(str(error.instance), words) or f"write one of {', '.join(words)}"
    elif error.validator == "type":
        wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        what = f"is {json.dumps(error.instance)[:80]}"
        remedy = f"write a value of type {' or '.join(map(str, wanted))}"
    else:
        what, remedy = f"is wrong: {error.message[:160]}", "write what Grafana's schema asks for"
    yield Finding(
        code="dashboard/wrong-value",
        title=f"{where} {what}",
        place=dashboard.origin,
        why="Grafana takes the file all the same and draws something else, without a word",
        help=remedy,
        subject=dashboard.name,
    )


def _unknown(dashboard: GrafanaDashboard, where: str, key: str, known: frozenset[str], *, foreign: bool) -> Finding:
    return Finding(
        code="dashboard/unknown-option",
        title=f"{where} has `{key}`, which Grafana doesn't know",
        place=dashboard.origin,
        level=Level.WARNING if foreign else Level.ERROR,
        why="Grafana drops it without a word, so whatever it was to do is not done",
        help=_meant(key, known) or "leave it out",
        subject=dashboard.name,
    )


def _meant(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"did you mean `{close[0]}`?" if close else ""


def _where(document: Mapping[str, Any], path: list[str | int]) -> str:
    """The place in the dashboard in words: which panel, and which option of it."""
    at: Any = document
    called, rest = f"dashboard `{document.get('title', '')}`", path
    for depth, part in enumerate(path):
        at = at[part]
        if isinstance(at, Mapping) and "type" in at and depth and path[depth - 1] == "panels":
            called, rest = _called(at, ""), path[depth + 1 :]
    inside = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest).lstrip(".")
    return f"{called}: {inside}" if inside else called


def _called(panel: Mapping[str, Any], pointer: str) -> str:
    return f"panel `{panel.get('title') or pointer}`"


def query_errors(dashboard: GrafanaDashboard) -> Iterator[Finding]:
    """Queries to Prometheus that are no PromQL, once their variables are filled in."""
    for query in panel_queries(dashboard):
        try:
            promql_parser.parse(query.expr)
        except ValueError as error:
            yield Finding(
                code="dashboard/bad-query",
                title=f"panel `{query.panel}` asks for what is no PromQL: {error}",
                place=dashboard.origin,
                why=f"the panel would show an error instead of `{query.expr[:120]}`",
                help="mend the expression; numbers and operators of queries can be written in Python too",
                subject=dashboard.name,
            )


def _panel_errors(dashboard: GrafanaDashboard) -> Iterator[Finding]:
    for pointer, panel in panels(dashboard.document):
        called = _called(panel, pointer)
        kind = str(panel.get("type", ""))
        if kind in _GONE:
            yield Finding(
                code="dashboard/removed-panel",
                title=f"{called} is of type `{kind}`, which Grafana no longer has",
                place=dashboard.origin,
                why="Grafana moves it to another type when somebody looks, each time anew and not always right",
                help=f"make it a `{_GONE[kind]}`",
                subject=dashboard.name,
            )
        texts = [str((panel.get("options") or {}).get("content", "")), *_urls(panel)]
        if any(_ACTIVE.search(text) for text in texts):
            yield Finding(
                code="dashboard/active-content",
                title=f"{called} holds a script, a frame or an address that runs one",
                place=dashboard.origin,
                why="whoever opens the dashboard would run it with their own session",
                help="write the text as Markdown, and addresses with https",
                subject=dashboard.name,
            )
        yield from _fixed_source(dashboard, called, panel)


def _fixed_source(dashboard: GrafanaDashboard, called: str, panel: Mapping[str, Any]) -> Iterator[Finding]:
    source = panel.get("datasource")
    uid = str(source.get("uid", "")) if isinstance(source, Mapping) else ""
    if uid and not uid.startswith("$") and uid not in _BUILT_IN and uid != "grafana":
        yield Finding(
            code="dashboard/fixed-data-source",
            title=f"{called} asks the data source `{uid}`",
            place=dashboard.origin,
            level=Level.WARNING,
            why="in another Grafana the same data source has another name, and the panel stays empty there",
            help="leave the data source out; the variable `datasource` takes its place",
            subject=dashboard.name,
        )


def link_errors(
    dashboard: GrafanaDashboard, uids: Iterable[str], dashboards: Iterable[GrafanaDashboard]
) -> Iterator[Finding]:
    """Links to dashboards of this house that are not there."""
    known = set(uids)
    names = [each.name for each in dashboards]
    prefix = dashboard.uid.removesuffix(dashboard.name)
    said: set[str] = set()
    for url in _urls(dashboard.document):
        found = _LINK.match(url)
        if not found or found["uid"] in known or found["uid"] in said or not prefix:
            continue
        if not found["uid"].startswith(prefix):
            continue
        said.add(found["uid"])
        name = found["uid"].removeprefix(prefix)
        yield Finding(
            code="dashboard/unknown-link",
            title=f"a link of dashboard `{dashboard.name}` leads to `{name}`, and there is no such dashboard",
            place=dashboard.origin,
            why="whoever clicks on it finds an empty page",
            help=_meant(name, names) or f"the dashboards are {', '.join(sorted(names))}",
            subject=dashboard.name,
        )


def _same(dashboards: Iterable[GrafanaDashboard]) -> Iterator[Finding]:
    """Dashboards that Grafana can't tell apart.

    Its duplicateValidator (pkg/services/provisioning/dashboards/validator.go, v9 to v12) takes the right to write away
    from every provider that has two of one uid, or of one title in one folder.
    """
    uids: dict[str, GrafanaDashboard] = {}
    titles: dict[tuple[str, str], GrafanaDashboard] = {}
    for each in dashboards:
        title = str(title_of(each.document) or "")
        first, twin = uids.setdefault(each.uid, each), titles.setdefault((each.folder, title), each)
        if each.uid and first is not each:
            yield _twins(
                "dashboard/same-uid", first, each, f"the same uid `{each.uid}`", "give one of them another uid"
            )
        if title and twin is not each:
            what = f"the same title `{title}` in one folder"
            yield _twins("dashboard/same-title", twin, each, what, "rename one, or move it into a folder of its own")


def _twins(code: str, first: GrafanaDashboard, second: GrafanaDashboard, what: str, remedy: str) -> Finding:
    return Finding(
        code=code,
        title=f"dashboards `{first.name}` and `{second.name}` have {what}",
        place=second.origin,
        why="Grafana then saves no dashboard of the whole build any more, changed or new, and says so in its log only",
        help=remedy,
        subject=second.name,
    )


def _urls(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "url" and isinstance(item, str):
                yield item
            else:
                yield from _urls(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _urls(item)
