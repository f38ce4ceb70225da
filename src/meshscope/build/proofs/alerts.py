"""Proofs of the alerts of definition files: each fires when it should, and is quiet when it should be.

The traffic comes from the condition itself (`solver`). Of an alert that none makes fire the check says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from meshscope.artefacts.rules import RuleTest
from meshscope.build.boards import board_uid
from meshscope.build.proofs.cases import Case, Expected, Story, alerting, case, expect, proof_file
from meshscope.build.proofs.series import Phase, Series, at_servers, buckets, requests
from meshscope.build.proofs.solver import Solution, Traffic, holds, solve
from meshscope.build.proofs.synthetic import EVERY, STEP, Bench, outsider, subject
from meshscope.build.proofs.voice import Spoken
from meshscope.build.rules.alerts import missing_signals
from meshscope.build.rules.annotations import alert_annotations
from meshscope.build.rules.statics import identity_labels, info_labels
from meshscope.model.alerting import Alert, Severity
from meshscope.model.people import Owner
from meshscope.model.services import Service
from meshscope.model.signals import Scope
from meshscope.model.units import Duration, minutes, seconds

_PODS = ("pod-a", "pod-b", "pod-c")


def alert_tests(bench: Bench) -> list[RuleTest]:
    """A test file for each alert that the provider can serve, but for those that no traffic makes fire."""
    tests = []
    for alert in bench.real.alerts:
        if missing_signals(alert, bench.raw):
            continue
        solution = solve(alert, Fraction(bench.options.scaled(alert.window).seconds))
        if solution is not None:
            stories = _Stories(bench, alert, solution)
            cases = [case(bench.at(STEP), story) for story in stories.all()]
            tests.append(proof_file(bench, alert.name, ("slo", "alerts"), EVERY, cases, alert.place))
    return tests


class _Stories:
    """The stories of one alert."""

    def __init__(self, bench: Bench, alert: Alert, solution: Solution) -> None:
        self.bench = bench
        self.alert = alert
        self.solution = solution
        proof_owner = bench.callee.owner or Owner(name="proof-owner", issues="github:proof/proof")
        self.subject = subject(alert, bench.callee.cluster, proof_owner)
        self.outsider = outsider(alert, bench.callee.cluster, proof_owner)
        self.instance = alert.scope is Scope.INSTANCE
        self.wait = alert.pending + (alert.page_after or 0 * seconds)
        # The 5-minute rate is full after 5 minutes; two more for the alert to be pending and evaluated.
        self.fired_at = self.wait + 8 * minutes

    def all(self) -> Iterator[Story]:
        """Fires when it should; quiet just below, with little traffic, with none, beside its services, afterwards."""
        firing, quiet = self.solution.firing, self.solution.quiet
        steps = self._steps(self.fired_at) + 4
        yield Story("fires", self._inputs(firing, steps), self._looks(fired=True))
        yield Story("is quiet just outside its threshold", self._inputs(quiet, steps), self._looks(fired=False))
        if self.alert.at_least:
            window = Fraction(self.bench.options.scaled(self.alert.window).seconds)
            little = Traffic(Fraction(self.alert.at_least) * Fraction(8, 10) / window, firing.bad)
            yield Story("is quiet with little traffic", self._inputs(little, steps), self._looks(fired=False))
        yield Story("is quiet without traffic", [], self._looks(fired=False))
        if self.outsider is not None:
            beside = self._inputs(firing, steps, self.outsider)
            yield Story("leaves alone what it is not about", beside, self._looks(fired=False))
        yield self._recovery()
        if self.instance:
            yield from self._instances(firing, steps)

    def _recovery(self) -> Story:
        steps = self._steps(self.fired_at)
        after = self.fired_at + self.alert.keep_firing + 12 * minutes
        good = self._inputs(self.solution.quiet, self._steps(after) - steps + 4)
        return Story(
            "lets go after recovery",
            self._joined(self._inputs(self.solution.firing, steps), good),
            [*self._looks(fired=True), expect(self.alert.camel, self.bench.at(after))],
        )

    def _instances(self, firing: Traffic, steps: int) -> Iterator[Story]:
        if not holds(self.alert.condition, firing, siblings_bad=firing.bad):
            alike = [one for pod in _PODS for one in self._traffic(self.subject, firing, steps, pod)]
            yield Story("is quiet when all instances fail alike", alike, self._looks(fired=False))
        pending = self._steps(self.alert.pending)
        killed = [
            {**one, "values": f"{one['values']} stale"}
            for one in self._traffic(self.subject, firing, pending, _PODS[1])
        ]
        others = [
            one
            for pod in (_PODS[0], _PODS[2])
            for one in self._traffic(self.subject, Traffic(firing.rate, Fraction(0)), steps, pod)
        ]
        moments = [self.alert.pending + wait * minutes for wait in (1, 2, 3, 5)]
        gone = [expect(self.alert.camel, self.bench.at(moment)) for moment in moments]
        yield Story("forgets an instance that is gone, although its rate is still seen", [*others, *killed], gone)

    def _inputs(self, traffic: Traffic, steps: int, whom: Service | None = None) -> list[Series]:
        service = whom or self.subject
        if not self.instance:
            return self._traffic(service, traffic, steps, "")
        healthy = Traffic(traffic.rate, Fraction(0))
        series = self._traffic(service, healthy, steps, _PODS[0])
        series += self._traffic(service, traffic, steps, _PODS[1])
        return series + self._traffic(service, healthy, steps, _PODS[2])

    def _traffic(self, service: Service, traffic: Traffic, steps: int, pod: str) -> list[Series]:
        bench, step = self.bench, Fraction(self.bench.step)
        every = traffic.rate * step
        bad, good = _decimal(every * traffic.bad), _decimal(every * (1 - traffic.bad))
        way = next(name for name in bench.provider.samples if name.startswith("failed"))
        reads = {signal.name for signal in self.alert.signals}
        series = [
            requests(bench, service, "good", (Phase(good, steps),), pod=pod),
            requests(bench, service, way, (Phase(bad, steps),), pod=pod),
        ]
        for bound in sorted({signal.over for signal in self.alert.signals if signal.over is not None}):
            within = (Phase(_decimal(every * (1 - traffic.bad) ** 2), steps),)
            series += buckets(bench, service, bound, within, (Phase(good, steps),))
        if "plaintext_ratio" in reads:
            series.append(at_servers(bench, service, "plaintext", (Phase(bad, steps),)))
            series.append(at_servers(bench, service, "encrypted", (Phase(good, steps),)))
        return series

    def _joined(self, first: list[Series], then: list[Series]) -> list[Series]:
        # A counter goes on from where it was; promtool's notation starts over, which is a reset: harmless to rate().
        return [
            {"series": one["series"], "values": f"{one['values']} {two['values'].removeprefix('0 ')}"}
            for one, two in zip(first, then, strict=True)
        ]

    def _steps(self, length: Duration) -> int:
        return int(length / STEP) + 1

    def _looks(self, *, fired: bool) -> list[Case]:
        name, at = self.alert.camel, self.bench.at(self.fired_at)
        if not fired:
            return [expect(name, at)]
        if self.alert.page_after is None:
            return [expect(name, at, [self._expected("")])]
        between = self.bench.at(self.alert.pending + 2 * minutes)
        agent, page = self._expected("agent"), self._expected("page")
        return [expect(name, between, [agent]), expect(name, at, [agent, page])]

    def _expected(self, stage: str) -> Expected:
        mesh, alert = self.bench.real.mesh, self.alert
        info = info_labels(self.subject, self.bench.model, self.bench.views)
        page = alert.severity is Severity.PAGE
        pod = {"workload": self.subject.name, "version": "v1", "pod": _PODS[1]} if self.instance else {}
        labels = {
            **identity_labels(self.subject.identity),
            **pod,
            "owner": info["owner"],
            "tier": info["tier"],
            "severity": mesh.severities.page if page else mesh.severities.ticket,
            "stage": stage,
        }
        voice = Spoken(labels, 0, {"runbook": info["runbook"]})
        board = board_uid(mesh, "instances" if self.instance else "service")
        return alerting(
            labels,
            alert_annotations(voice, mesh, board, alert.summary, alert.description, str(alert.place), self.instance),
        )


def _decimal(number: Fraction) -> Decimal:
    return (Decimal(number.numerator) / Decimal(number.denominator)).quantize(Decimal("0.000001")).normalize()
