"""The collectors, and the agent: does what was seen arrive where it is kept, and is it acted on."""

from grafanalib.core import Dashboard, Target, Time

from dashboards._style import ANY_IS_ORANGE, LIMIT_LINE, asked, coloured, curves, number
from meshscope import Mesh, dashboard, panels, queries

# What a collector counts, and its colour on every panel.
_SIGNALS = (("spans", "purple"), ("metric_points", "blue"), ("log_records", "green"))
_TO_LOGS = (panels.to_logs("Logs of the collectors", service="otelcol"),)
_TO_OVERVIEW = (panels.to_board("mesh-overview", "Mesh overview", of=panels.Of.EVERYTHING),)
_QUEUE = 'otelcol_exporter_queue_size{exporter!=""} / (otelcol_exporter_queue_capacity > 0)'


@dashboard
def collectors(mesh: Mesh) -> Dashboard:
    """Does all telemetry arrive where it is kept, and where is it held back, refused or lost."""
    return Dashboard(
        title="Collectors",
        tags=["collectors"],
        time=Time("now-3h", "now"),
        refresh="30s",
        panels=panels.lines(
            _now(mesh), _through(), _trouble(), "Resources", panels.Line(8, (_memory(), _cpu())), "Agent", _agent()
        ),
    )


def _rate(*names: str) -> queries.Query:
    """Items a second over all collectors and counters; versions differ in whether a counter's name ends in _total.

    One sum for each counter: two counters that differ in nothing but their name can't be read by one rate().
    """
    first, *others = (
        queries.or_zero(queries.promql(f'sum (rate({{__name__=~"otelcol_{name}(_total)?"}}[$__rate_interval]))'))
        for name in names
    )
    return sum(others, first)


def _every(*what: str) -> queries.Query:
    return _rate(*(f"{each}_{signal}" for signal, _ in _SIGNALS for each in what))


def _by_signal(*what: str) -> tuple[Target, ...]:
    return tuple(
        asked(_rate(*(f"{each}_{signal}" for each in what)), signal.replace("_", " ")) for signal, _ in _SIGNALS
    )


_COLOURS = [coloured(signal.replace("_", " "), colour) for signal, colour in _SIGNALS]


def _now(mesh: Mesh) -> panels.Line:
    return panels.Line(
        4,
        (
            number(
                "Collectors",
                f"Collectors of {mesh.name} that report.",
                queries.promql('count({__name__=~"otelcol_process_uptime(_seconds)?(_total)?"}) or vector(0)'),
                "short",
                links=_TO_LOGS,
            ),
            number(
                "Alerts now",
                "Alerts about collectors that fire at this moment.",
                'count(ALERTS{alertname=~"Collector.*",alertstate="firing"}) or vector(0)',
                "short",
                steps=ANY_IS_ORANGE,
                loud=True,
                links=_TO_LOGS,
            ),
            number(
                "Refused",
                "Items a second that collectors refuse: they are full, or short of memory. Who sent them tries again.",
                _every("receiver_refused"),
                "cps",
                steps=panels.steps("green", (0.001, "orange")),
                decimals=1,
                links=_TO_LOGS,
            ),
            number(
                "Not delivered",
                "Items a second that could not be passed on; any is more than an alert allows.",
                _every("exporter_send_failed", "exporter_enqueue_failed"),
                "cps",
                steps=panels.RuleSteps(panels.PlatformAlert.COLLECTOR_LOSING),
                decimals=1,
                links=_TO_LOGS,
            ),
            number(
                "Fullest queue",
                "How full the fullest sending queue is. When it is full, collectors refuse what they receive.",
                queries.or_zero(queries.highest(queries.promql(_QUEUE))),
                "percentunit",
                steps=panels.RuleSteps(panels.PlatformAlert.COLLECTOR_QUEUE_FULL),
                decimals=0,
                links=_TO_LOGS,
            ),
        ),
    )


def _through() -> panels.Line:
    return panels.Line(
        8,
        (
            curves(
                "Received",
                "Items a second that collectors take in.",
                "cps",
                *_by_signal("receiver_accepted"),
                overrides=_COLOURS,
                links=_TO_LOGS,
            ),
            curves(
                "Delivered",
                "Items a second that exporters pass on, over all exporters: what goes to two places counts twice, and "
                "sampling takes spans away.",
                "cps",
                *_by_signal("exporter_sent"),
                overrides=_COLOURS,
                links=_TO_LOGS,
            ),
        ),
    )


def _trouble() -> panels.Line:
    return panels.Line(
        8,
        (
            curves(
                "Refused and not delivered",
                "Items a second that were refused on the way in, or could not be passed on.",
                "cps",
                *_by_signal("receiver_refused", "exporter_send_failed", "exporter_enqueue_failed"),
                overrides=_COLOURS,
                steps=panels.RuleSteps(panels.PlatformAlert.COLLECTOR_LOSING),
                links=_TO_LOGS,
            ),
            curves(
                "Sending queues",
                "How full each exporter's queue is, and where its alert fires. It grows while a destination is slow.",
                "percentunit",
                asked(queries.highest(queries.promql(_QUEUE), by=("exporter",)), "{{exporter}}"),
                steps=panels.RuleSteps(panels.PlatformAlert.COLLECTOR_QUEUE_FULL),
                high=1,
                links=_TO_LOGS,
            ),
        ),
    )


def _memory() -> object:
    resident = 'max by (job, instance) ({__name__=~"otelcol_process_memory_rss(_bytes)?"})'
    return curves(
        "Memory",
        "Resident memory of each collector. Near its limiter's limit it refuses what it receives.",
        "bytes",
        asked(queries.promql(resident), "{{job}} {{instance}}"),
        links=_TO_LOGS,
    )


def _cpu() -> object:
    used = 'sum by (job, instance) (rate({__name__=~"otelcol_process_cpu_seconds(_total)?"}[$__rate_interval]))'
    return curves(
        "CPU cores",
        "Cores that each collector uses.",
        "short",
        asked(queries.promql(used), "{{job}} {{instance}}"),
        links=_TO_LOGS,
    )


def _agent() -> panels.Line:
    def by(label: str, counter: str) -> queries.Query:
        return queries.promql(f"sum by ({label}) (increase(meshscope_agent_{counter}_total[1h]))")

    return panels.Line(
        7,
        (
            curves(
                "Silence of the agent's parts",
                "Since when each part of the agent has not said that it lives, and how long the least patient may.",
                "s",
                asked(queries.promql("max by (part) (meshscope_agent_heartbeat_age_seconds)"), "{{part}}"),
                asked(queries.promql("min (meshscope_agent_heartbeat_patience_seconds)"), "limit"),
                overrides=[LIMIT_LINE],
                links=_TO_OVERVIEW,
            ),
            curves(
                "Alerts that came to the agent",
                "Alerts of the hour before, by who sent them.",
                "short",
                asked(by("source", "alerts_received"), "{{source}}"),
                links=_TO_OVERVIEW,
            ),
            curves(
                "What the agent decided and did",
                "Responses of the hour before by what the agent decided, and its acts by how they ended.",
                "short",
                asked(by("verdict", "decisions"), "{{verdict}}"),
                asked(by("outcome", "acts"), "act: {{outcome}}"),
                links=_TO_OVERVIEW,
            ),
        ),
    )
