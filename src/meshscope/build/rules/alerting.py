"""What is told of the way from a rule to a person: rules that fail or are late, and messages that don't arrive.

Of rules only our own groups count: their names begin with the mesh's. What is told of Prometheus and Alertmanager as
whole programs is left to a stack that watches its own.
"""

from __future__ import annotations

import re

from meshscope.build.alertmanager import ALERTING_FAILING
from meshscope.build.options import Options
from meshscope.build.promql import marked, quoted
from meshscope.build.rules.reach import reach
from meshscope.build.rules.statics import group_name
from meshscope.build.rules.watch import Watch
from meshscope.model.model import Model
from meshscope.model.stacks import STACKS
from meshscope.model.units import minutes

_PARTS = "A group of rules that Prometheus can't evaluate"
_MORE_PARTS = (
    ", `notifications` that it drops since no Alertmanager takes them, an Alertmanager that it does not find "
    "(`discovery`), or a way to people (`email`, `pagerduty`, `slack`) by which Alertmanager twice could not deliver, "
    "after all its tries"
)


def alerting_watches(model: Model, options: Options) -> tuple[Watch, ...]:
    """Rules that fail, rules that are late, and where no stack tells of it people who can't be told."""
    stack = model.mesh.stack
    return (
        Watch(
            name=ALERTING_FAILING,
            expression=_untold(model, options),
            page=True,
            pending=1 * minutes,
            service="alerting",
            summary="People may not be told of alerts: {{ $labels.part }} fails",
            description=f"{_PARTS}{'' if stack else _MORE_PARTS}. Their logs say why. This is told in every way that "
            "the mesh's owner has.",
        ),
        *(() if stack else (_refused(model, options),)),
        _late(model, options),
    )


def left_to_stack(model: Model) -> str:
    """What is not told here since the mesh's stack tells it, in a sentence; empty where there is no stack."""
    stack = model.mesh.stack
    if not stack:
        return ""
    told = "; ".join(f"{what} ({', '.join(names)})" for what, names in STACKS[stack].items())
    return f"{stack} watches its own Prometheus and Alertmanager, so this is told by its alerts: {told}."


def our_groups(model: Model) -> str:
    """A matcher for the rule groups that are ours: the mesh's, and those of the mixins that it carries.

    Prometheus says `<file>;<group>`.
    """
    carried = sorted({str(group.get("name", rules.name)) for rules in model.foreign for group in rules.groups})
    names = [f"{re.escape(group_name(model.mesh, ''))}.*", *(re.escape(name) for name in carried)]
    return "rule_group=~" + quoted(f".*;(?:{'|'.join(names)})")


def _untold(model: Model, options: Options) -> str:
    own = reach(model.mesh)

    def failing(counter: str, label: str, over: str, at_least: str) -> str:
        named = f'label_replace(increase({counter}[{over}]), "part", "$1", "{label}", "(.+)")'
        return f"sum by ({own.labels('part')}) ({named}) {at_least}"

    window, longer = options.duration(5 * minutes), options.duration(15 * minutes)
    rules = own.series("prometheus_rule_evaluation_failures_total", our_groups(model))
    parts = [failing(rules, "rule_group", window, "> 0")]
    if not model.mesh.stack:
        # One message that was given up is sent again with its group's next turn; the second time, somebody waits for
        # it. Webhooks go to machines that are missed otherwise: the agent by its heartbeat, the dead-man's switch by
        # itself.
        sent = own.series("alertmanager_notifications_failed_total", 'integration!="webhook"')
        lost = own.series("prometheus_notifications_dropped_total")
        dropped = f"sum by ({own.labels()}) (increase({lost}[{window}])) > 0"
        nobody = f"max by ({own.labels()}) ({own.series('prometheus_notifications_alertmanagers_discovered')}) < 1"
        parts += [
            failing(sent, "integration", longer, ">= 2"),
            marked(dropped, part="notifications"),
            marked(nobody, part="discovery"),
        ]
    return " or ".join(parts)


def _refused(model: Model, options: Options) -> Watch:
    own, window = reach(model.mesh), options.duration(5 * minutes)
    # The greatest of a window: a scrape that fails meanwhile makes nobody believe that all is well.
    taken_by = {part: own.series(f"{part}_config_last_reload_successful") for part in ("prometheus", "alertmanager")}
    parts = (
        marked(f"min by ({own.labels()}) (max_over_time({taken}[{window}])) == 0", program=part)
        for part, taken in taken_by.items()
    )
    return Watch(
        name="ReloadFailed",
        expression=" or ".join(parts),
        page=False,
        pending=5 * minutes,
        service="alerting",
        summary="{{ $labels.program }} refuses its newest configuration",
        description="It goes on with the one before: whatever was added since is neither evaluated nor told. Its log "
        "says why.",
    )


def _late(model: Model, options: Options) -> Watch:
    own, ours = reach(model.mesh), our_groups(model)
    missed = own.series("prometheus_rule_group_iterations_missed_total", ours)
    took = own.series("prometheus_rule_group_last_duration_seconds", ours)
    by = own.labels("rule_group")
    return Watch(
        name="RuleEvaluationMissed",
        expression=f"sum by ({by}) (increase({missed}[{options.duration(5 * minutes)}])) > 0 "
        f"or max by ({by}) ({took} > prometheus_rule_group_interval_seconds)",
        page=False,
        pending=5 * minutes,
        service="prometheus",
        summary="Rules of {{ $labels.rule_group }} are late",
        description="An evaluation takes longer than its interval, so some are left out: alerts come late and "
        "windows have gaps.",
    )
