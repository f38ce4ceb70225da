"""How this house draws: one look for all its dashboards."""

from collections.abc import Sequence
from typing import Any

from grafanalib.core import Stat, Target, TimeSeries

from meshscope import panels, queries

ANY_IS_RED: panels.Steps = panels.steps("green", (1, "red"))
ANY_IS_ORANGE: panels.Steps = panels.steps("green", (1, "orange"))
SPENT_IS_RED: panels.Steps = panels.steps("red", (0, "green"))
TIMES = "suffix:x"
# What a mesh's first hour shows instead of numbers.
NO_BUDGET_YET = "known after the first full hour"
NO_RATE_YET = "known with the first requests"

CLUSTER = panels.Label("cluster", "Cluster", hidden=True)
NAMESPACE = panels.Label("namespace", "Namespace", 130)
SERVICE = panels.Label("service", "Service", 180, linked=True)
OWNER = panels.Label("owner", "Owner", 130)

LIMIT_LINE = panels.series(
    "limit", color={"mode": "fixed", "fixedColor": "red"}, _lineStyle={"fill": "dash", "dash": [8, 6]}, _fillOpacity=0
)


def asked(expr: queries.Drawn | str, legend: str) -> Target:
    """A query whose series are called ``legend``."""
    return Target(expr=expr, legendFormat=legend)


def number(
    title: str,
    description: str,
    expr: queries.Drawn | str,
    unit: str,
    *,
    steps: panels.Steps = (),
    legend: str = "",
    decimals: int | None = None,
    links: Sequence[panels.Link] = (),
    loud: bool = False,
    empty: str = "",
) -> Stat:
    """One big number, or one for each series with its name; a ``loud`` one fills its panel with its colour.

    ``empty`` is what stands there while there is no number.
    """
    fields: dict[str, Any] = {"color": {"mode": "thresholds"}, **({"links": list(links)} if links else {})}
    if empty:
        fields["noValue"] = empty
    return Stat(
        title=title,
        description=description,
        targets=[asked(expr, legend)],
        format=unit,
        decimals=decimals,
        reduceCalc="lastNotNull",
        colorMode="background_solid" if loud else "value",
        graphMode="none" if loud else "area",
        textMode="value_and_name" if legend else "value",
        thresholds=steps or panels.steps("text"),
        extraJson={"fieldConfig": {"defaults": fields}},
    )


def curves(
    title: str,
    description: str,
    unit: str,
    *targets: Target,
    steps: panels.Steps = (),
    stacked: bool = False,
    overrides: Sequence[dict[str, object]] = (),
    links: Sequence[panels.Link] = (),
    low: float | None = 0,
    high: float | None = None,
    wide: bool = False,
    listed: str = "",
    empty: str = "",
) -> TimeSeries:
    """Numbers over time; ``steps`` are drawn as dashed lines, ``stacked`` adds the series up.

    ``wide`` ranges are drawn on a scale that is linear up to 1 and logarithmic from there, so that 1 and 100 can both
    be read. Many series are ``listed`` at the side, the ``highest`` or the ``lowest`` first.
    """
    fields: dict[str, Any] = {"min": low, "max": high, **({"links": list(links)} if links else {})}
    if empty:
        fields["noValue"] = empty
    if wide:
        fields["custom"] = {"scaleDistribution": {"type": "symlog", "log": 10, "linearThreshold": 1}}
    order: dict[str, Any] = {"legend": {"sortBy": "Last *", "sortDesc": listed == "highest"}} if listed else {}
    return TimeSeries(
        title=title,
        description=description,
        targets=list(targets),
        unit=unit,
        lineWidth=1 if stacked else 2,
        fillOpacity=40 if stacked else 0 if listed or wide else 6,
        showPoints="never",
        stacking={"mode": "normal", "group": "A"} if stacked else {},
        legendDisplayMode="table" if listed else "list",
        legendPlacement="right" if listed else "bottom",
        legendCalcs=["lastNotNull"] if listed else [],
        tooltipMode="multi",
        tooltipSort="asc" if listed == "lowest" else "desc",
        thresholds=steps or panels.steps("green"),
        thresholdsStyleMode="dashed" if steps else "off",
        overrides=list(overrides),
        extraJson={"fieldConfig": {"defaults": fields}, "options": order},
    )


def coloured(name: str, colour: str) -> dict[str, object]:
    """The series called ``name`` in one colour, so that it means the same on every dashboard."""
    return panels.series(name, color={"mode": "fixed", "fixedColor": colour})


def paging(of: queries.Drawn) -> queries.Drawn:
    """How many alerts fire, 0 where none does."""
    return queries.or_zero(queries.count(of))
