"""Rules about the observability itself: a rule that fails or is late, a target that is silent, a collector that loses.

They carry the platform's owner as a constant and look nothing up, since looked-up series may be what is missing.
"""

from __future__ import annotations

from meshscope.artefacts.rules import Rule, RuleGroup
from meshscope.build.options import Options
from meshscope.build.promql import pretty
from meshscope.build.rules.annotations import platform_annotations
from meshscope.build.rules.slo import FAST, group, storm_expression
from meshscope.build.rules.statics import UNOWNED
from meshscope.model.mesh import Mesh
from meshscope.model.units import Duration, minutes

NAMESPACE = "observability"


def platform_group(mesh: Mesh, options: Options) -> RuleGroup:
    """Every rule about the platform, in one group."""
    window = options.duration(5 * minutes)
    rules = [
        watchdog(mesh),
        _alert(
            mesh, options, "MeshTelemetryAbsent", storm_expression(),
            page=True, pending=5 * minutes, service="telemetry",
            summary="More than a third of all indicators is absent: {{ $value | humanizePercentage }}",
            description="No single service is at fault: scraping, the collectors or the mesh's telemetry is. "
            "Alerts about single indicators are held back meanwhile.",
        ),
        _alert(
            mesh, options, "RuleEvaluationFailing",
            f"sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[{window}])) > 0",
            page=True, pending=1 * minutes, service="prometheus",
            summary="Rules of {{ $labels.rule_group }} fail: nobody would be told of what they watch",
            description="Prometheus evaluates them and gets an error; its log says which.",
        ),
        _alert(
            mesh, options, "RuleEvaluationMissed",
            f"sum by (rule_group) (increase(prometheus_rule_group_iterations_missed_total[{window}])) > 0 "
            "or max by (rule_group) "
            "(prometheus_rule_group_last_duration_seconds > prometheus_rule_group_interval_seconds)",
            page=False, pending=5 * minutes, service="prometheus",
            summary="Rules of {{ $labels.rule_group }} are late",
            description="An evaluation takes longer than its interval, so some are left out: alerts come late and "
            "windows have gaps.",
        ),
        _alert(
            mesh, options, "ScrapeFailing", "sum by (job) (up == bool 0) / count by (job) (up) > 0.1",
            page=False, pending=10 * minutes, service="prometheus",
            summary="{{ $value | humanizePercentage }} of the targets of {{ $labels.job }} don't answer",
            description="What they would report is missing from every indicator.",
        ),
        _alert(
            mesh, options, "CollectorLosing",
            'sum by (exporter) (rate({__name__=~"otelcol_exporter_(send|enqueue)_failed_'
            f'(spans|metric_points|log_records)(_total)?"}}[{window}])) > 0',
            page=False, pending=5 * minutes, service="collectors",
            summary="Collectors fail to pass on telemetry to {{ $labels.exporter }}",
            description="{{ $value | humanize }} items a second are not delivered. What is queued on disk comes later; "
            "what is refused is lost.",
        ),
        _alert(
            mesh, options, "CollectorQueueFull",
            "max by (exporter) (otelcol_exporter_queue_size / otelcol_exporter_queue_capacity) > 0.8",
            page=False, pending=5 * minutes, service="collectors",
            summary="The queue to {{ $labels.exporter }} is {{ $value | humanizePercentage }} full",
            description="When it is full, collectors refuse what they receive.",
        ),
    ]  # fmt: skip
    return group("platform", FAST, rules, options)


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


def _labels(mesh: Mesh, service: str) -> dict[str, str]:
    return {
        **({"cluster": mesh.cluster} if mesh.cluster else {}),
        "namespace": NAMESPACE,
        "service": service,
        "owner": mesh.owner.name if mesh.owner else UNOWNED,
    }


def _alert(
    mesh: Mesh,
    options: Options,
    name: str,
    expression: str,
    *,
    page: bool,
    pending: Duration,
    service: str,
    summary: str,
    description: str,
) -> Rule:
    severity = mesh.severities.page if page else mesh.severities.ticket
    return Rule(
        alert=name,
        expr=pretty(expression),
        pending=options.duration(pending),
        labels={**_labels(mesh, service), "severity": severity},
        annotations=platform_annotations(mesh, summary, description, f"{service}.md"),
        origin=mesh.place,
    )
