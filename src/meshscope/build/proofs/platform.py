"""Proofs of the alerts about the observability itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from meshscope.artefacts.rules import RuleTest
from meshscope.build.proofs.cases import Expected, Story, alerting, case, expect, proof_file
from meshscope.build.proofs.platform_agent import AGENT
from meshscope.build.proofs.platform_alerting import ALERTING
from meshscope.build.proofs.platform_collecting import COLLECTING
from meshscope.build.proofs.platform_scraping import SCRAPING
from meshscope.build.proofs.platform_series import Stories, Tellers
from meshscope.build.proofs.series import Series, buckets, requests, steady
from meshscope.build.proofs.synthetic import EVERY, STEP, Bench
from meshscope.build.rules.annotations import CHOSEN
from meshscope.build.rules.platform import annotations_of, labels_of, watches
from meshscope.build.rules.watch import Watch
from meshscope.model.slo import Latency
from meshscope.model.units import minutes


def platform_tests(bench: Bench) -> tuple[RuleTest, ...]:
    """A file for the alert that reads what is recorded of services, and one for all that read programs' own metrics.

    Apart, since those of services take a hundred times as long to evaluate.
    """
    found = []
    for name, rules in (("mesh_telemetry", ("slo", "platform")), ("platform", ("platform",))):
        watched = [
            watch for watch in watches(bench.real, bench.options) if (watch.name in _OF_SERVICES) is ("slo" in rules)
        ]
        stories = [story for watch in watched for story in _Proofs(bench, watch).all()]
        cases = [case(bench.at(STEP), story) for story in stories]
        if cases:
            found.append(proof_file(bench, name, rules, EVERY, cases, bench.real.mesh.place, constants="slo" in rules))
    return tuple(found)


_OF_SERVICES = frozenset({"MeshTelemetryAbsent"})


class _Proofs:
    """The stories of one watch."""

    def __init__(self, bench: Bench, watch: Watch) -> None:
        self.bench = bench
        self.watch = watch

    def all(self) -> Iterator[Story]:
        """Fires when it should, and no longer than that; quiet just below, and all along."""
        name = self.watch.name
        stories = _TELLERS[name](self.bench)
        for what, inputs, labels, value in stories.firing:
            told = [expect(name, self._late(), [self._expected(labels, value)])]
            yield Story(f"{name}: {what}", inputs, told)
        for what, inputs in stories.quiet:
            yield Story(f"{name} is quiet: {what}", inputs, [expect(name, self._soon()), expect(name, self._late())])
        for what, inputs, labels in stories.over:
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
        said = {"{{ $value | humanizePercentage }}": value, "{{ $value }}": value} | {
            f"{{{{ $labels.{name} }}}}": text for name, text in labels.items()
        }
        for template, text in said.items():
            texts = {name: annotation.replace(template, text) for name, annotation in texts.items()}
        texts = {name: _WITH.sub(lambda found: _said(found, labels), text) for name, text in texts.items()}
        texts = {name: CHOSEN.sub(lambda found: _chosen(found, labels), text) for name, text in texts.items()}
        return alerting({**labels_of(self.watch, mesh), **labels}, texts)


def _said(found: re.Match[str], labels: Mapping[str, str]) -> str:
    return found["text"].replace("{{ . }}", labels[found["label"]]) if found["label"] in labels else ""


def _chosen(found: re.Match[str], labels: Mapping[str, str]) -> str:
    return found["text"] if labels.get(found["label"]) == found["value"] else ""


def _storm(bench: Bench) -> Stories:
    return Stories(
        firing=[("nothing is reported at all", [], {"cluster": bench.real.mesh.cluster}, "100%")],
        quiet=[("one service of many is absent", _present(bench))],
    )


def _present(bench: Bench) -> list[Series]:
    inputs = [requests(bench, service, "good", steady(300)) for service in (bench.callee, bench.caller)]
    for slo in bench.callee.slos:
        if isinstance(slo.of, Latency):
            inputs += buckets(bench, bench.callee, slo.of.under, steady(300), steady(300))
    return inputs


_WITH = re.compile(r"\{\{ with \$labels\.(?P<label>\w+) \}\}(?P<text>.*?)\{\{ end \}\}")
_TELLERS: Tellers = {"MeshTelemetryAbsent": _storm, **ALERTING, **SCRAPING, **COLLECTING, **AGENT}
