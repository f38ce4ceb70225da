"""Proofs of the alerts about the observability itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from meshscope.artefacts.rules import RuleTest
from meshscope.build.agent import OWN_ALERTS
from meshscope.build.alertmanager import ALERTING_FAILING
from meshscope.build.proofs.cases import Expected, Story, alerting, case, expect, proof_file
from meshscope.build.proofs.series import Phase, Series, buckets, requests, series, steady
from meshscope.build.proofs.synthetic import STEP, Bench
from meshscope.build.rules.platform import Watch, annotations_of, labels_of, watches
from meshscope.model.slo import Latency
from meshscope.model.units import minutes

_STEPS = 60


def platform_tests(bench: Bench) -> tuple[RuleTest, ...]:
    """One file for all alerts about the platform."""
    stories = [story for watch in watches(bench.real, bench.options) for story in _Proofs(bench, watch).all()]
    cases = [case(bench.at(STEP), story) for story in stories]
    return (proof_file(bench, "platform", ("slo", "platform"), STEP, cases, bench.real.mesh.place),)


def counter(name: str, increment: int, **labels: str) -> Series:
    """A counter that grows steadily."""
    return series(name, labels, steady(increment, _STEPS))


def gauge(name: str, value: str, **labels: str) -> Series:
    """A gauge that stands still."""
    return {**series(name, labels, (Phase(Decimal(0), _STEPS),)), "values": f"{value}x{_STEPS}"}


class _Proofs:
    """The stories of one watch."""

    def __init__(self, bench: Bench, watch: Watch) -> None:
        self.bench = bench
        self.watch = watch

    def all(self) -> Iterator[Story]:
        """Fires when it should, and no longer than that; quiet just below, and all along."""
        name = self.watch.name
        for what, inputs, labels, value in _FIRING[name]():
            told = [expect(name, self._late(), [self._expected(labels, value)])]
            yield Story(f"{name}: {what}", inputs, told)
        for what, inputs in _QUIET[name](self.bench):
            yield Story(f"{name} is quiet: {what}", inputs, [expect(name, self._soon()), expect(name, self._late())])
        for what, inputs, labels in _OVER.get(name, lambda: ())():
            told = [expect(name, self._late(), [self._expected(labels, "")]), expect(name, self._over())]
            yield Story(f"{name} is over: {what}", inputs, told)

    def _soon(self) -> str:
        return self.bench.at(self.watch.pending + 2 * minutes)

    def _late(self) -> str:
        return self.bench.at(self.watch.pending + 6 * minutes)

    def _over(self) -> str:
        return self.bench.at(self.watch.pending + 20 * minutes)

    def _expected(self, labels: dict[str, str], value: str) -> Expected:
        mesh = self.bench.real.mesh
        texts = annotations_of(self.watch, mesh)
        said = {"{{ $value | humanizePercentage }}": value} | {
            f"{{{{ $labels.{name} }}}}": text for name, text in labels.items()
        }
        for template, text in said.items():
            texts = {name: annotation.replace(template, text) for name, annotation in texts.items()}
        return alerting({**labels_of(self.watch, mesh), **labels}, texts)


Firing = Sequence[tuple[str, list[Series], dict[str, str], str]]
Quiet = Sequence[tuple[str, list[Series]]]
Over = Sequence[tuple[str, list[Series], dict[str, str]]]


def _present(bench: Bench) -> list[Series]:
    inputs = [requests(bench, service, "good", steady(300)) for service in (bench.callee, bench.caller)]
    for slo in bench.callee.slos:
        if isinstance(slo.of, Latency):
            inputs += buckets(bench, bench.callee, slo.of.under, steady(300), steady(300))
    return inputs


def _up(down: int) -> list[Series]:
    return [gauge("up", "0" if number < down else "1", job="proxies", instance=str(number)) for number in range(10)]


def _queue(size: int) -> list[Series]:
    names = {"exporter": "otlp_http/traces"}
    return [
        gauge("otelcol_exporter_queue_size", str(size), **names),
        gauge("otelcol_exporter_queue_capacity", "1000", **names),
    ]


def _durations(seconds: str) -> list[Series]:
    names = {"rule_group": "slo.yaml;slo:fast"}
    return [
        gauge("prometheus_rule_group_last_duration_seconds", seconds, **names),
        gauge("prometheus_rule_group_interval_seconds", "30", **names),
    ]


_GROUP = {"rule_group": "slo.yaml;slo:fast"}
_EXPORTER = {"exporter": "otlp_http/traces"}
_FAILURES = "prometheus_rule_evaluation_failures_total"
_EACH_FIVE = ((1, 1), (0, 4)) * (_STEPS // 5)
_MISSED = "prometheus_rule_group_iterations_missed_total"
_LOST = ("otelcol_exporter_send_failed_spans", "otelcol_exporter_enqueue_failed_log_records")


def _storm() -> Firing:
    return [("nothing is reported at all", [], {}, "100%")]


def _message(*phases: tuple[int, int], integration: str = "slack") -> Series:
    counted = (Phase(Decimal(increment), steps) for increment, steps in phases)
    return series("alertmanager_notifications_failed_total", {"integration": integration}, counted)


def _untold() -> Firing:
    group, slack = {"part": _GROUP["rule_group"]}, {"part": "slack"}
    return [
        ("a rule fails each time", [counter(_FAILURES, 1, **_GROUP)], group, ""),
        ("a message fails at each turn of its group", [_message(*_EACH_FIVE)], slack, ""),
        ("only one of two ways to people fails", [_message((0, _STEPS), integration="email"), _message(*_EACH_FIVE)],
         slack, ""),
    ]  # fmt: skip


def _telling() -> Quiet:
    return [
        ("nothing fails", [counter(_FAILURES, 0, **_GROUP), _message((0, _STEPS))]),
        ("one message of each way fails once", [_message((0, 3), (1, 1), (0, _STEPS), integration=way) for way in
                                                ("email", "slack")]),
        ("no machine can be told", [_message((1, _STEPS), integration="webhook")]),
        ("no series", []),
    ]  # fmt: skip


def _told_again() -> Over:
    return [("the way to people is mended", [_message((1, 4), (0, _STEPS))], {"part": "slack"})]


def _missed() -> Firing:
    return [
        ("evaluations are left out", [counter(_MISSED, 1, **_GROUP)], _GROUP, ""),
        ("an evaluation takes longer than its interval", _durations("31"), _GROUP, ""),
    ]


def _scrapes() -> Firing:
    return [("two of ten targets don't answer", _up(2), {"job": "proxies"}, "20%")]


def _losing() -> Firing:
    one, other = (counter(name, 3, **_EXPORTER) for name in _LOST)
    still = counter(_LOST[0], 0, **_EXPORTER)
    return [
        ("what is sent fails", [one], _EXPORTER, ""),
        ("what is sent and what is queued fails", [one, other], _EXPORTER, ""),
        ("what is queued fails while sending does not", [still, other], _EXPORTER, ""),
    ]


def _full() -> Firing:
    return [("a queue beyond four fifths", _queue(810), _EXPORTER, "81%")]


_AGENT = "meshscope_agent_"
_PARTS = ("decide", "reconcile")


def _said(values: str, name: str, **labels: str) -> Series:
    return {**series(f"{_AGENT}{name}", labels, ()), "values": values}


def _beating(ages: str, part: str = "decide") -> list[Series]:
    """A part that may be silent for 90 seconds, and another one that never is."""
    return [
        *(_said(f"90x{_STEPS}", "heartbeat_patience_seconds", part=each) for each in _PARTS),
        *(_said(ages if each == part else f"1x{_STEPS}", "heartbeat_age_seconds", part=each) for each in _PARTS),
    ]


def _counted(name: str, *phases: tuple[int, int], **labels: str) -> Series:
    return series(f"{_AGENT}{name}", labels, (Phase(Decimal(increment), steps) for increment, steps in phases))


def _once(name: str, **labels: str) -> Series:
    return _counted(name, (0, 4), (1, 1), (0, _STEPS), **labels)


def _for_a_while(name: str, **labels: str) -> Series:
    return _counted(name, (1, 25), (0, _STEPS), **labels)


def _found(sent: int) -> list[Series]:
    """Alerts that were found by asking, while so many came by message."""
    came = _counted("alerts_received_total", (sent, _STEPS), source="alertmanager", status="firing")
    return [_counted("alerts_undelivered_total", (1, _STEPS)), came]


def _silent() -> Firing:
    return [
        ("one part is silent", _beating(f"91x{_STEPS}"), {"part": "decide"}, ""),
        ("another one", _beating(f"600x{_STEPS}", "reconcile"), {"part": "reconcile"}, ""),
        ("no agent was ever there", [], {"part": "all"}, ""),
    ]


def _unable() -> Firing:
    refused = _counted("refused_total", (1, _STEPS), reason="ledger")
    untold = _counted("issues_total", (1, _STEPS), outcome="failed")
    failing = _said(f"1x{_STEPS}", "part_failing", part="reconcile")
    stale = _said(f"1x{_STEPS}", "credentials_stale")
    return [
        ("an alert was given up", [_once("alerts_dead_total")], {"part": "decisions"}, ""),
        ("the ledger takes nothing", [refused], {"part": "receivers"}, ""),
        ("nothing is delivered", _found(0), {"part": "deliveries"}, ""),
        ("no issue can be written", [untold], {"part": "tracker"}, ""),
        ("its credentials are not those of the file", [stale], {"part": "credentials"}, ""),
        ("a part fails at each turn", [failing], {"part": "reconcile"}, ""),
    ]


def _able() -> Quiet:
    flawless = [
        *(_said(f"0x{_STEPS}", "part_failing", part=part) for part in _PARTS),
        _said(f"0x{_STEPS}", "credentials_stale"),
        _counted("alerts_dead_total", (0, _STEPS)),
        _counted("issues_total", (1, _STEPS), outcome="opened"),
    ]
    stranger = _counted("refused_total", (9, _STEPS), reason="auth_unknown")
    passing = [_once("refused_total", reason="ledger"), _once("issues_total", outcome="failed")]
    turn = _said(f"0x4 1x3 0x{_STEPS}", "part_failing", part="reconcile")
    return [
        ("all is well", flawless),
        ("a stranger is refused, again and again", [stranger]),
        ("a refusal, and a call to the tracker that failed, each once", passing),
        ("some turns of a part went wrong", [turn]),
        ("it asked before the message came", _found(1)),
        ("no series", []),
    ]


def _back() -> Over:
    gone = [{**each, "values": f"1x3 stale _x16 1x{_STEPS}"} for each in _beating("1")]
    return [
        ("the part goes on", _beating(f"200x20 1x{_STEPS}"), {"part": "decide"}),
        ("an agent that was killed is back", gone, {"part": "all"}),
    ]


def _able_again() -> Over:
    return [
        ("the ledger writes again", [_for_a_while("refused_total", reason="full")], {"part": "receivers"}),
        ("the tracker answers again", [_for_a_while("issues_total", outcome="failed")], {"part": "tracker"}),
        ("the newest file is right", [_said(f"1x25 0x{_STEPS}", "credentials_stale")], {"part": "credentials"}),
    ]


_FIRING: Mapping[str, Callable[[], Firing]] = {
    "MeshTelemetryAbsent": _storm,
    ALERTING_FAILING: _untold,
    "RuleEvaluationMissed": _missed,
    "ScrapeFailing": _scrapes,
    "CollectorLosing": _losing,
    "CollectorQueueFull": _full,
    f"{OWN_ALERTS}Silent": _silent,
    f"{OWN_ALERTS}Failing": _unable,
}
_QUIET: Mapping[str, Callable[[Bench], Quiet]] = {
    "MeshTelemetryAbsent": lambda bench: [("one service of many is absent", _present(bench))],
    ALERTING_FAILING: lambda _: _telling(),
    "RuleEvaluationMissed": lambda _: [("an evaluation just fits", _durations("30")), ("no series", [])],
    "ScrapeFailing": lambda _: [("one of ten targets doesn't answer", _up(1)), ("no series", [])],
    "CollectorLosing": lambda _: [("nothing fails", [counter(_LOST[0], 0, **_EXPORTER)]), ("no series", [])],
    "CollectorQueueFull": lambda _: [("a queue of four fifths", _queue(800)), ("no series", [])],
    f"{OWN_ALERTS}Silent": lambda _: [("a part is silent for as long as it may be", _beating(f"90x{_STEPS}"))],
    f"{OWN_ALERTS}Failing": lambda _: _able(),
}
_OVER: Mapping[str, Callable[[], Over]] = {
    ALERTING_FAILING: _told_again,
    f"{OWN_ALERTS}Silent": _back,
    f"{OWN_ALERTS}Failing": _able_again,
}
