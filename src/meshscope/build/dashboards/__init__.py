"""Dashboards in Grafana's current schema: what boards draw, with queries, limits and links written out.

grafanalib gives the objects; what it writes for Grafana 8 is brought to today's schema here, and what is the same for
every panel is filled in: the data source by variable, ids, reference letters, links from a service to its traces and
logs. An object of grafanalib goes the same way, but its queries and variables stay its own; what people wrote as JSON,
YAML or jsonnet is carried as it is (`carried`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import promql_parser

from meshscope.artefacts.documents import GrafanaDashboard
from meshscope.build.boards import LONGEST_UID, board_uid
from meshscope.build.dashboards import current, layout
from meshscope.build.dashboards.carried import carried
from meshscope.build.dashboards.links import address
from meshscope.build.dashboards.queries import Writer
from meshscope.build.dashboards.sources import source
from meshscope.build.dashboards.variables import PROMETHEUS, given, used, variables
from meshscope.build.options import Options
from meshscope.build.rules.burn import BURNS
from meshscope.build.rules.platform import platform_group
from meshscope.model.alerting import Severity
from meshscope.model.boards import About, DashboardDefinition
from meshscope.model.model import Model
from meshscope.model.panels import (
    BurnSteps,
    LatencyUnit,
    Link,
    PlatformAlert,
    RuleSteps,
    letter,
    steps,
    to_logs,
    to_traces,
)
from meshscope.model.provider import MeshProvider
from meshscope.model.queries import Query, firing, promql
from meshscope.model.signals import Expr
from meshscope.model.units import hours, minutes, ms, seconds

Json: TypeAlias = dict[str, Any]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_NO_QUERY = frozenset({"row", "text", "news", "dashlist", "alertlist", "annolist"})
_ANY = 1e-6
_PANEL_ORDER = ("type", "title", "description", "gridPos", "datasource", "targets", "transformations",
                "fieldConfig", "options")  # fmt: skip
_ORDER = ("title", "description", "uid", "tags", "editable", "graphTooltip", "refresh", "time", "timezone", "links",
          "templating", "annotations", "panels")  # fmt: skip


def dashboards(model: Model, provider: MeshProvider, options: Options) -> tuple[GrafanaDashboard, ...]:
    """Every dashboard of ``model``, by name."""
    clusters = any(service.cluster for service in model.services)
    built = []
    for definition in model.dashboards:
        if definition.about is About.CARRIED:
            built.append(carried(definition, model.mesh))
            continue
        writer = Writer(model=model, provider=provider, options=options, about=definition.about, clusters=clusters)
        built.append(Board(definition=definition, writer=writer).built())
    return tuple(built)


@dataclass(frozen=True, kw_only=True)
class Board:
    """One dashboard on its way to Grafana's schema."""

    definition: DashboardDefinition
    writer: Writer

    @property
    def about(self) -> About:
        """What the dashboard is about."""
        return self.definition.about

    @property
    def foreign(self) -> bool:
        """Whether the dashboard was finished elsewhere."""
        return self.about is About.FOREIGN

    def built(self) -> GrafanaDashboard:
        """The dashboard in the current schema."""
        given = self.definition.body or {}
        # Panels are written out one by one: what a link leads to depends on its panel.
        body: Json = {key: given[key] if key in ("panels", "rows") else self._resolved(given[key], table=False)
                      for key in given}  # fmt: skip
        drawn = body.get("panels") or layout.from_rows(body.get("rows") or [])
        panels = layout.numbered(layout.placed(self._panel(each) for each in drawn), keep=self.foreign)
        made = current.dashboard({**body, "rows": [], "panels": panels})
        made |= self._head(made)
        document = self._with_variables(made)
        uid = str(document["uid"])
        return GrafanaDashboard(
            name=self.definition.name, uid=uid, document=_ordered(document, _ORDER), origin=self.definition.place
        )

    def _head(self, made: Json) -> Json:
        mesh = self.writer.model.mesh
        tags = dict.fromkeys([*(made.get("tags") or []), "meshscope", mesh.name])
        uid = str(made.get("uid") or "") if self.foreign else ""
        head: Json = {
            "title": made.get("title") or self.definition.name,
            "uid": uid if 0 < len(uid) <= LONGEST_UID else board_uid(mesh, self.definition.name),
            "tags": list(tags),
            "editable": False,
        }
        if self.foreign:
            return head
        links = [self._sibling(other) for other in self.writer.model.dashboards if self._is_sibling(other)]
        links += made.get("links") or []
        notes = [*self._annotations(), *(made.get("annotations") or {}).get("list", [])]
        return {
            **head,
            "description": self.definition.description,
            "graphTooltip": 1,
            "refresh": self._scaled(str(made.get("refresh", "30s")), least=10),
            "time": {"from": self._since(made), "to": "now"},
            **({"links": links} if links else {}),
            **({"annotations": {"list": notes}} if notes else {}),
        }

    def _is_sibling(self, other: DashboardDefinition) -> bool:
        return other.about not in (About.FOREIGN, About.CARRIED) and other.name != self.definition.name

    def _sibling(self, other: DashboardDefinition) -> Json:
        title = str((other.body or {}).get("title", other.name))
        return {
            "type": "link", "title": title, "tooltip": other.description, "icon": "dashboard",
            "url": f"/d/{board_uid(self.writer.model.mesh, other.name)}", "tags": [], "asDropdown": False,
            "includeVars": True, "keepTime": True, "targetBlank": False,
        }  # fmt: skip

    def _since(self, made: Json) -> str:
        start = str((made.get("time") or {}).get("from", "now-6h"))
        return f"now-{self._scaled(start.removeprefix('now-'), least=60)}" if start.startswith("now-") else start

    def _scaled(self, length: str, *, least: int) -> str:
        """A length of time in Grafana's spelling, scaled; no shorter than ``least`` seconds."""
        found = re.fullmatch(r"(\d+)([smhdw])", length)
        if found is None or self.writer.options.time_scale == 1:
            return length
        written = int(found[1]) * _UNITS[found[2]] * seconds
        return f"{max(least, int(self.writer.options.scaled(written).seconds))}s"

    def _annotations(self) -> Iterator[Json]:
        if self.about is not About.SERVICE:
            return
        hour, moment = (self.writer.options.duration(length) for length in (1 * hours, 5 * minutes))
        now = "count by (version) (instance:requests:rate5m)"
        before = f"count by (version) (last_over_time(instance:requests:rate5m[{hour}] offset {moment}))"
        yield self._annotation("Pages", firing(Severity.PAGE), "red", "{{alertname}}")
        yield self._annotation("New versions", promql(f"{now} unless on (version) {before}"), "blue", "{{version}}")

    def _annotation(self, name: str, query: Query, colour: str, title: str) -> Json:
        target = {"refId": "A", "datasource": PROMETHEUS, "expr": self.writer.text(query), "range": True}
        return {"name": name, "datasource": PROMETHEUS, "enable": True, "iconColor": colour, "titleFormat": title,
                "target": target}  # fmt: skip

    def _with_variables(self, made: Json) -> Json:
        own = [current.variable(each) for each in given(made)]
        for each in own:
            if each.get("type") == "query":
                each["datasource"] = source(each.get("datasource"), made)
        named = {str(each.get("name")) for each in own}
        asked = used(_texts(made)) - named
        offered = variables(asked, self.about, clusters=self.writer.clusters)
        ours = [each for each in offered if each["name"] not in named]
        return {**made, "templating": {"list": [*ours, *own]}}

    def _panel(self, raw: Mapping[str, Any]) -> Json:
        kind = str(raw.get("type", ""))
        made = current.panel(self._resolved(raw, table=kind == "table"))
        if kind == "row":
            inner = [self._panel(each) for each in made.get("panels") or []]
            return _ordered({**made, "panels": inner, "collapsed": bool(made.get("collapsed"))}, _PANEL_ORDER)
        if kind in _NO_QUERY:
            return _ordered(made, _PANEL_ORDER)
        body = self.definition.body or {}
        made["datasource"] = source(made.get("datasource"), body)
        made["targets"] = list(self._targets(made))
        if self.about is About.SERVICE and not _has_links(made):
            defaults = made["fieldConfig"]["defaults"]
            defaults.setdefault("links", self._resolved([to_traces(), to_logs()], table=kind == "table"))
        return _ordered(made, _PANEL_ORDER)

    def _targets(self, made: Json) -> Iterator[Json]:
        taken = {each.get("refId") for each in made.get("targets") or []}
        free = (name for name in map(letter, range(1000)) if name not in taken)
        body = self.definition.body or {}
        for each in made.get("targets") or []:
            asked = current.target(each, made["datasource"])
            asked["datasource"] = source(asked.get("datasource"), body)
            asked["refId"] = asked["refId"] or next(free)
            yield asked

    def _resolved(self, value: Any, *, table: bool) -> Any:
        """``value`` with every query, limit and link written out."""
        match value:
            case Query() | Expr():
                return self.writer.text(value)
            case Link():
                mesh, clusters = self.writer.model.mesh, self.writer.clusters
                return {"title": value.title, "url": address(value, mesh, self.about, table=table, clusters=clusters)}
            case BurnSteps():
                return burn_steps()
            case RuleSteps(alert=alert):
                return rule_steps(alert, self.writer.model, self.writer.options)
            case LatencyUnit():
                return "ms" if self.writer.provider.latency_unit == 1 * ms else "s"
            case Mapping():
                return {key: self._resolved(item, table=table) for key, item in value.items()}
            case list():
                return [self._resolved(item, table=table) for item in value]
        return value


def _has_links(panel: Json) -> bool:
    """Whether some column or series has links of its own."""
    changes = [each for override in panel["fieldConfig"]["overrides"] for each in override.get("properties", [])]
    return any(each.get("id") == "links" for each in changes)


def burn_steps() -> list[Json]:
    """The burn rates from which alerts fire, in the colours of their severities."""
    shades = iter(("yellow", "orange", "red", "dark-red"))
    return steps("green", *((float(burn.factor), shade) for burn, shade in zip(reversed(BURNS), shades, strict=True)))


def rule_steps(alert: PlatformAlert, model: Model, options: Options) -> list[Json]:
    """The number that the rule of the platform's alert is held against, in the colour of its severity."""
    for rule in platform_group(model, options).rules:
        condition = promql_parser.parse(rule.expr)
        if rule.alert != alert or not isinstance(condition, promql_parser.BinaryExpr):
            continue
        # A union holds each of its parts against one number.
        while isinstance(condition.rhs, promql_parser.BinaryExpr):
            condition = condition.rhs
        if isinstance(condition.rhs, promql_parser.NumberLiteral):
            colour = "red" if rule.labels["severity"] == model.mesh.severities.page else "orange"
            # Grafana colours from the step on, Prometheus fires above it; it only shows where the limit is nothing.
            return steps("green", (condition.rhs.val or _ANY, colour))
    return steps("green")


def _ordered(made: Json, order: Iterable[str]) -> Json:
    first = {key: made[key] for key in order if key in made}
    return first | made


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
