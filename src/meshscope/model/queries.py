"""What a dashboard draws: PromQL over the recorded series, narrowed to what the dashboard's variables choose.

A dashboard names no metric of one mesh. It draws signals (``service.failures / service.requests``, as in an alert) and
the queries of this module; the build writes the PromQL. A plain string as a target's expression is left as it is.

Example::

    queries.burn_rate(1 * hours)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn, TypeAlias

from meshscope.findings import DefinitionError, Finding, here
from meshscope.model.alerting import Alert, Severity
from meshscope.model.signals import Comparison, Expr, Scope, Signal, Symbolic
from meshscope.model.units import Duration, Number

_SERVICE = "cluster, namespace, service"
_SLO = f"{_SERVICE}, slo"


class Query(Symbolic):
    """Numbers that a panel draws. They can be calculated with, but not decided upon: Python never sees them."""

    def _undecidable(self, what: str) -> NoReturn:
        raise DefinitionError(
            Finding(
                code="dashboard/decided-in-python",
                title=f"{what} is used on a query",
                place=here(),
                why="a dashboard's function is called once, when it is built; numbers are there when somebody looks",
                help="give the query to a Target(expr=...); only the service itself has a text: f'{service}'",
            )
        )

    def __add__(self, other: Drawn) -> Query:
        return Calculated("+", self, other)

    def __radd__(self, other: Drawn) -> Query:
        return Calculated("+", other, self)

    def __sub__(self, other: Drawn) -> Query:
        return Calculated("-", self, other)

    def __rsub__(self, other: Drawn) -> Query:
        return Calculated("-", other, self)

    def __mul__(self, other: Drawn) -> Query:
        return Calculated("*", self, other)

    def __rmul__(self, other: Drawn) -> Query:
        return Calculated("*", other, self)

    def __truediv__(self, other: Drawn) -> Query:
        return Calculated("/", self, other)

    def __rtruediv__(self, other: Drawn) -> Query:
        return Calculated("/", other, self)


Drawn: TypeAlias = Query | Expr | Number


@dataclass(frozen=True, eq=False, repr=False)
class Promql(Query):
    """PromQL over recorded series, each of which the build narrows to what the variables choose."""

    text: str


@dataclass(frozen=True, eq=False, repr=False)
class Calculated(Query):
    """``left operator right``; ``or`` takes ``right`` where ``left`` has nothing."""

    operator: str
    left: Drawn
    right: Drawn


@dataclass(frozen=True, eq=False, repr=False)
class Aggregated(Query):
    """``operator by (labels) (of)``; ``number`` is the parameter of topk and bottomk."""

    operator: str
    of: Drawn
    by: tuple[str, ...] = ()
    number: int | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Firing(Query):
    """One series of value 1 for each alert that fires and that people are told of."""

    severity: Severity | None
    alert: str
    stages: bool


@dataclass(frozen=True, eq=False, repr=False)
class Pages(Query):
    """One series of value 1 for each SLO that wakes somebody now, and for each other page of a service."""

    of_slos: bool


@dataclass(frozen=True, eq=False, repr=False)
class Edge(Query):
    """Requests a second between each caller and the chosen service, of all or of those that failed."""

    failed: bool


@dataclass(frozen=True, eq=False, repr=False)
class Labelled(Query):
    """``of`` with ``labels`` of the one series called ``source`` that agrees ``on`` the labels of an identity."""

    of: Drawn
    labels: tuple[str, ...]
    source: str
    on: str


class Along(StrEnum):
    """Which way along the calls: to those that a service calls, or to those that call it."""

    CALLEES = "callees"
    CALLERS = "callers"


@dataclass(frozen=True, eq=False, repr=False)
class Neighbours(Query):
    """``of`` of every service that the chosen one calls, or that calls it."""

    along: Along
    of: Drawn


@dataclass(frozen=True, eq=False, repr=False)
class Quantile(Query):
    """The latency within which the share ``share`` of the requests is answered, in seconds; ``by`` instance or not."""

    share: Number
    by_instance: bool


@dataclass(frozen=True, eq=False, repr=False)
class Buckets(Query):
    """Requests a second in each bucket of latency, by ``le`` in the provider's unit; for a heatmap."""


requests: Expr = Signal(Scope.SERVICE, "requests")
failures: Expr = Signal(Scope.SERVICE, "failures")
failure_ratio: Expr = failures / requests
instance_requests: Expr = Signal(Scope.INSTANCE, "requests")


def promql(text: str) -> Query:
    """PromQL over recorded series (``level:metric:operation``) and ALERTS, narrowed to what the variables choose."""
    return Promql(text)


def burn_rate(over: Duration) -> Query:
    """How many times too fast each SLO's budget is spent over a window (5m, 30m, 1h, 2h, 6h, 1d, 3d).

    1 spends it exactly in the SLO's own period.
    """
    return Promql(f"slo:errors:ratio_rate{over} / on ({_SLO}) slo:error_budget:ratio")


def budget_left() -> Query:
    """The share of each SLO's error budget that is left over its whole period; below 0 the promise is broken."""
    return Promql(f"1 - slo:errors:ratio_period / on ({_SLO}) slo:error_budget:ratio")


def firing(severity: Severity | None = None, *, alert: Alert | str = "", stages: bool = False) -> Query:
    """1 for each alert that fires, of a severity and of one alert or of any.

    ``stages`` shows the agent's stage too, of which people aren't told.
    """
    return Firing(severity, alert.camel if isinstance(alert, Alert) else alert, stages)


def pages(*, of_slos: bool = False) -> Query:
    """1 for each SLO that pages, however many of its alerts and windows do, and for each other page of a service.

    What is held back since a service that it calls pages is left out; that a page is silenced nobody but Alertmanager
    knows. ``of_slos`` leaves out pages that are of no SLO.
    """
    return Pages(of_slos)


def edge_requests() -> Query:
    """Requests a second from each caller to the chosen service, labelled as `callers` are.

    Where the mesh's metrics name no caller, all requests to the caller itself.
    """
    return Edge(failed=False)


def edge_failures() -> Query:
    """The same of requests that failed; 0 where none did."""
    return Edge(failed=True)


def limit(alert: Alert) -> Expr:
    """The right side of an alert's comparison: what its left side must exceed."""
    if isinstance(alert.condition, Comparison):
        return alert.condition.right
    raise DefinitionError(
        Finding(
            code="dashboard/no-limit",
            title=f"alert `{alert.name}` has no one limit",
            place=here(),
            why="its condition combines several comparisons, each with a limit of its own",
            help="draw the limit of an alert that compares once",
        )
    )


def measured(alert: Alert) -> Expr:
    """The left side of an alert's comparison: what is held against the limit."""
    limit(alert)
    assert isinstance(alert.condition, Comparison)  # noqa: S101 - limit() refuses all else
    return alert.condition.left


def latency(share: Number, *, by_instance: bool = False) -> Query:
    """The latency in seconds within which ``share`` (0 to 1) of the chosen service's requests is answered."""
    return Quantile(share, by_instance)


def latency_buckets() -> Query:
    """Requests a second of the chosen service in each latency bucket, for a heatmap."""
    return Buckets()


def callees(of: Drawn) -> Query:
    """``of`` of each service that the chosen one calls, labelled callee_cluster, callee_namespace and callee."""
    return Neighbours(Along.CALLEES, of)


def callers(of: Drawn) -> Query:
    """``of`` of each service that calls the chosen one, labelled cluster, namespace and service."""
    return Neighbours(Along.CALLERS, of)


def owned(of: Drawn) -> Query:
    """``of`` with the labels owner and tier of its service."""
    return Labelled(of, ("owner", "tier"), "service:info", _SERVICE)


def promised(of: Drawn) -> Query:
    """``of`` with the labels sli and period of its SLO."""
    return Labelled(of, ("sli", "period"), "slo:objective:ratio", _SLO)


def total(of: Drawn, by: tuple[str, ...] = ()) -> Query:
    """The sum, by labels."""
    return Aggregated("sum", of, by)


def highest(of: Drawn, by: tuple[str, ...] = ()) -> Query:
    """The highest value, by labels."""
    return Aggregated("max", of, by)


def lowest(of: Drawn, by: tuple[str, ...] = ()) -> Query:
    """The lowest value, by labels."""
    return Aggregated("min", of, by)


def count(of: Drawn, by: tuple[str, ...] = ()) -> Query:
    """How many series, by labels."""
    return Aggregated("count", of, by)


def top(number: int, of: Drawn) -> Query:
    """The ``number`` highest series at each moment."""
    return Aggregated("topk", of, number=number)


def bottom(number: int, of: Drawn) -> Query:
    """The ``number`` lowest series at each moment."""
    return Aggregated("bottomk", of, number=number)


def below(of: Drawn, number: Number) -> Query:
    """Those series that are below ``number`` now."""
    return Calculated("<", of, number)


def or_else(of: Drawn, otherwise: Drawn) -> Query:
    """``of``, and ``otherwise`` for whatever it has nothing."""
    return Calculated("or", of, otherwise)


def or_zero(of: Drawn) -> Query:
    """``of``, and 0 where it has nothing at all, so that silence reads as 0 and not as missing data."""
    return Calculated("or", of, Promql("vector(0)"))
