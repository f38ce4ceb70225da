"""Proofs of the page on requests that their callers give up."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from meshscope.artefacts.rules import RuleTest
from meshscope.build.boards import board_uid
from meshscope.build.proofs.cases import Expected, Story, alerting, case, expect, proof_file
from meshscope.build.proofs.series import Phase, Series, requests, steady
from meshscope.build.proofs.synthetic import EVERY, STEP, Bench
from meshscope.build.proofs.voice import Spoken
from meshscope.build.rules.annotations import given_up_annotations
from meshscope.build.rules.given_up import FEWEST_REQUESTS, SHARE
from meshscope.build.rules.indicators import RECORDED
from meshscope.build.rules.paging import CALLERS_GIVE_UP
from meshscope.build.rules.statics import identity_labels, info_labels
from meshscope.model.services import Service
from meshscope.model.units import minutes

_STEPS = 80


def given_up_tests(bench: Bench) -> tuple[RuleTest, ...]:
    """One file, where the provider tells such requests from others."""
    if not bench.provider.given_up:
        return ()
    cases = [case(bench.at(STEP), story) for story in _stories(bench)]
    return (proof_file(bench, "callers_give_up", ("slo",), EVERY, cases),)


def _stories(bench: Bench) -> Iterator[Story]:
    at, share = bench.at(12 * minutes), Decimal(SHARE)
    fired = [_expected(bench, bench.callee, float(share) + 0.05)]
    yield Story(
        "callers give up just above the threshold",
        _traffic(bench, bench.callee, share + Decimal("0.05")),
        [expect(CALLERS_GIVE_UP, at, fired)],
    )
    yield Story(
        "callers give up just below the threshold",
        _traffic(bench, bench.callee, share - Decimal("0.05")),
        [expect(CALLERS_GIVE_UP, at)],
    )
    few = FEWEST_REQUESTS * Decimal("0.9") * bench.step / bench.options.scaled(RECORDED).seconds
    yield Story(
        "too few requests are given up", _traffic(bench, bench.callee, Decimal(1), few), [expect(CALLERS_GIVE_UP, at)]
    )
    yield Story(
        "clients end what they watch", _traffic(bench, bench.streaming, Decimal(1)), [expect(CALLERS_GIVE_UP, at)]
    )
    failing = [requests(bench, bench.callee, way, steady(300, _STEPS)) for way in _ways(bench)]
    yield Story("what fails is not given up", failing, [expect(CALLERS_GIVE_UP, at)])
    hung, well = Phase(Decimal(300), 30), Phase(Decimal(0), 50)
    good = requests(bench, bench.callee, "good", (Phase(Decimal(0), 30), Phase(Decimal(300), 50)))
    yield Story(
        "it answers again",
        [good, requests(bench, bench.callee, "given up", (hung, well))],
        [
            expect(CALLERS_GIVE_UP, at, [_expected(bench, bench.callee, 1)]),
            expect(CALLERS_GIVE_UP, bench.at(26 * minutes)),
        ],
    )


def _traffic(bench: Bench, service: Service, share: Decimal, every: Decimal = Decimal(300)) -> list[Series]:
    return [
        requests(bench, service, "good", steady(every * (1 - share), _STEPS)),
        requests(bench, service, "given up", steady(every * share, _STEPS)),
    ]


def _ways(bench: Bench) -> list[str]:
    return [sample for sample in bench.provider.samples if sample.startswith("failed")]


def _expected(bench: Bench, service: Service, share: float) -> Expected:
    mesh = bench.real.mesh
    info = info_labels(service, bench.model, bench.views)
    labels = {
        **identity_labels(service.identity),
        "owner": info["owner"],
        "tier": info["tier"],
        "severity": mesh.severities.page,
        "kind": "symptom",
    }
    voice = Spoken(labels, share, {"runbook": info["runbook"]})
    return alerting(labels, given_up_annotations(voice, mesh, board_uid(mesh, "service")))
