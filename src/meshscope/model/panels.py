"""Panels where grafanalib is behind Grafana, and what all panels share: layout, thresholds of alerts, links.

A panel here answers ``to_json_data()`` like grafanalib's own and stands beside them in a Dashboard. The build fills in
what is the same for all: data source, ids, reference letters of queries.

Example::

    left = [Target(expr=queries.budget_left())]
    panels.Gauge(title="Budget left", description="Of its period.", targets=left, unit="percentunit", low=0, high=1)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from meshscope.findings import DefinitionError, Finding, here
from meshscope.model.alerting import Alert, Severity
from meshscope.model.placing import Line as Line
from meshscope.model.placing import Placed as Placed
from meshscope.model.placing import lines as lines
from meshscope.model.queries import Drawn, highest
from meshscope.model.signals import Binary, Comparison, Expr, Literal, Signal

Object: TypeAlias = dict[str, object]
Step: TypeAlias = dict[str, object]

_COLOURS = {Severity.PAGE: "red", Severity.TICKET: "orange"}


class Of(StrEnum):
    """Of which service a link leads to more."""

    CHOSEN = "chosen"
    """The one that the variables choose; on a dashboard about the mesh the one that is clicked."""
    ROW = "row"
    """The one that is clicked: the series', or the table row's."""
    CALLEE = "callee"
    """The row's callee."""
    EVERYTHING = "everything"
    """No one service: the other dashboard is opened with the same choices."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link that the build writes: to a dashboard of this house, or to the traces or logs of a service.

    ``of`` says which service; ``service`` names a fixed one.
    """

    to: str
    title: str
    of: Of = Of.CHOSEN
    service: str = ""


TRACES = "traces"
LOGS = "logs"


def to_board(name: str, title: str, *, of: Of = Of.CHOSEN) -> Link:
    """A link to the dashboard called ``name``."""
    return Link(to=name.replace("_", "-"), title=title, of=of)


def to_traces(title: str = "Failed traces", *, of: Of = Of.CHOSEN) -> Link:
    """A link to the failed traces of a service at the same time."""
    return Link(to=TRACES, title=title, of=of)


def to_logs(title: str = "Logs", *, of: Of = Of.CHOSEN, service: str = "") -> Link:
    """A link to the logs of a service at the same time."""
    return Link(to=LOGS, title=title, of=of, service=service)


@dataclass(frozen=True)
class BurnSteps:
    """The factors of the burn-rate alerts as threshold steps; the build knows them."""


class PlatformAlert(StrEnum):
    """The alerts about the platform that hold something against a number."""

    COLLECTOR_LOSING = "CollectorLosing"
    COLLECTOR_QUEUE_FULL = "CollectorQueueFull"


@dataclass(frozen=True)
class RuleSteps:
    """The limit of an alert of our own about the platform as a threshold step; the build finds its rule."""

    alert: PlatformAlert


@dataclass(frozen=True)
class LatencyUnit:
    """The unit of the provider's latency buckets."""


# What stands in a drawn dashboard until the build knows it, beside queries.
LEAVES = (Link, BurnSteps, RuleSteps, LatencyUnit)
Steps: TypeAlias = Sequence[Step] | BurnSteps | RuleSteps
BURN_STEPS = BurnSteps()
LATENCY_UNIT = LatencyUnit()


def steps(base: str, *more: tuple[float, str]) -> list[Step]:
    """Threshold steps: the colour below all values, and each value with the colour from there up."""
    return [{"color": base, "value": None}, *({"color": colour, "value": value} for value, colour in more)]


def alert_steps(alert: Alert) -> list[Step]:
    """Threshold steps at the value from which ``alert`` can fire, in the colour of its severity.

    Where the limit depends on other signals (an instance's siblings), it is what the limit is while those are well.
    """
    condition = alert.condition
    if not isinstance(condition, Comparison):
        raise DefinitionError(
            Finding(
                code="dashboard/no-limit",
                title=f"alert `{alert.name}` has no one limit",
                place=here(),
                why="its condition combines several comparisons, each with a limit of its own",
                help="take the steps of an alert that compares once",
            )
        )
    value, colour = float(_well(condition.right)), _COLOURS[alert.severity]
    return steps("green", (value, colour)) if condition.operator in (">", ">=") else steps(colour, (value, "green"))


def _well(node: Expr) -> Decimal:
    """What ``node`` is while requests flow and nothing else is to be told."""
    match node:
        case Literal(value=value):
            return value
        case Signal(name=name):
            return Decimal(1 if name == "requests" else 0)
        case Binary(operator=operator, left=left, right=right):
            one, other = _well(left), _well(right)
            return {"+": one + other, "-": one - other, "*": one * other, "/": one / (other or 1)}[operator]
    raise TypeError(type(node).__name__)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What every panel here has; ``unit`` is Grafana's word for it, ``steps`` its thresholds."""

    title: str
    description: str
    targets: tuple[object, ...] = ()
    unit: str | LatencyUnit = "short"
    steps: Steps = ()
    links: tuple[Link, ...] = ()
    low: float | None = None
    high: float | None = None
    decimals: int | None = None
    no_value: str | None = None
    mappings: tuple[Object, ...] = ()

    def _json(self, kind: str, options: Object, *, colour: str = "thresholds", custom: Object | None = None,
              overrides: Sequence[Object] = ()) -> Object:  # fmt: skip
        defaults: Object = {
            "unit": self.unit, "decimals": self.decimals, "min": self.low, "max": self.high, "noValue": self.no_value,
            "color": {"mode": colour},
            "thresholds": {"mode": "absolute", "steps": self.steps or steps("green")},
            "mappings": list(self.mappings), "links": list(self.links), "custom": custom,
        }  # fmt: skip
        return {
            "type": kind,
            "title": self.title,
            "description": self.description,
            "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
            "options": options,
            "targets": list(self.targets),
        }


_LAST: Object = {"calcs": ["lastNotNull"], "fields": "", "values": False}


@dataclass(frozen=True, kw_only=True)
class Gauge(Panel):
    """One dial for each series, its last value; needs ``low`` and ``high``."""

    def to_json_data(self) -> Object:
        """Grafana's JSON."""
        return self._json("gauge", {"reduceOptions": _LAST, "showThresholdLabels": False, "showThresholdMarkers": True})


@dataclass(frozen=True, kw_only=True)
class BarGauge(Panel):
    """One horizontal bar for each series, its last value: things of one kind side by side."""

    def to_json_data(self) -> Object:
        """Grafana's JSON."""
        options: Object = {
            "displayMode": "basic", "orientation": "horizontal", "reduceOptions": _LAST, "valueMode": "color",
            "showUnfilled": True, "namePlacement": "top", "sizing": "auto",
            "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
        }  # fmt: skip
        return self._json("bargauge", options)


@dataclass(frozen=True, kw_only=True)
class Heatmap(Panel):
    """How many fall into which bucket, over time; its target gives a histogram's buckets (``format="heatmap"``)."""

    def to_json_data(self) -> Object:
        """Grafana's JSON."""
        options: Object = {
            "calculate": False,
            "cellGap": 1,
            "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5, "reverse": False},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "tooltip": {"mode": "single", "showColorScale": True, "yHistogram": True},
            "yAxis": {"axisPlacement": "left", "unit": self.unit, "reverse": False},
            "cellValues": {"unit": "reqps"},
        }
        custom: Object = {"hideFrom": {"legend": False, "tooltip": False, "viz": False},
                          "scaleDistribution": {"type": "linear"}}  # fmt: skip
        return replace(self, unit="reqps")._json("heatmap", options, custom=custom)


@dataclass(frozen=True, kw_only=True)
class StateTimeline(Panel):
    """One lane for each series; ``mappings`` say what its values mean and in which colour."""

    def to_json_data(self) -> Object:
        """Grafana's JSON."""
        options: Object = {
            "alignValue": "left", "mergeValues": True, "rowHeight": 0.8, "showValue": "never",
            "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
            "tooltip": {"mode": "single", "sort": "none"},
        }  # fmt: skip
        return self._json("state-timeline", options, custom={"fillOpacity": 80, "lineWidth": 0})


def states(*words: tuple[int | str, str, str]) -> tuple[Object, ...]:
    """Value mappings: (value, word, colour)."""
    return (
        {
            "type": "value",
            "options": {
                str(value): {"text": text, "color": colour, "index": index}
                for index, (value, text, colour) in enumerate(words)
            },
        },
    )


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table: one number for each row. ``bar`` draws it as a bar up to ``high``, ``steps`` colour it."""

    title: str
    query: Drawn
    unit: str = "short"
    decimals: int | None = None
    steps: Steps = ()
    colour: str = "thresholds"
    bar: bool = False
    low: float | None = None
    high: float | None = None
    width: int | None = None
    mappings: tuple[Object, ...] = ()

    def override(self) -> Object:
        """What differs for this column."""
        drawn: Object = {"type": "gauge", "mode": "basic"} if self.bar else {"type": "color-text"}
        coloured = bool(self.steps or self.bar or self.colour != "thresholds")
        wanted: list[tuple[str, object]] = [
            ("unit", self.unit), ("decimals", self.decimals), ("min", self.low), ("max", self.high),
            ("custom.width", self.width),
            ("color", {"mode": self.colour} if coloured else None),
            ("custom.cellOptions", drawn if coloured else None),
            ("thresholds", {"mode": "absolute", "steps": self.steps} if self.steps else None),
            ("mappings", list(self.mappings) or None),
        ]  # fmt: skip
        return _by_name(self.title, wanted)


@dataclass(frozen=True)
class Label:
    """A column of a table that names its rows. A ``hidden`` one is there for links; ``linked`` ones open the links."""

    name: str
    title: str
    width: int | None = None
    hidden: bool = False
    linked: bool = False
    mappings: tuple[Object, ...] = ()

    def override(self, links: Sequence[Link]) -> Object:
        """What differs for this column."""
        # Hidden by an option, not left out: a link still needs its value.
        wanted: list[tuple[str, object]] = [
            ("custom.width", self.width),
            ("custom.hideFrom.viz", True if self.hidden else None),
            ("links", list(links) if self.linked else None),
            ("mappings", list(self.mappings) or None),
            ("custom.cellOptions", {"type": "color-text"} if self.mappings else None),
        ]
        return _by_name(self.title, wanted)


@dataclass(frozen=True, kw_only=True)
class Table(Panel):
    """One row for each combination of ``labels``, one column for each query; where a query has several, the highest.

    ``sort`` are headings, each with a minus in front for the highest first.
    """

    labels: tuple[Label, ...] = ()
    columns: tuple[Column, ...] = ()
    sort: tuple[str, ...] = ()

    def to_json_data(self) -> Object:
        """Grafana's JSON."""
        by = tuple(label.name for label in self.labels)
        targets = tuple(
            {"expr": highest(column.query, by=by), "format": "table", "instant": True} for column in self.columns
        )
        sort = [{"displayName": title.removeprefix("-"), "desc": title.startswith("-")} for title in self.sort]
        options: Object = {"showHeader": True, "cellHeight": "sm", "sortBy": sort}
        overrides = [label.override(self.links) for label in self.labels] + [each.override() for each in self.columns]
        made = replace(self, targets=targets, links=())._json(
            "table", options, custom={"filterable": True}, overrides=[each for each in overrides if each["properties"]]
        )
        return {**made, "transformations": self._transformations()}

    def _transformations(self) -> list[Object]:
        # One query's value is called Value; of several, each has its letter.
        values = ["Value"] if len(self.columns) == 1 else [f"Value #{letter(i)}" for i in range(len(self.columns))]
        titles = {label.name: label.title for label in self.labels}
        titles |= {value: column.title for value, column in zip(values, self.columns, strict=True)}
        order = {name: index for index, name in enumerate(titles)}
        organize: Object = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": titles}
        merge: list[Object] = [{"id": "merge", "options": {}}] if len(self.columns) > 1 else []
        return [*merge, {"id": "organize", "options": organize}]


def letter(index: int) -> str:
    """The reference letter of the query at ``index``: A to Z, then A1 and on."""
    return chr(ord("A") + index % 26) + (str(index // 26) if index >= 26 else "")


def _by_name(name: str, wanted: Iterable[tuple[str, object]]) -> Object:
    properties = [{"id": key, "value": value} for key, value in wanted if value is not None]
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


def series(name: str, **wanted: object) -> Object:
    """An override for the series called ``name``: options by dotted names with ``_`` in front of custom ones."""
    renamed = ((f"custom.{key[1:]}" if key.startswith("_") else key, value) for key, value in wanted.items())
    return _by_name(name, renamed)
