"""Proofs of what becomes of pages that come together: the bridge between two services, and a storm of many."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from meshscope.artefacts.rules import RuleTest
from meshscope.build.ours import our_labels
from meshscope.build.proofs.burn import failing
from meshscope.build.proofs.cases import Expected, Story, alerting, case, expect, proof_file
from meshscope.build.proofs.series import Series, buckets, requests, series, steady
from meshscope.build.proofs.synthetic import EVERY, NAMESPACE, STEP, Bench
from meshscope.build.rules.bridge import DEPENDENCY_PAGING, bridge_annotations
from meshscope.build.rules.paging import ERROR_BUDGET_BURN
from meshscope.build.rules.statics import identity_labels
from meshscope.build.rules.storm import (
    MANY_SERVICES_FAILING,
    PAGES_LEFT_OPEN,
    left_open_annotations,
    many_annotations,
)
from meshscope.model.slo import Latency
from meshscope.model.units import minutes

_OWNER = "many-owner"


def together_tests(bench: Bench) -> tuple[RuleTest, ...]:
    """One file for pages that come together."""
    stories = [*_bridge(bench), *_storm(bench)]
    cases = [case(bench.at(STEP), one) for one in stories]
    return (proof_file(bench, "pages_together", ("slo",), EVERY, cases, bench.real.mesh.place),)


def _bridge(bench: Bench) -> Iterator[Story]:
    name = DEPENDENCY_PAGING
    share = Decimal(15) * bench.callee.slos[0].budget
    cause = failing(bench, share)
    held = expect(name, bench.at(10 * minutes), [_held(bench)])
    yield Story(
        "a caller's page is held back while its cause's is news, and no longer",
        [*cause, *failing(bench, share, service=bench.caller)],
        [held, expect(name, bench.at(26 * minutes))],
    )
    yield Story(
        "a caller that fails up to three times as much is held back",
        [*cause, *failing(bench, share * Decimal("2.9"), service=bench.caller)],
        [held],
    )
    yield Story(
        "a caller that fails more than three times as much has another cause",
        [*cause, *failing(bench, share * Decimal("3.1"), service=bench.caller)],
        [expect(name, bench.at(moment * minutes)) for moment in (5, 10, 15)],
    )
    yield Story(
        "a service that pages alone holds back nobody",
        failing(bench, share, service=bench.caller),
        [expect(name, bench.at(10 * minutes))],
    )
    slo = next((slo for slo in bench.callee.slos if isinstance(slo.of, Latency)), None)
    if slo is None or not isinstance(slo.of, Latency):
        return
    traffic = steady(1000)
    slow = [requests(bench, bench.callee, "good", traffic)]
    slow += buckets(bench, bench.callee, slo.of.under, steady(100), traffic)
    yield Story(
        "a cause that is slow does not explain a caller that fails",
        [*slow, *failing(bench, share, service=bench.caller)],
        [expect(name, bench.at(10 * minutes))],
    )


def _held(bench: Bench) -> Expected:
    labels = {**identity_labels(bench.caller.identity), "severity": "none", "sli": "availability"}
    whose = {"namespace": bench.caller.namespace, "service": bench.caller.name, "sli": "availability"}
    return alerting(labels, _said(bridge_annotations(), whose))


def _said(texts: dict[str, str], labels: dict[str, str]) -> dict[str, str]:
    for name, text in labels.items():
        texts = {key: annotation.replace(f"{{{{ $labels.{name} }}}}", text) for key, annotation in texts.items()}
    return texts


def _storm(bench: Bench) -> Iterator[Story]:
    name, soon, late = MANY_SERVICES_FAILING, bench.at(3 * minutes), bench.at(12 * minutes)
    ten = [one for number in range(10) for one in _page(bench, number, "1x10")]
    yield Story(
        "ten services of an owner are one page, for five minutes longer than they page",
        [*ten, *_others(bench)],
        [
            *(expect(name, bench.at(moment * minutes), [_many(bench, 10)]) for moment in (3, 9)),
            expect(name, bench.at(18 * minutes)),
        ],
    )
    four = [one for number in range(4) for one in _page(bench, number, "1x60", cluster="of-four")]
    infos = [_info(bench, number, cluster="of-four") for number in range(4)]
    yield Story("four services are four pages", [*four, *infos], [expect(name, soon), expect(name, late)])
    sizes = {"of-fifteen": 15, "of-sixteen": 16}
    five = [one for cluster in sizes for number in range(5) for one in _page(bench, number, "1x60", cluster=cluster)]
    infos = [_info(bench, number, cluster=cluster) for cluster, size in sizes.items() for number in range(size)]
    yield Story(
        "five services are one page where they are a third of their cluster",
        [*five, *infos],
        [expect(name, soon, [_many(bench, 5, "of-fifteen")])],
    )
    bridges = [_bridged(bench, number) for number in range(9)]
    yield Story("services that are held back by their cause don't count", [*ten, *bridges], [expect(name, soon)])
    early = [*_page(bench, 10, "1x14"), *(one for number in range(10) for one in _page(bench, number, "_x6 1x54"))]
    left = _left_open(bench, 10)
    yield Story(
        "a page that was told before and ends within is listed for its owner, and no other",
        early,
        [expect(PAGES_LEFT_OPEN, bench.at(6 * minutes)), expect(PAGES_LEFT_OPEN, late, [left])],
    )


def _whose(bench: Bench, number: int) -> dict[str, str]:
    cluster = {"cluster": bench.callee.cluster} if bench.callee.cluster else {}
    return {**cluster, "namespace": NAMESPACE, "service": f"many-{number}"}


def _others(bench: Bench) -> list[Series]:
    """So many services that ten of them are no third."""
    return [_info(bench, number) for number in range(10, 40)]


def _info(bench: Bench, number: int, **labels: str) -> Series:
    whose = {**_whose(bench, number), **our_labels(bench.real.mesh), "owner": _OWNER, **labels}
    return {**series("service:info", whose, ()), "values": "1x60"}


def _page(bench: Bench, number: int, values: str, **more: str) -> list[Series]:
    """The page of a service as Prometheus records it, and how much of its traffic is bad: less for each number."""
    mesh = bench.real.mesh
    promise = {**_whose(bench, number), "slo": "availability", **more}
    labels = {
        **promise,
        **our_labels(mesh),
        "alertname": ERROR_BUDGET_BURN,
        "alertstate": "firing",
        "severity": mesh.severities.page,
        "sli": "availability",
        "owner": _OWNER,
    }
    bad = {**series("slo:errors:ratio_rate5m", promise, ()), "values": f"{Decimal(50 - number) / 100}x60"}
    return [{**series("ALERTS", labels, ()), "values": f"{values} stale"}, bad]


def _bridged(bench: Bench, number: int) -> Series:
    labels = {
        **_whose(bench, number),
        **our_labels(bench.real.mesh),
        "alertname": DEPENDENCY_PAGING,
        "alertstate": "firing",
        "severity": "none",
        "sli": "availability",
    }
    return {**series("ALERTS", labels, ()), "values": "1x60"}


def _many(bench: Bench, count: int, cluster: str = "") -> Expected:
    mesh = bench.real.mesh
    cluster = cluster or bench.callee.cluster
    labels = {"cluster": cluster, "owner": _OWNER, "severity": mesh.severities.page}
    worst = "".join(f" {NAMESPACE}/many-{number} ({50 - number}%)" for number in range(count))
    texts = many_annotations(mesh, worst)
    texts = {key: text.replace("{{ $value }}", str(count)) for key, text in texts.items()}
    return alerting(labels, _said(texts, {"owner": _OWNER, "cluster": cluster}))


def _left_open(bench: Bench, number: int) -> Expected:
    mesh = bench.real.mesh
    whose = _whose(bench, number)
    labels = {**whose, "owner": _OWNER, "slo": "availability", "severity": mesh.severities.ticket}
    return alerting(labels, _said(left_open_annotations(mesh), whose))
