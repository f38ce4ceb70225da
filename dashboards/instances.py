"""The instances of one service side by side."""

from grafanalib.core import Dashboard, Target, Time

from alerts.lone_failing_instance import lone_failing_instance
from dashboards._style import LIMIT_LINE, asked, curves, number
from meshscope import AnyService, dashboard, panels, queries

_LIMIT = panels.alert_steps(lone_failing_instance)
_FAILED = queries.measured(lone_failing_instance)
_REQUESTS = queries.instance_requests


@dashboard
def instances(service: AnyService) -> Dashboard:
    """Is one instance of a service worse than its siblings, and since which version."""
    return Dashboard(
        title="Instances",
        tags=["instances"],
        time=Time("now-3h", "now"),
        refresh="30s",
        panels=panels.lines(_now(), _side_by_side(), _over_time(service), _latency(service), panels.Line(7, (_all(),))),
    )


def _now() -> panels.Line:
    return panels.Line(
        4,
        (
            number(
                "Lone failing instances",
                "Instances that fail far more often than their siblings; the agent sees them before people do.",
                queries.or_zero(
                    queries.count(
                        queries.highest(queries.firing(alert=lone_failing_instance, stages=True), by=("pod",))
                    )
                ),
                "short",
                steps=panels.steps("green", (1, "red")),
                loud=True,
            ),
            number("Instances", "Instances that report requests.", queries.count(_REQUESTS), "short"),
            number(
                "Versions",
                "Versions that answer requests side by side; more than one during a deployment.",
                queries.count(queries.count(_REQUESTS, by=("version",))),
                "short",
            ),
            number(
                "Worst instance",
                "The highest share of failed requests of one instance; coloured from where its alert can fire.",
                queries.highest(_FAILED),
                "percentunit",
                steps=_LIMIT,
                decimals=2,
            ),
        ),
    )


def _side_by_side() -> panels.Line:
    def bars(
        title: str, description: str, query: queries.Drawn, unit: str, steps: panels.Steps = ()
    ) -> panels.BarGauge:
        return panels.BarGauge(
            title=title,
            description=description,
            targets=(Target(expr=queries.highest(query, by=("pod",)), legendFormat="{{pod}}", instant=True),),
            unit=unit,
            steps=steps or panels.steps("blue"),
            low=0,
        )

    return panels.Line(
        7,
        (
            bars("Failed, by instance", "The share of requests that each instance fails; red from where its alert can "
                 "fire.", _FAILED, "percentunit", _LIMIT),
            bars("Requests, by instance", "Requests a second to each instance: one that gets far more or fewer is not "
                 "balanced.", _REQUESTS, "reqps"),
            bars("Latency p95, by instance", "One request in twenty takes longer than this, by instance.",
                 queries.latency(0.95, by_instance=True), "s"),
        ),
    )  # fmt: skip


def _over_time(service: AnyService) -> panels.Line:
    limit = queries.lowest(queries.limit(lone_failing_instance))
    return panels.Line(
        8,
        (
            curves(
                f"Failed requests of {service}, by instance",
                "The share of requests that each instance fails, and the lowest limit from which one of them counts "
                "as failing alone: it follows its siblings.",
                "percentunit",
                asked(_FAILED, "{{pod}}"),
                asked(limit, "limit"),
                overrides=(LIMIT_LINE,),
            ),
            curves(
                f"Requests to {service}, by instance",
                "Requests a second to each instance.",
                "reqps",
                asked(_REQUESTS, "{{pod}}"),
                stacked=True,
            ),
        ),
    )


def _latency(service: AnyService) -> panels.Line:
    both = queries.highest(queries.firing(alert=lone_failing_instance, stages=True), by=("pod",))
    people = queries.highest(queries.firing(alert=lone_failing_instance), by=("pod",))
    state = queries.or_else(queries.or_else(2 * people, both), 0 * queries.highest(_REQUESTS, by=("pod",)))
    return panels.Line(
        8,
        (
            curves(
                f"Latency p95 of {service}, by instance",
                "One successful request in twenty takes longer than this, by instance.",
                "s",
                asked(queries.latency(0.95, by_instance=True), "{{pod}}"),
            ),
            panels.StateTimeline(
                title=f"Lone failing instances of {service}",
                description="When an instance failed far more often than its siblings: first the agent knows, and if "
                "that doesn't help, people are paged.",
                targets=(asked(state, "{{pod}}"),),
                mappings=panels.states((0, "well", "green"), (1, "the agent knows", "orange"), (2, "paged", "red")),
            ),
        ),
    )


def _all() -> panels.Table:
    return panels.Table(
        title="Every instance",
        description="Each instance with its version and how it does.",
        labels=(
            panels.Label("pod", "Instance", linked=True),
            panels.Label("version", "Version", 160),
            panels.Label("workload", "Workload", 200),
        ),
        columns=(
            panels.Column(title="Failed", query=_FAILED, unit="percentunit", decimals=2, steps=_LIMIT, width=140),
            panels.Column(title="Requests", query=_REQUESTS, unit="reqps", decimals=1, width=140),
        ),
        sort=("-Failed",),
        links=(panels.to_traces(), panels.to_logs()),
    )
