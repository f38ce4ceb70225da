"""One service: the page that an alert opens."""

from grafanalib.core import Dashboard, Target, Time

from dashboards._style import (
    ANY_IS_RED,
    LIMIT_LINE,
    NO_BUDGET_YET,
    NO_RATE_YET,
    SPENT_IS_RED,
    TIMES,
    asked,
    coloured,
    curves,
    number,
    paging,
)
from meshscope import AnyService, dashboard, hours, panels, queries


@dashboard
def service(service: AnyService) -> Dashboard:
    """Are the users of one service hurt now, since when, and does the cause lie in it or in something that it calls."""
    return Dashboard(
        title="Service",
        tags=["service"],
        time=Time("now-6h", "now"),
        refresh="30s",
        panels=panels.lines(
            _now(service),
            _traffic(service),
            _latency(service),
            "SLOs and error budgets",
            _promises(service),
            "Dependencies and callers",
            _neighbours(),
        ),
    )


def _now(service: AnyService) -> panels.Line:
    return panels.Line(
        4,
        (
            number(
                "Pages now",
                "SLOs of this service, and other alerts, that wake somebody at this moment, but for those held back "
                "while a service that it calls pages. Silences are unseen here.",
                paging(queries.pages()),
                "short",
                steps=ANY_IS_RED,
                loud=True,
            ),
            number(
                "Failed requests",
                "The share of requests that failed during the last 5 minutes, as those who call see it.",
                service.failure_ratio,
                "percentunit",
                decimals=2,
            ),
            number(
                "Burn rate",
                "How many times too fast each error budget was spent during the last hour. At 1 it lasts exactly for "
                "its period; the colours change where alerts fire.",
                queries.burn_rate(1 * hours),
                TIMES,
                steps=panels.BURN_STEPS,
                legend="{{slo}}",
                decimals=1,
                empty=NO_RATE_YET,
            ),
            number(
                "Budget left",
                "The share of each error budget that is left for its period. Below 0 the promise is broken.",
                queries.budget_left(),
                "percentunit",
                steps=SPENT_IS_RED,
                legend="{{slo}}",
                decimals=0,
                empty=NO_BUDGET_YET,
            ),
            number(
                "Requests",
                "Requests a second during the last 5 minutes, counted where failures can be seen.",
                service.requests,
                "reqps",
                decimals=1,
            ),
            number(
                "Latency p99",
                "One request in a hundred takes longer than this.",
                queries.latency(0.99),
                "s",
            ),
        ),
        widths=(3, 4, 6, 5, 3, 3),
    )


def _traffic(service: AnyService) -> panels.Line:
    allowed = queries.promql('1 - max by (slo) (slo:objective:ratio{sli="availability"})')
    return panels.Line(
        8,
        (
            curves(
                f"Failed requests of {service}",
                "The share of requests that failed. Above the dashed limit for long, the promise of availability "
                "breaks.",
                "percentunit",
                asked(service.failure_ratio, "failed"),
                asked(allowed, "limit"),
                overrides=(coloured("failed", "orange"), LIMIT_LINE),
            ),
            curves(
                f"Requests to {service}",
                "Requests a second, answered well or failed.",
                "reqps",
                asked(service.requests - service.failures, "answered"),
                asked(service.failures, "failed"),
                stacked=True,
                overrides=(coloured("answered", "blue"), coloured("failed", "orange")),
            ),
        ),
    )


def _latency(service: AnyService) -> panels.Line:
    return panels.Line(
        8,
        (
            curves(
                f"Latency of {service}",
                "Half, 95% and 99% of the successful requests are answered within these times.",
                "s",
                asked(queries.latency(0.99), "p99"),
                asked(queries.latency(0.95), "p95"),
                asked(queries.latency(0.5), "p50"),
                overrides=(coloured("p99", "dark-purple"), coloured("p95", "purple"), coloured("p50", "light-purple")),
            ),
            panels.Heatmap(
                title=f"Latency of {service} by bucket",
                description="How many requests a second fall into which bucket. Two bands mean two kinds of requests, "
                "or one instance that is slower than the rest.",
                targets=(Target(expr=queries.latency_buckets(), legendFormat="{{le}}", format="heatmap"),),
                unit=panels.LATENCY_UNIT,
            ),
        ),
    )


def _promises(service: AnyService) -> panels.Line:
    return panels.Line(
        8,
        (
            curves(
                f"Burn rate of {service}",
                "How many times too fast each error budget was spent during the last hour. A page needs 14.4 here, or "
                "6 during six hours.",
                TIMES,
                asked(queries.burn_rate(1 * hours), "{{slo}}"),
                steps=panels.BURN_STEPS,
                wide=True,
            ),
            curves(
                f"Error budget of {service}",
                "The share of each error budget that is left. It comes back as bad times leave the period.",
                "percentunit",
                asked(queries.budget_left(), "{{slo}}"),
                steps=SPENT_IS_RED,
                low=None,
                high=1,
                empty=NO_BUDGET_YET,
            ),
        ),
    )


def _neighbours() -> panels.Line:
    return panels.Line(
        7,
        (
            _neighbour_table(
                "Dependencies",
                "What this service calls: a failure there may be the cause of one here.",
                panels.Of.CALLEE,
                (
                    panels.Label("callee", "Service", linked=True),
                    panels.Label("callee_namespace", "Namespace"),
                    panels.Label("callee_cluster", "Cluster", hidden=True),
                ),
            ),
            _neighbour_table(
                "Callers",
                "Who calls this service: they see its failures, and may be hurt by them. Requests and failures are "
                "those between the two, where the mesh's metrics name callers.",
                panels.Of.ROW,
                (
                    panels.Label("service", "Service", linked=True),
                    panels.Label("namespace", "Namespace"),
                    panels.Label("cluster", "Cluster", hidden=True),
                ),
            ),
        ),
    )


def _neighbour_table(title: str, description: str, of: panels.Of, labels: tuple[panels.Label, ...]) -> panels.Table:
    along = queries.callees if of is panels.Of.CALLEE else queries.callers
    requests, failed = along(queries.requests), along(queries.failure_ratio)
    if of is panels.Of.ROW:
        requests, failed = queries.edge_requests(), queries.edge_failures() / queries.edge_requests()
    burn: queries.Drawn = queries.burn_rate(1 * hours)
    return panels.Table(
        title=title,
        description=description,
        labels=labels,
        columns=(
            panels.Column(title="Requests", query=requests, unit="reqps", decimals=1),
            panels.Column(title="Failed", query=failed, unit="percentunit", decimals=2),
            panels.Column(title="Burn rate", query=along(burn), unit=TIMES, decimals=1, steps=panels.BURN_STEPS),
        ),
        sort=("-Burn rate",),
        links=(
            panels.to_board("service", "Dashboard", of=of),
            panels.to_traces(of=of),
            panels.to_logs(of=of),
        ),
    )
