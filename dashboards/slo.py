"""Every promise to users, and what is left of each error budget."""

from grafanalib.core import Dashboard, Time

from dashboards._style import (
    ANY_IS_ORANGE,
    ANY_IS_RED,
    CLUSTER,
    NAMESPACE,
    NO_BUDGET_YET,
    OWNER,
    SERVICE,
    SPENT_IS_RED,
    TIMES,
    asked,
    coloured,
    curves,
    number,
    paging,
)
from meshscope import Mesh, Severity, dashboard, days, hours, panels, queries

_SLO = ("cluster", "namespace", "service", "slo")
_BURN = "ErrorBudgetBurn"
_TO_OVERVIEW = (panels.to_board("mesh-overview", "Mesh overview", of=panels.Of.EVERYTHING),)
_TO_SERVICE = (panels.to_board("service", "Dashboard"), panels.to_traces(), panels.to_logs())


@dashboard
def slo(mesh: Mesh) -> Dashboard:
    """Which promises to users are kept, which error budgets burn, and how long they will last."""
    return Dashboard(
        title="SLO and error budget",
        tags=["slo"],
        time=Time("now-7d", "now"),
        refresh="1m",
        panels=panels.lines(_now(), panels.Line(12, (_promises(),)), _over_time(), panels.Line(8, (_windows(mesh),))),
    )


def _now() -> panels.Line:
    left = queries.lowest(queries.budget_left(), by=_SLO)
    return panels.Line(
        4,
        (
            number(
                "Exhausted budgets",
                "Promises that are broken: over their period more requests were bad than allowed. 0 only of those "
                "whose budget is known.",
                queries.or_else(queries.count(queries.below(left, 0)), 0 * queries.count(left)),
                "short",
                steps=ANY_IS_RED,
                loud=True,
                links=_TO_OVERVIEW,
                empty=NO_BUDGET_YET,
            ),
            number(
                "Unknown budgets",
                "Promises of whose budget nothing is known: new ones are after the first full hour, others report "
                "nothing.",
                paging(
                    queries.promql(
                        "slo:objective:ratio unless on (cluster, namespace, service, slo) slo:errors:ratio_period"
                    )
                ),
                "short",
                steps=ANY_IS_ORANGE,
                links=_TO_OVERVIEW,
            ),
            number(
                "SLOs that page",
                "Promises that wake somebody now, but for those held back while a service that they call pages.",
                paging(queries.pages(of_slos=True)),
                "short",
                steps=ANY_IS_RED,
                links=_TO_OVERVIEW,
            ),
            number(
                "Burn-rate tickets",
                "Error budgets that will not last for their period.",
                paging(queries.firing(Severity.TICKET, alert=_BURN)),
                "short",
                steps=ANY_IS_ORANGE,
                links=_TO_OVERVIEW,
            ),
            number(
                "Without indicator",
                "Promises of which nothing is known: their service reports nothing.",
                paging(queries.firing(alert="IndicatorAbsent")),
                "short",
                steps=ANY_IS_ORANGE,
                links=_TO_OVERVIEW,
            ),
            number(
                "SLOs",
                "Promises to users, each with an objective and a period.",
                queries.count(queries.promql("slo:objective:ratio")),
                "short",
                links=_TO_OVERVIEW,
            ),
        ),
    )


def _promises() -> panels.Table:
    def shown(of: queries.Drawn) -> queries.Drawn:
        return queries.owned(queries.promised(queries.highest(of, by=_SLO)))

    burns = tuple(
        panels.Column(title=f"Burn {window}", query=shown(queries.burn_rate(window)), unit=TIMES, decimals=1,
               steps=panels.BURN_STEPS, width=95)
        for window in (1 * hours, 6 * hours, 3 * days)
    )  # fmt: skip
    return panels.Table(
        title="SLOs, the least budget first",
        description="Each SLO with its objective, what is left of its error budget, and how many times too fast the "
        "budget is spent in an hour, six hours and three days.",
        labels=(
            SERVICE,
            NAMESPACE,
            panels.Label("slo", "SLO", 120),
            panels.Label("period", "Period", 80),
            OWNER,
            CLUSTER,
        ),
        columns=(
            panels.Column(
                title="Objective",
                query=shown(queries.promql("slo:objective:ratio")),
                unit="percentunit",
                decimals=2,
                width=110,
            ),
            panels.Column(
                title="Bad",
                query=shown(queries.promql("slo:errors:ratio_period")),
                unit="percentunit",
                decimals=3,
                width=100,
            ),
            panels.Column(
                title="Budget left",
                query=shown(queries.budget_left()),
                unit="percentunit",
                decimals=0,
                steps=SPENT_IS_RED,
                bar=True,
                low=0,
                high=1,
            ),
            *burns,
        ),
        sort=("Budget left",),
        links=_TO_SERVICE,
    )


def _over_time() -> panels.Line:
    return panels.Line(
        9,
        (
            curves(
                "Budgets closest to their end",
                "The ten error budgets of which least is left. Below 0 the promise is broken.",
                "percentunit",
                asked(queries.bottom(10, queries.budget_left()), "{{namespace}}/{{service}} {{slo}}"),
                steps=SPENT_IS_RED,
                low=None,
                high=1,
                listed="lowest",
                links=_TO_SERVICE,
            ),
            curves(
                "Budgets that burn fastest",
                "The ten highest burn rates of the last hour, and where alerts fire.",
                TIMES,
                asked(queries.top(10, queries.burn_rate(1 * hours)), "{{namespace}}/{{service}} {{slo}}"),
                steps=panels.BURN_STEPS,
                wide=True,
                listed="highest",
                links=_TO_SERVICE,
            ),
        ),
    )


def _windows(mesh: Mesh) -> object:
    windows = ((1 * hours, "dark-red"), (6 * hours, "red"), (1 * days, "orange"), (3 * days, "yellow"))
    return curves(
        "Highest burn rate by window",
        f"Of what is chosen in {mesh.name}: a short peak shows in the hour only, a slow leak in the days. Each window "
        "has its own limit: 14.4 for the hour, 6 for six hours, 3 for the day, 1 for three days.",
        TIMES,
        *(asked(queries.highest(queries.burn_rate(window)), str(window)) for window, _ in windows),
        steps=panels.BURN_STEPS,
        wide=True,
        overrides=[coloured(str(window), colour) for window, colour in windows],
        links=_TO_OVERVIEW,
    )
