"""Proofs of the SLO rules: indicators, burn rates, absence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from meshscope.artefacts.rules import RuleTest
from meshscope.build.boards import board_uid
from meshscope.build.ours import our_labels
from meshscope.build.promql import quoted
from meshscope.build.proofs.cases import Case, Expected, Story, alerting, case, expect, proof_file, value
from meshscope.build.proofs.series import LONG, Phase, Series, buckets, requests, series, steady
from meshscope.build.proofs.synthetic import EVERY, PLACE, PROMISED, STEP, Bench
from meshscope.build.proofs.voice import Spoken
from meshscope.build.rules.annotations import absent_annotations, burn_annotations
from meshscope.build.rules.burn import BURNS, Burn, burn_labels
from meshscope.build.rules.recording import RARE, SLOW
from meshscope.build.rules.slo_alerts import SYMPTOM
from meshscope.build.rules.statics import identity_labels, info_labels
from meshscope.model.services import Service
from meshscope.model.slo import SLO, Latency
from meshscope.model.units import hours, minutes

TRAFFIC = Decimal(1000)


def burn_tests(bench: Bench) -> tuple[RuleTest, ...]:
    """The pages' proofs, and the tickets', which need days: looked at as often as what they sum."""
    step, slow = bench.at(STEP), bench.at(SLOW)
    tickets = list(_days(bench))
    pages = [*_thresholds(bench), *_counting(bench), *_quiet(bench), *_course(bench), *_around(bench)]
    pages += [*_absence(bench), *_latency(bench), *_periods(bench)]
    return (
        proof_file(bench, "error_budget_burn", ("slo",), EVERY, [case(step, one) for one in pages]),
        proof_file(bench, "error_budget_burn_slow", ("slo",), RARE, [case(slow, one) for one in tickets]),
    )


def failing(
    bench: Bench, share: Decimal, sample: str = "", steps: int = LONG, service: Service | None = None
) -> list[Series]:
    """Steady traffic of which ``share`` fails in the way ``sample``."""
    whom = service or bench.callee
    ways = [name for name in bench.provider.samples if name.startswith("failed")]
    return [
        requests(bench, whom, "good", steady(TRAFFIC * (1 - share), steps)),
        requests(bench, whom, sample or ways[0], steady(TRAFFIC * share, steps)),
    ]


def burning(
    bench: Bench, burns: tuple[Burn, ...], ratio: Decimal, slo: SLO, service: Service | None = None
) -> list[Expected]:
    """The alerts that fire when ``burns`` burn at ``ratio``."""
    return [_burning(bench, burn, float(ratio), slo, service or bench.callee) for burn in burns]


def of_slo(bench: Bench, slo: SLO, service: Service, *, pages: bool) -> dict[str, str]:
    """The labels of every alert about a symptom of ``slo``."""
    words = bench.real.mesh.severities
    info = info_labels(service, bench.model, bench.views)
    return {
        **identity_labels(service.identity),
        "owner": info["owner"],
        "tier": info["tier"],
        "slo": slo.name,
        "sli": "latency" if isinstance(slo.of, Latency) else "availability",
        "period": str(slo.over),
        "severity": words.page if pages else words.ticket,
        **SYMPTOM,
    }


def spoken(bench: Bench, slo: SLO, service: Service, labels: Mapping[str, str], value: float) -> Spoken:
    """The voice of an alert about ``slo``."""
    info = info_labels(service, bench.model, bench.views)
    spent = {str(burn.long): 100 * burn.spent(slo) for burn in BURNS}
    return Spoken(labels, value, {"runbook": info["runbook"], "definition": str(PLACE)}, spent)


def _burning(bench: Bench, burn: Burn, ratio: float, slo: SLO, service: Service) -> Expected:
    mesh = bench.real.mesh
    labels = of_slo(bench, slo, service, pages=burn.pages) | burn_labels(burn)
    voice = spoken(bench, slo, service, labels, ratio)
    return alerting(labels, burn_annotations(voice, mesh, board_uid(mesh, "slo")))


def _over(slo: SLO, ratio: Decimal) -> tuple[Burn, ...]:
    return tuple(burn for burn in BURNS if ratio > burn.threshold(slo))


def _thresholds(bench: Bench) -> Iterator[Story]:
    slo = bench.callee.slos[0]
    for burn in BURNS:
        threshold = burn.threshold(slo)
        for word, times in (("just above", Decimal("1.05")), ("just below", Decimal("0.95"))):
            ratio = threshold * times
            fired = burning(bench, _over(slo, ratio), ratio, slo)
            told = [expect("ErrorBudgetBurn", bench.at(12 * minutes), fired)]
            yield Story(f"burning {word} {burn.rate(slo)} over {burn.long}", failing(bench, ratio), told)


def _days(bench: Bench) -> Iterator[Story]:
    slo, failed = bench.callee.slos[0], way(bench)
    # Samples two minutes apart: half a day of trouble, then a day and a bit of peace.
    trouble = [
        requests(bench, bench.callee, "good", (Phase(Decimal(90), 180), Phase(Decimal(100), 750))),
        requests(bench, bench.callee, failed, (Phase(Decimal(10), 180), Phase(Decimal(0), 750))),
    ]
    at = bench.at(30 * hours + 10 * minutes)
    period = value("slo:errors:ratio_period > bool 0.0001", at, [(_labels(bench, slo, period=str(slo.over)), 1)])
    yield Story(
        "trouble of the day before yesterday is in three days' ratio and no longer in one day's",
        trouble,
        values=[
            value("slo:errors:ratio_rate1d > 0.0001", at, []),
            value("slo:errors:ratio_rate3d > bool 0.0001", at, [(_labels(bench, slo), 1)]),
            # Where no service promises anything there is no period to look back over.
            *([period] if bench.real.periods else []),
        ],
    )


def _periods(bench: Bench) -> Iterator[Story]:
    values = [
        value(
            f'round(slo:burn:threshold{{long="{burn.long}",service=~"{PROMISED}.*"}}, 0.0001)',
            bench.at(12 * minutes),
            [
                (_labels(bench, slo, service, long=str(burn.long)), float(burn.threshold(slo)))
                for service in bench.promised
                for slo in service.slos
            ],
        )
        for burn in BURNS
    ]
    yield Story("each period has its own burn rates, and so has an SLO that says some", [], values=values)


def _counting(bench: Bench) -> Iterator[Story]:
    slo, at = bench.callee.slos[0], bench.at(12 * minutes)
    ratio = Decimal(15) * slo.budget
    for sample in bench.provider.samples:
        if sample.startswith("failed"):
            fired = burning(bench, _over(slo, ratio), ratio, slo)
            yield Story(f"{sample} is a failure", failing(bench, ratio, sample), [expect("ErrorBudgetBurn", at, fired)])
        if sample.startswith("ignored"):
            yield Story(f"{sample} is no failure", failing(bench, ratio, sample), [expect("ErrorBudgetBurn", at)])
    if bench.provider.torn:
        failures = f"sum(service:failures:rate5m{{service={quoted(bench.streaming.name)}}})"
        yield Story(
            "what clients watch is torn by a server that restarts",
            failing(bench, ratio, "torn", service=bench.streaming),
            values=[value(failures, at, [("{}", 0)])],
        )


def _quiet(bench: Bench) -> Iterator[Story]:
    at, failed = bench.at(12 * minutes), way(bench)
    healthy = requests(bench, bench.callee, "good", steady(300))
    zero = _of(bench, "slo:errors:ratio_rate1h", bench.callee.slos[0])
    yield Story(
        "a service that never failed has a ratio of zero, not none",
        [healthy],
        [expect("ErrorBudgetBurn", at)],
        [value('slo:errors:ratio_rate1h{slo="availability"}', at, [(zero, 0)])],
    )
    elsewhere = dict(bench.provider.samples["elsewhere"])
    rate = _of(bench, "slo:events:rate5m", bench.callee.slos[0])
    yield Story(
        "what another reporter says of the same requests is not counted twice",
        [healthy, requests(bench, bench.callee, failed, steady(300), **elsewhere)],
        [expect("ErrorBudgetBurn", at)],
        [value('slo:events:rate5m{slo="availability"}', at, [(rate, float(300 / bench.step))])],
    )
    trickle = [
        requests(bench, bench.callee, "good", (Phase(Decimal(1), 120),)),
        requests(bench, bench.callee, failed, (Phase(Decimal(0), 18), Phase(Decimal(1), 2), Phase(Decimal(0), 60))),
    ]
    looks = [_nobody_woken(bench.at(moment * minutes)) for moment in (10, 14, 20)]
    yield Story("two failures in a trickle wake nobody", trickle, values=looks)
    stranger = Service(name="stranger", namespace="proof", cluster=bench.callee.cluster)
    unknown = [*failing(bench, Decimal("0.5"), service=stranger)]
    yield Story("a service that the model doesn't know is nobody's", unknown, [expect("ErrorBudgetBurn", at)])
    yield Story("no traffic at all burns nothing", [], [expect("ErrorBudgetBurn", at)])


def _course(bench: Bench) -> Iterator[Story]:
    slo, failed = bench.callee.slos[0], way(bench)
    outage = [
        requests(
            bench, bench.callee, "good", (Phase(Decimal(300), 20), Phase(Decimal(0), 20), Phase(Decimal(300), 60))
        ),
        requests(bench, bench.callee, failed, (Phase(Decimal(0), 20), Phase(Decimal(300), 20), Phase(Decimal(0), 60))),
    ]
    yield Story(
        "recovered: the 5 minutes let go although the hour still burns; the 30 minutes still hold",
        outage,
        values=[_woken(bench.at(20 * minutes), 2), _woken(bench.at(36 * minutes), 1)],
    )
    ratio = Decimal(15) * slo.budget
    fired = burning(bench, _over(slo, ratio), ratio, slo)
    reset = failing(bench, ratio)
    reset = [{**one, "values": f"{one['values'].split('x')[0]}x20 {one['values']}"} for one in reset]
    yield Story(
        "a restart of the proxy resets its counters",
        reset,
        [expect("ErrorBudgetBurn", bench.at(40 * minutes), fired)],
    )
    share = TRAFFIC * ratio
    gap = [
        requests(
            bench, bench.callee, "good", (Phase(TRAFFIC - share, 20), Phase(None, 20), Phase(TRAFFIC - share, 30))
        ),
        requests(bench, bench.callee, failed, (Phase(share, 20), Phase(None, 20), Phase(share, 30))),
    ]
    yield Story("scrapes failed for ten minutes", gap, [expect("ErrorBudgetBurn", bench.at(32 * minutes), fired)])


def _around(bench: Bench) -> Iterator[Story]:
    slo, at = bench.callee.slos[0], bench.at(12 * minutes)
    ratio = Decimal(15) * slo.budget
    second = info_labels(bench.callee, bench.model, bench.views) | our_labels(bench.real.mesh)
    second["owner"] = "another-owner"
    twice = failing(bench, ratio, service=bench.caller)
    fired_caller = burning(bench, _over(slo, ratio), ratio, slo, bench.caller)
    yield Story(
        "two infos for one service don't silence the others",
        [*twice, series("service:info", second, (Phase(Decimal(0), LONG),))],
        [expect("ErrorBudgetBurn", at, fired_caller)],
    )


def _absence(bench: Bench) -> Iterator[Story]:
    alive = requests(bench, bench.callee, "good", steady(300))
    bounds = [(slo, slo.of.under) for slo in bench.callee.slos if isinstance(slo.of, Latency)]
    answered = [one for _, under in bounds for one in buckets(bench, bench.callee, under, steady(300), steady(300))]
    soon, late = bench.at(10 * minutes), bench.at(20 * minutes)
    silent = [_absent(bench, service, service.slos[0], "requests") for service in (bench.caller, bench.silent)]
    yield Story(
        "an indicator without any series is absent",
        [alive, *answered],
        [expect("IndicatorAbsent", soon), expect("IndicatorAbsent", late, silent)],
    )
    born = [requests(bench, bench.callee, way(bench), steady(300))]
    yield Story("an indicator that fails from birth is not absent", born, [expect("IndicatorAbsent", late, silent)])
    if bounds:
        lacking = [_absent(bench, bench.callee, slo, "bucket") for slo, _ in bounds]
        yield Story(
            "an indicator that lacks only its bucket is told as that",
            [alive],
            [expect("IndicatorAbsent", late, [*silent, *lacking])],
        )


def _latency(bench: Bench) -> Iterator[Story]:
    slo = next((slo for slo in bench.callee.slos if isinstance(slo.of, Latency)), None)
    if slo is None or not isinstance(slo.of, Latency):
        return
    at = bench.at(12 * minutes)
    ratio = Decimal("0.9")
    fired = burning(bench, _over(slo, ratio), ratio, slo)
    slow = [requests(bench, bench.callee, "good", steady(TRAFFIC))]
    slow += buckets(bench, bench.callee, slo.of.under, steady(TRAFFIC * (1 - ratio)), steady(TRAFFIC))
    yield Story("nearly every answer is too slow", slow, [expect("ErrorBudgetBurn", at, fired)])
    both = [requests(bench, bench.callee, "good", steady(300), **path) for path in ({}, {"path": "otlp"})]
    both += buckets(bench, bench.callee, slo.of.under, steady(270), steady(300))
    both += buckets(bench, bench.callee, slo.of.under, steady(300), steady(300), spelling="")
    half = _labels(bench, slo)
    yield Story(
        "both spellings of a bound are read (scraped, and pushed by OTLP)",
        both,
        [],
        [value(f"round(slo:errors:ratio_rate1h{{slo={quoted(slo.name)}}}, 0.001)", at, [(half, 0.05)])],
    )


def _absent(bench: Bench, service: Service, slo: SLO, missing: str) -> Expected:
    mesh = bench.real.mesh
    labels = of_slo(bench, slo, service, pages=False) | {"missing": missing}
    labels.pop("kind")
    voice = spoken(bench, slo, service, labels, 0)
    return alerting(labels, absent_annotations(voice, mesh, board_uid(mesh, "service")))


def _woken(at: str, pages: int) -> Case:
    return value('count(ALERTS{alertname="ErrorBudgetBurn",alertstate="firing",long=~"1h|6h"})', at, [("{}", pages)])


def _nobody_woken(at: str) -> Case:
    # Tickets have no gate: a new service's first failures may make one. Only who is woken counts here.
    return value('ALERTS{alertname="ErrorBudgetBurn",long=~"1h|6h"}', at, [])


def way(bench: Bench) -> str:
    """The first of the ways in which requests fail."""
    return next(name for name in bench.provider.samples if name.startswith("failed"))


def _of(bench: Bench, name: str, slo: SLO) -> str:
    return f"{name}{_labels(bench, slo)}"


def _labels(bench: Bench, slo: SLO, service: Service | None = None, **more: str) -> str:
    labels = {**identity_labels((service or bench.callee).identity), "slo": slo.name, **more}
    return f"{{{','.join(f'{key}={quoted(text)}' for key, text in labels.items())}}}"
