"""Rules about the observability itself: people who are not told, rules that are late, a silent target, a collector.

So are those about the agent, where somebody counts on one: it is dead, or can't do its work. All carry the platform's
owner as a constant and look nothing up, since looked-up series may be what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

from meshscope.artefacts.rules import Rule, RuleGroup
from meshscope.build.agent import OWN_ALERTS, OWN_FAULTS, has_agent
from meshscope.build.alertmanager import ALERTING_FAILING
from meshscope.build.options import Options
from meshscope.build.promql import one_of, pretty
from meshscope.build.rules.annotations import platform_annotations
from meshscope.build.rules.slo import FAST, group, storm_expression
from meshscope.build.rules.statics import UNOWNED
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.units import Duration, hours, minutes

NAMESPACE = "observability"


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One thing that may go wrong with the observability: when, how loud, and what is said of it."""

    name: str
    expression: str
    page: bool
    pending: Duration
    service: str
    summary: str
    description: str


def watches(model: Model, options: Options) -> tuple[Watch, ...]:
    """Everything that is watched about the platform; the agent only where somebody counts on one."""
    window = options.duration(5 * minutes)
    return (
        Watch(
            name="MeshTelemetryAbsent",
            expression=storm_expression(),
            page=True,
            pending=5 * minutes,
            service="telemetry",
            summary="More than a third of all indicators is absent: {{ $value | humanizePercentage }}",
            description="No single service is at fault: scraping, the collectors or the mesh's telemetry is. "
            "Alerts about single indicators are held back meanwhile.",
        ),
        Watch(
            name=ALERTING_FAILING,
            expression=_untold(window, options.duration(15 * minutes)),
            page=True,
            pending=1 * minutes,
            service="alerting",
            summary="People may not be told of alerts: {{ $labels.part }} fails",
            description="A group of rules that Prometheus can't evaluate, or a way to people (`email`, `pagerduty`, "
            "`slack`) by which Alertmanager twice could not deliver, after all its tries. Their logs say why. This is "
            "told in every way that the mesh's owner has.",
        ),
        Watch(
            name="RuleEvaluationMissed",
            expression=f"sum by (rule_group) (increase(prometheus_rule_group_iterations_missed_total[{window}])) > 0 "
            "or max by (rule_group) "
            "(prometheus_rule_group_last_duration_seconds > prometheus_rule_group_interval_seconds)",
            page=False,
            pending=5 * minutes,
            service="prometheus",
            summary="Rules of {{ $labels.rule_group }} are late",
            description="An evaluation takes longer than its interval, so some are left out: alerts come late and "
            "windows have gaps.",
        ),
        Watch(
            name="ScrapeFailing",
            expression="sum by (job) (up == bool 0) / count by (job) (up) > 0.1",
            page=False,
            pending=10 * minutes,
            service="prometheus",
            summary="{{ $value | humanizePercentage }} of the targets of {{ $labels.job }} don't answer",
            description="What they would report is missing from every indicator.",
        ),
        *_collectors(window),
        *(_agent(model, options) if has_agent(model) else ()),
    )


def _collectors(window: str) -> tuple[Watch, ...]:
    return (
        Watch(
            name="CollectorLosing",
            expression=_losing(window),
            page=False,
            pending=5 * minutes,
            service="collectors",
            summary="Collectors fail to pass on telemetry to {{ $labels.exporter }}",
            description="A store refuses for good what it is sent, which is lost, or the queue on disk is full, and "
            "senders are told to try again. A store that is away makes the queue grow instead.",
        ),
        Watch(
            name="CollectorQueueFull",
            expression="max by (exporter) (otelcol_exporter_queue_size / otelcol_exporter_queue_capacity) > 0.8",
            page=False,
            pending=5 * minutes,
            service="collectors",
            summary="The queue to {{ $labels.exporter }} is {{ $value | humanizePercentage }} full",
            description="When it is full, collectors refuse what they receive.",
        ),
    )


def _agent(model: Model, options: Options) -> tuple[Watch, ...]:
    return (
        Watch(
            name=f"{OWN_ALERTS}Silent",
            expression=_silent(),
            # What Falco sees only the agent is told; of everything else people are told without it.
            page=bool(model.falco_rules),
            pending=3 * minutes,
            service="agent",
            summary="The agent does not work: {{ $labels.part }} is silent",
            description="`all`: it is dead, or Prometheus can't reach it. Any other is a part of it that has not said "
            "for too long that it lives. Until it is back nothing is acted on, no issue is opened, and nobody is told "
            "what Falco sees; of everything else people are told as ever. What Alertmanager could not deliver, the "
            "agent asks for when it is back.",
        ),
        Watch(
            name=f"{OWN_ALERTS}Failing",
            expression=_failing(options),
            page=False,
            pending=5 * minutes,
            service="agent",
            summary="The agent can't do all of its work: {{ $labels.part }}",
            description="`decisions`: alerts could not be dealt with, and were given up. `receivers`: alerts are "
            "refused, mostly since the ledger can't write; their senders try again. `deliveries`: alerts fire of which "
            "no sender tells, so the agent learns of them only by asking. `tracker`: issues can't be written. "
            "`credentials`: their newer file is wrong, the old one in force. Any other is a part that fails at each "
            "turn; /readyz says why.",
        ),
    )


def platform_group(model: Model, options: Options) -> RuleGroup:
    """Every rule about the platform, in one group."""
    mesh = model.mesh
    alerts = [_alert(one, mesh, options) for one in watches(model, options)]
    return group("platform", FAST, [watchdog(mesh), *alerts], options)


def labels_of(watch: Watch, mesh: Mesh) -> dict[str, str]:
    """The constant labels of an alert about the platform."""
    severity = mesh.severities.page if watch.page else mesh.severities.ticket
    return {**_labels(mesh, watch.service), "severity": severity}


def annotations_of(watch: Watch, mesh: Mesh) -> dict[str, str]:
    """What an alert about the platform says."""
    return platform_annotations(mesh, watch.summary, watch.description, f"{watch.service}.md")


def watchdog(mesh: Mesh) -> Rule:
    """The alert that always fires: whoever stops hearing it knows that alerting is dead."""
    return Rule(
        alert="Watchdog",
        expr="vector(1)",
        labels={**_labels(mesh, "alerting"), "severity": "none"},
        annotations=platform_annotations(
            mesh,
            "Alerting works",
            "This always fires. A dead-man's switch tells somebody when it stops arriving.",
            "alerting.md",
        ),
        origin=mesh.place,
    )


def _untold(window: str, longer: str) -> str:
    def failing(counter: str, label: str, over: str, at_least: str) -> str:
        named = f'label_replace(increase({counter}[{over}]), "part", "$1", "{label}", "(.+)")'
        return f"sum by (part) ({named}) {at_least}"

    # One message that was given up is sent again with its group's next turn; the second time, somebody waits for it.
    # Webhooks go to machines that are missed otherwise: the agent by its heartbeat, the dead-man's switch by itself.
    sent = 'alertmanager_notifications_failed_total{integration!="webhook"}'
    return (
        f"{failing('prometheus_rule_evaluation_failures_total', 'rule_group', window, '> 0')} "
        f"or {failing(sent, 'integration', longer, '>= 2')}"
    )


def _losing(window: str) -> str:
    # One counter at a time: rate() drops the name, and two counters of one exporter would be one series twice. Each is
    # compared before the union, or a counter at zero would hide the one after it.
    counters = (
        f"otelcol_exporter_{failed}_failed_{signal}"
        for failed in ("send", "enqueue")
        for signal in ("spans", "metric_points", "log_records")
    )
    return " or ".join(f"sum by (exporter) (rate({counter}[{window}])) > 0" for counter in counters)


def _silent() -> str:
    # An agent that is gone is absent for as long as it is gone: nothing of it grows old, whatever the window.
    age = "meshscope_agent_heartbeat_age_seconds"
    return (
        f"max by (part) ({age} > meshscope_agent_heartbeat_patience_seconds) "
        f'or label_replace(absent({age}), "part", "all", "", "")'
    )


def _failing(options: Options) -> str:
    short, while_, hour = (options.duration(length) for length in (5 * minutes, 15 * minutes, 1 * hours))

    def grown(counter: str, window: str) -> str:
        return f"sum(increase(meshscope_agent_{counter}[{window}])) > 0"

    # Whatever is found by asking may only have been faster than its message; where no message comes at all, none will.
    sent = 'alerts_received_total{source=~"alertmanager|grafana"}'
    undelivered = f"({grown('alerts_undelivered_total', while_)}) unless ({grown(sent, while_)})"
    troubles = {
        "decisions": grown("alerts_dead_total", hour),
        "receivers": grown(f"refused_total{{{one_of('reason', OWN_FAULTS)}}}", short),
        "deliveries": undelivered,
        "tracker": grown('issues_total{outcome="failed"}', short),
        "credentials": "max(meshscope_agent_credentials_stale) > 0",
    }
    parts = [f'label_replace({trouble}, "part", "{part}", "", "")' for part, trouble in troubles.items()]
    return " or ".join(["max by (part) (meshscope_agent_part_failing) > 0", *parts])


def _labels(mesh: Mesh, service: str) -> dict[str, str]:
    return {
        **({"cluster": mesh.cluster} if mesh.cluster else {}),
        "namespace": NAMESPACE,
        "service": service,
        "owner": mesh.owner.name if mesh.owner else UNOWNED,
    }


def _alert(watch: Watch, mesh: Mesh, options: Options) -> Rule:
    return Rule(
        alert=watch.name,
        expr=pretty(watch.expression),
        pending=options.duration(watch.pending),
        labels=labels_of(watch, mesh),
        annotations=annotations_of(watch, mesh),
        origin=mesh.place,
    )
