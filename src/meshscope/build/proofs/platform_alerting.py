"""Stories about the way from a rule to a person: rules that fail or are late, messages that don't arrive."""

from __future__ import annotations

from decimal import Decimal

from meshscope.build.alertmanager import ALERTING_FAILING
from meshscope.build.proofs.platform_series import STEPS, Firing, Quiet, Stories, Tellers, counter, gauge
from meshscope.build.proofs.series import Phase, Series, series
from meshscope.build.proofs.synthetic import Bench
from meshscope.build.rules.statics import group_name

_FAILURES = "prometheus_rule_evaluation_failures_total"
_MISSED = "prometheus_rule_group_iterations_missed_total"
_NEIGHBOURS = {"rule_group": "/etc/rules/node.yaml;node.rules"}
_EACH_FIVE = ((1, 1), (0, 4)) * (STEPS // 5)


def _group(bench: Bench) -> dict[str, str]:
    return {"rule_group": f"/etc/rules/slo.yaml;{group_name(bench.real.mesh, 'slo:fast')}"}


def _message(*phases: tuple[int, int], integration: str = "slack") -> Series:
    counted = (Phase(Decimal(increment), steps) for increment, steps in phases)
    return series("alertmanager_notifications_failed_total", {"integration": integration}, counted)


def _discovered(number: int) -> Series:
    return gauge("prometheus_notifications_alertmanagers_discovered", str(number))


def _untold(bench: Bench) -> Firing:
    group, slack = _group(bench), {"part": "slack"}
    told: Firing = [("a rule fails each time", [counter(_FAILURES, 1, **group)], {"part": group["rule_group"]}, "")]
    if bench.real.mesh.stack:
        return told
    one_of_two = [_message((0, STEPS), integration="email"), _message(*_EACH_FIVE)]
    dropped = counter("prometheus_notifications_dropped_total", 2)
    return [
        *told,
        ("a message fails at each turn of its group", [_message(*_EACH_FIVE)], slack, ""),
        ("only one of two ways to people fails", one_of_two, slack, ""),
        ("notifications are dropped", [dropped, _discovered(1)], {"part": "notifications"}, ""),
        ("no Alertmanager is found", [_discovered(0)], {"part": "discovery"}, ""),
    ]


def _telling(bench: Bench) -> Quiet:
    calm = [counter(_FAILURES, 0, **_group(bench)), _message((0, STEPS)), _discovered(1)]
    return [
        ("nothing fails", [*calm, counter("prometheus_notifications_dropped_total", 0)]),
        ("one message of each way fails once", [_message((0, 3), (1, 1), (0, STEPS), integration=way) for way in
                                                ("email", "slack")]),
        ("no machine can be told", [_message((1, STEPS), integration="webhook")]),
        ("a neighbour's rule fails", [counter(_FAILURES, 1, **_NEIGHBOURS)]),
        ("no series", []),
    ]  # fmt: skip


def _alerting(bench: Bench) -> Stories:
    mended = ("the way to people is mended", [_message((1, 4), (0, STEPS))], {"part": "slack"})
    return Stories(firing=_untold(bench), quiet=_telling(bench), over=() if bench.real.mesh.stack else [mended])


def _reloading(_: Bench) -> Stories:
    programs = ("prometheus", "alertmanager")
    reloaded = {program: f"{program}_config_last_reload_successful" for program in programs}
    return Stories(
        firing=[
            (f"{program} refuses its configuration", [gauge(metric, "0")], {"program": program}, "")
            for program, metric in reloaded.items()
        ],
        quiet=[("both took theirs", [gauge(metric, "1") for metric in reloaded.values()]), ("no series", [])],
    )


def _durations(seconds: str, group: dict[str, str]) -> list[Series]:
    return [
        gauge("prometheus_rule_group_last_duration_seconds", seconds, **group),
        gauge("prometheus_rule_group_interval_seconds", "30", **group),
    ]


def _late(bench: Bench) -> Stories:
    group = _group(bench)
    neighbours = [counter(_MISSED, 1, **_NEIGHBOURS), *_durations("31", _NEIGHBOURS)]
    return Stories(
        firing=[
            ("evaluations are left out", [counter(_MISSED, 1, **group)], group, ""),
            ("an evaluation takes longer than its interval", _durations("31", group), group, ""),
        ],
        quiet=[
            ("an evaluation just fits", _durations("30", group)),
            ("a neighbour's rules are late", neighbours),
            ("no series", []),
        ],
    )


ALERTING: Tellers = {ALERTING_FAILING: _alerting, "ReloadFailed": _reloading, "RuleEvaluationMissed": _late}
