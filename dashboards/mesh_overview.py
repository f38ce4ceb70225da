"""The whole mesh: where somebody on call looks first."""

from grafanalib.core import Dashboard, Time

from dashboards._style import (
    ANY_IS_ORANGE,
    ANY_IS_RED,
    CLUSTER,
    NAMESPACE,
    NO_BUDGET_YET,
    NO_RATE_YET,
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
from meshscope import Mesh, Severity, dashboard, hours, panels, queries

_IDENTITY = ("cluster", "namespace", "service")
_TO_BUDGETS = (panels.to_board("slo", "SLO and error budget", of=panels.Of.EVERYTHING),)
_TO_SERVICE = (panels.to_board("service", "Dashboard"), panels.to_traces(), panels.to_logs())


@dashboard
def mesh_overview(mesh: Mesh) -> Dashboard:
    """Are users hurt now, of which services, and whose are they."""
    return Dashboard(
        title="Mesh overview",
        tags=["overview"],
        time=Time("now-6h", "now"),
        refresh="30s",
        panels=panels.lines(
            _now(mesh),
            _alerts(mesh),
            f"Services of {mesh.name}",
            panels.Line(13, (_services(),)),
            "Outliers",
            _worst(),
        ),
    )


def _now(mesh: Mesh) -> panels.Line:
    return panels.Line(
        4,
        (
            number(
                "Pages now",
                "SLOs, and other alerts, that wake somebody at this moment, but for those held back while a service "
                "that they call pages. Silences are unseen here.",
                paging(queries.pages()),
                "short",
                steps=ANY_IS_RED,
                loud=True,
                links=_TO_BUDGETS,
            ),
            number(
                "Tickets now",
                "Alerts that wait for the morning.",
                paging(queries.firing(Severity.TICKET)),
                "short",
                steps=ANY_IS_ORANGE,
                loud=True,
                links=_TO_BUDGETS,
            ),
            number(
                "Highest burn rate",
                "How many times too fast the fastest error budget was spent during the last hour; the colours change "
                "where alerts fire.",
                queries.highest(queries.burn_rate(1 * hours)),
                TIMES,
                steps=panels.BURN_STEPS,
                decimals=1,
                links=_TO_BUDGETS,
                empty=NO_RATE_YET,
            ),
            number(
                "Least budget left",
                "What is left of the error budget that is closest to its end. Below 0 a promise is broken.",
                queries.lowest(queries.budget_left()),
                "percentunit",
                steps=SPENT_IS_RED,
                decimals=0,
                links=_TO_BUDGETS,
                empty=NO_BUDGET_YET,
            ),
            number(
                "Failed requests",
                f"The share of all requests within {mesh.name} that failed during the last 5 minutes.",
                queries.total(queries.failures) / queries.total(queries.requests),
                "percentunit",
                decimals=2,
                links=_TO_BUDGETS,
            ),
            number(
                "Requests",
                "Requests a second to all services; one from outside may cause many within.",
                queries.total(queries.requests),
                "reqps",
                decimals=0,
                links=_TO_BUDGETS,
            ),
        ),
    )


def _alerts(mesh: Mesh) -> panels.Line:
    page, ticket = mesh.severities.page, mesh.severities.ticket
    since = queries.promql(
        "(ALERTS_FOR_STATE * 1000) and ignoring (alertstate) "
        'ALERTS{alertstate="firing",severity!="none",stage!="agent"}'
    )
    firing = panels.Table(
        title="Firing now",
        description="Every alert that people are told of, and since when its condition holds.",
        labels=(
            panels.Label(
                "severity", "Severity", 90, mappings=panels.states((page, page, "red"), (ticket, ticket, "orange"))
            ),
            panels.Label("alertname", "Alert", 190),
            SERVICE,
            NAMESPACE,
            OWNER,
            CLUSTER,
        ),
        columns=(panels.Column(title="Since", query=since, unit="dateTimeFromNow"),),
        sort=("Severity", "-Since"),
        links=_TO_SERVICE,
        no_value="nothing fires",
    )
    told = curves(
        "Alerts that fire",
        "How many pages and tickets fire. A page inhibits the tickets of the same service.",
        "short",
        asked(paging(queries.firing(Severity.PAGE)), "pages"),
        asked(paging(queries.firing(Severity.TICKET)), "tickets"),
        stacked=True,
        overrides=(coloured("pages", "red"), coloured("tickets", "orange")),
        links=_TO_BUDGETS,
    )
    return panels.Line(8, (firing, told), widths=(15, 9))


def _services() -> panels.Table:
    pages = queries.or_else(
        queries.count(queries.pages(), by=_IDENTITY),
        0 * queries.highest(queries.promql("service:info"), by=_IDENTITY),
    )
    burn = queries.highest(queries.burn_rate(1 * hours), by=_IDENTITY)
    left = queries.lowest(queries.budget_left(), by=_IDENTITY)
    return panels.Table(
        title="Services by owner",
        description="Every service with its owner and how it does. Of several promises, the one that is worst off.",
        labels=(OWNER, SERVICE, NAMESPACE, panels.Label("tier", "Tier", 70), CLUSTER),
        columns=(
            panels.Column(title="Pages", query=queries.owned(pages), decimals=0, steps=ANY_IS_RED, width=80),
            panels.Column(
                title="Burn rate", query=queries.owned(burn), unit=TIMES, decimals=1, steps=panels.BURN_STEPS, width=110
            ),
            panels.Column(
                title="Budget left",
                query=queries.owned(left),
                unit="percentunit",
                decimals=0,
                steps=SPENT_IS_RED,
                bar=True,
                low=0,
                high=1,
            ),
            panels.Column(
                title="Failed", query=queries.owned(queries.failure_ratio), unit="percentunit", decimals=2, width=110
            ),
            panels.Column(title="Requests", query=queries.owned(queries.requests), unit="reqps", decimals=1, width=120),
        ),
        sort=("Owner", "-Burn rate"),
        links=(*_TO_SERVICE, panels.to_board("instances", "Instances")),
    )


def _worst() -> panels.Line:
    return panels.Line(
        9,
        (
            curves(
                "Services that fail most",
                "The ten highest shares of failed requests.",
                "percentunit",
                asked(queries.top(10, queries.failure_ratio), "{{namespace}}/{{service}}"),
                listed="highest",
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
