"""Proofs of the alerts on outages whatever the budget, on little traffic of which nothing is good, on spent budgets."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from meshscope.artefacts.rules import RuleTest
from meshscope.build.boards import board_uid
from meshscope.build.proofs.burn import failing, of_slo, spoken, way
from meshscope.build.proofs.cases import Case, Story, alerting, case, expect, proof_file
from meshscope.build.proofs.series import Phase, Series, requests
from meshscope.build.proofs.synthetic import STEP, Bench
from meshscope.build.rules.annotations import nothing_succeeds_annotations, outage_annotations, spent_annotations
from meshscope.build.rules.paging import NOTHING_SUCCEEDS, OUTAGE
from meshscope.build.rules.recording import SLOW
from meshscope.build.rules.slo_alerts import ERROR_BUDGET_SPENT
from meshscope.model.units import minutes

_HALF_HOUR = 30 * minutes


def outage_tests(bench: Bench) -> tuple[RuleTest, ...]:
    """The pages' proofs, and those of a spent budget, which needs days: it is looked at twice an hour."""
    step, slow = bench.at(STEP), bench.at(SLOW)
    pages = [case(step, one) for one in (*_outages(bench), *_little_traffic(bench))]
    spent = [case(slow, one) for one in _spent(bench)] if bench.real.periods else []
    files = [proof_file(bench, "outage", ("slo",), STEP, pages)]
    if spent:
        files.append(proof_file(bench, "error_budget_spent", ("slo",), _HALF_HOUR, spent))
    return tuple(files)


def _outages(bench: Bench) -> Iterator[Story]:
    slo, mesh, at = bench.callee.slos[0], bench.real.mesh, bench.at(18 * minutes)
    labels = of_slo(bench, slo, bench.callee, pages=True)
    voice = spoken(bench, slo, bench.callee, labels, 0.95)
    fired = alerting(labels, outage_annotations(voice, mesh, board_uid(mesh, "slo")))
    yield Story("19 of 20 fail", failing(bench, Decimal("0.95")), [expect(OUTAGE, at, [fired])])
    yield Story("17 of 20 fail", failing(bench, Decimal("0.85")), [expect(OUTAGE, at)])
    few = [_pulses(bench, way(bench), (1, 1, 1, 1), apart=4)]
    quiet = [expect(OUTAGE, bench.at(moment * minutes)) for moment in (6, 8, 10, 12)]
    yield Story("four failures within ten minutes and nothing else are too few", few, quiet)


def _little_traffic(bench: Bench) -> Iterator[Story]:
    slo, mesh, failed = bench.callee.slos[0], bench.real.mesh, way(bench)
    labels = of_slo(bench, slo, bench.callee, pages=True)
    fired = alerting(
        labels,
        nothing_succeeds_annotations(spoken(bench, slo, bench.callee, labels, 3), mesh, board_uid(mesh, "slo")),
    )
    ten = [_pulses(bench, failed, (1,) * 5, apart=20)]
    yield Story(
        "one request in ten minutes fails, each time",
        ten,
        [*_quiet(bench, 25), expect(NOTHING_SUCCEEDS, bench.at(46 * minutes), [fired])],
    )
    twenty = [_pulses(bench, failed, (1,) * 4, apart=40)]
    yield Story(
        "one request in twenty minutes fails, each time",
        twenty,
        [*_quiet(bench, 50), expect(NOTHING_SUCCEEDS, bench.at(66 * minutes), [fired])],
    )
    yield Story(
        "one failure, tried three times, wakes nobody",
        [_pulses(bench, failed, (1, 1, 1), apart=2, rest=130)],
        _quiet(bench, 10, 34, 64),
    )
    some = [*ten, _pulses(bench, "good", (0, 1, 0, 1, 0), apart=20)]
    yield Story("as few requests, some of them good", some, _quiet(bench, 30, 40, 46))


def _spent(bench: Bench) -> Iterator[Story]:
    slo, mesh = bench.callee.slos[0], bench.real.mesh
    labels = of_slo(bench, slo, bench.callee, pages=False)
    share = slo.budget * Decimal("1.5")
    voice = spoken(bench, slo, bench.callee, labels, float(share))
    fired = alerting(labels, spent_annotations(voice, mesh, board_uid(mesh, "slo")))
    tenth = int(slo.over / _HALF_HOUR) // 10
    early, late = (bench.at(steps * _HALF_HOUR) for steps in (tenth - 2, tenth + 5))
    steps = int((tenth + 6) * _HALF_HOUR / SLOW)
    yield Story(
        "half as many more fail than may, once a tenth of the period is known",
        failing(bench, share, steps=steps),
        [expect(ERROR_BUDGET_SPENT, early), expect(ERROR_BUDGET_SPENT, late, [fired])],
    )
    kept = failing(bench, slo.budget * Decimal("0.9"), steps=steps)
    yield Story("a tenth fewer fail than may", kept, [expect(ERROR_BUDGET_SPENT, late)])


def _quiet(bench: Bench, *moments: int) -> list[Case]:
    return [expect(NOTHING_SUCCEEDS, bench.at(moment * minutes)) for moment in moments]


def _pulses(bench: Bench, sample: str, counts: tuple[int, ...], *, apart: int, rest: int = 20) -> Series:
    """So many requests at once each ``apart`` steps, then ``rest`` steps of silence."""
    phases = [phase for count in counts for phase in (Phase(Decimal(0), apart - 1), Phase(Decimal(count), 1))]
    return requests(bench, bench.callee, sample, (*phases, Phase(Decimal(0), rest)))
