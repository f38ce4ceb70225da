"""Proofs of the ticket on failures of which nobody can say whom they were for."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from meshscope.artefacts.rules import RuleTest
from meshscope.build.boards import board_uid
from meshscope.build.proofs.cases import Expected, Story, alerting, case, expect, proof_file
from meshscope.build.proofs.series import Series, requests, steady
from meshscope.build.proofs.synthetic import Bench
from meshscope.build.proofs.voice import Spoken
from meshscope.build.rules.annotations import unattributed_annotations
from meshscope.build.rules.recording import SLOW
from meshscope.build.rules.statics import identity_labels, info_labels
from meshscope.build.rules.unattributed import FEWEST_FAILURES, SHARE, UNATTRIBUTED_FAILURES
from meshscope.model.services import Service
from meshscope.model.units import hours, minutes

_STEPS = 60


def unattributed_tests(bench: Bench) -> tuple[RuleTest, ...]:
    """One file, where the provider reports requests without a service."""
    if bench.provider.unattributed is None:
        return ()
    cases = [case(bench.at(SLOW), story) for story in _stories(bench)]
    return (proof_file(bench, "unattributed_failures", ("slo",), 5 * minutes, cases),)


def _stories(bench: Bench) -> Iterator[Story]:
    at, share = bench.at(110 * minutes), Decimal(SHARE)
    stranger = Service(name="stranger", namespace="proof", cluster=bench.callee.cluster)
    above, below = share * Decimal("1.05"), share * Decimal("0.95")
    yield Story(
        "just above the share of its caller's requests",
        _traffic(bench, stranger, above, Decimal(1000)),
        [expect(UNATTRIBUTED_FAILURES, at, [_expected(bench, above * 1000 * 30)])],
    )
    yield Story(
        "just below the share of its caller's requests",
        _traffic(bench, stranger, below, Decimal(1000)),
        [expect(UNATTRIBUTED_FAILURES, at)],
    )
    few = Decimal(FEWEST_FAILURES) * Decimal("0.9") * (SLOW.seconds / (1 * hours).seconds)
    yield Story(
        "too few failures", _traffic(bench, stranger, Decimal("0.5"), few * 2), [expect(UNATTRIBUTED_FAILURES, at)]
    )
    yield Story(
        "failures whose host is a service of the mesh",
        _traffic(bench, bench.callee, Decimal("0.5"), Decimal(1000)),
        [expect(UNATTRIBUTED_FAILURES, at)],
    )


def _traffic(bench: Bench, callee: Service, share: Decimal, every: Decimal) -> list[Series]:
    names = bench.provider.labels
    caller = {
        names.caller_namespace: bench.caller.namespace,
        names.caller_workload: bench.caller.name,
        names.reporter: bench.views.of(bench.callee),
    }
    nowhere = bench.provider.unattributed.namespace if bench.provider.unattributed else ""
    way = next(name for name, labels in bench.provider.samples.items() if nowhere in labels.values())
    return [
        requests(bench, bench.callee, "good", steady(every * (1 - share), _STEPS), **caller),
        requests(bench, callee, way, steady(every * share, _STEPS), **caller),
    ]


def _expected(bench: Bench, failed: Decimal) -> Expected:
    mesh = bench.real.mesh
    info = info_labels(bench.caller, bench.model, bench.views)
    labels = {
        **identity_labels(bench.caller.identity),
        "owner": info["owner"],
        "tier": info["tier"],
        "severity": mesh.severities.ticket,
    }
    voice = Spoken(labels, float(failed), {"runbook": info["runbook"]})
    return alerting(labels, unattributed_annotations(voice, mesh, board_uid(mesh, "service")))
