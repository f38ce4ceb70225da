"""Rules about the observability itself: people who are not told, rules that are late, a silent target, a collector.

So are those about the agent, where somebody counts on one: it is dead, or can't do its work. All carry the platform's
owner as a constant and look nothing up, since looked-up series may be what is missing.
"""

from __future__ import annotations

from meshscope.artefacts.rules import Rule, RuleGroup
from meshscope.build.agent import has_agent
from meshscope.build.options import Options
from meshscope.build.promql import pretty
from meshscope.build.rules.absence import storm_expression
from meshscope.build.rules.alerting import alerting_watches
from meshscope.build.rules.annotations import platform_annotations
from meshscope.build.rules.collecting import collector_watches
from meshscope.build.rules.recording import FAST
from meshscope.build.rules.scraping import scrape_watches
from meshscope.build.rules.slo import group
from meshscope.build.rules.statics import UNOWNED
from meshscope.build.rules.tuning import tuned_watches
from meshscope.build.rules.watch import Watch
from meshscope.build.rules.watching_agent import agent_watches
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.units import minutes

NAMESPACE = "observability"


def watches(model: Model, options: Options) -> tuple[Watch, ...]:
    """Everything that is watched about the platform; the agent only where somebody counts on one."""
    every = (
        Watch(
            name="MeshTelemetryAbsent",
            expression=storm_expression(),
            page=True,
            pending=5 * minutes,
            service="telemetry",
            summary="{{ $value | humanizePercentage }} of the services that should have traffic report none",
            description="No single service is at fault: scraping, the collectors or the mesh's telemetry is. "
            "Alerts about single indicators are held back meanwhile.",
            by_cluster=True,
        ),
        *alerting_watches(model, options),
        *scrape_watches(model, options),
        *collector_watches(model, options),
        *(agent_watches(model, options) if has_agent(model) else ()),
    )
    return tuned_watches(every, model.mesh)


def platform_group(model: Model, options: Options) -> RuleGroup:
    """Every rule about the platform, in one group."""
    mesh = model.mesh
    alerts = [_alert(one, mesh, options) for one in watches(model, options)]
    return group("platform", FAST, [watchdog(mesh), *alerts], options)


def labels_of(watch: Watch, mesh: Mesh) -> dict[str, str]:
    """The constant labels of an alert about the platform."""
    severity = mesh.severities.page if watch.page else mesh.severities.ticket
    labels = {**_labels(mesh, watch.service), "severity": severity}
    if watch.by_cluster:
        labels.pop("cluster", None)
    return labels


def annotations_of(watch: Watch, mesh: Mesh) -> dict[str, str]:
    """What an alert about the platform says."""
    return platform_annotations(mesh, watch.summary, watch.description, watch.name)


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
            "Watchdog",
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


def _alert(watch: Watch, mesh: Mesh, options: Options) -> Rule:
    return Rule(
        alert=watch.name,
        expr=pretty(watch.expression),
        pending=options.duration(watch.pending),
        labels=labels_of(watch, mesh),
        annotations=annotations_of(watch, mesh),
        origin=mesh.place,
    )
