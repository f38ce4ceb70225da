"""Proofs of the alerts on traffic that falls to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from meshscope.artefacts.rules import RuleTest
from meshscope.build.boards import board_uid
from meshscope.build.ours import our_labels
from meshscope.build.proofs.cases import Case, Expected, Story, alerting, case, expect, proof_file
from meshscope.build.proofs.series import Phase, Series, requests, series
from meshscope.build.proofs.synthetic import Bench
from meshscope.build.proofs.voice import Spoken
from meshscope.build.rules.annotations import traffic_annotations
from meshscope.build.rules.recording import RARE, SLOW
from meshscope.build.rules.statics import identity_labels, info_labels
from meshscope.build.rules.traffic import MESH_TRAFFIC_GONE, TRAFFIC_GONE, traffic_rules
from meshscope.model.services import Service
from meshscope.model.units import hours, minutes

_STEPS = 45
_STRANGERS = 20


def traffic_tests(bench: Bench) -> tuple[RuleTest, ...]:
    """One file, and one of what needs a day, which is looked at more rarely.

    What is expected of a service whose volume nobody says needs a week, and is left to our own tests.
    """
    soon, night = ([case(bench.at(SLOW), one) for one in stories] for stories in (_stories(bench), [_night(bench)]))
    return (
        proof_file(bench, "traffic_gone", ("slo",), SLOW, soon),
        proof_file(bench, "traffic_gone_by_night", ("slo",), RARE, night),
    )


def _stories(bench: Bench) -> Iterator[Story]:
    at, (first, second) = bench.at(80 * minutes), bench.expected
    gone = [_expected(bench, first), _expected(bench, second)]
    yield Story("services without any traffic", [], [expect(TRAFFIC_GONE, at, gone), expect(MESH_TRAFFIC_GONE, at)])
    yield Story(
        "traffic that falls to nothing",
        [_traffic(bench, first, "0"), _traffic(bench, second, "1")],
        [expect(TRAFFIC_GONE, bench.at(24 * minutes)), expect(TRAFFIC_GONE, at, gone[:1])],
    )
    yield Story(
        "a fiftieth of the traffic is left",
        [_traffic(bench, service, "0.02") for service in bench.expected],
        [expect(TRAFFIC_GONE, at)],
    )
    yield Story("many at once are one alert", _strangers(bench), _one(bench, at))


def _night(bench: Bench) -> Story:
    """Of a hundredth of yesterday's night traffic comes more, of the volume less; by day the volume is expected."""
    quiet, stopped = bench.expected
    night, day = 60, 660

    def of(service: Service, *shares: tuple[str, int]) -> Series:
        every = _volume(bench, service) * SLOW.seconds
        return requests(bench, service, "good", [Phase(every * Decimal(share), steps) for share, steps in shares])

    return Story(
        "a night that is as quiet as yesterday's",
        [
            of(quiet, ("0.02", night), ("1", day), ("0.005", night)),
            of(stopped, ("1", night + day), ("0.005", night)),
        ],
        [expect(TRAFFIC_GONE, bench.at(25 * hours + 30 * minutes), [_expected(bench, stopped)])],
    )


def _traffic(bench: Bench, service: Service, left: str) -> Series:
    every = _volume(bench, service) * SLOW.seconds
    return requests(bench, service, "good", (Phase(every, 12), Phase(every * Decimal(left), _STEPS - 12)))


def _volume(bench: Bench, service: Service) -> Decimal:
    rate = service.volume.value if service.volume else Decimal(0)
    return rate * (bench.options.scaled(SLOW).seconds / SLOW.seconds)


def _strangers(bench: Bench) -> list[Series]:
    made = []
    for number in range(_STRANGERS):
        identity = identity_labels(bench.silent.identity) | {"service": f"stranger-{number}"}
        identity |= our_labels(bench.real.mesh)
        made.append(_constant("service:info", "1", identity | {"expects_traffic": "true", "tier": "2"}))
        made.append(_constant("service:volume:rate", "10", identity))
    return made


def _constant(name: str, value: str, labels: dict[str, str]) -> Series:
    return {**series(name, labels, (Phase(Decimal(0), _STEPS),)), "values": f"{value}x{_STEPS}"}


def _one(bench: Bench, at: str) -> list[Case]:
    mesh = bench.real.mesh
    rule = next(rule for rule in traffic_rules(mesh, bench.options) if rule.alert == MESH_TRAFFIC_GONE)
    expecting = sum(service.expects_traffic for service in bench.model.services)
    share = (_STRANGERS + len(bench.expected)) / (_STRANGERS + expecting)
    said = Spoken({}, share).percentage()
    texts = {name: text.replace("{{ $value | humanizePercentage }}", said) for name, text in rule.annotations.items()}
    cluster = {"cluster": mesh.cluster}
    return [
        expect(TRAFFIC_GONE, at),
        expect(MESH_TRAFFIC_GONE, at, [alerting({**cluster, **rule.labels}, texts)]),
    ]


def _expected(bench: Bench, service: Service) -> Expected:
    mesh = bench.real.mesh
    info = info_labels(service, bench.model, bench.views)
    labels = {
        **identity_labels(service.identity),
        "owner": info["owner"],
        "tier": info["tier"],
        "severity": mesh.severities.page if service.tier == 1 else mesh.severities.ticket,
    }
    half = bench.options.scaled(30 * minutes).seconds
    count = float((service.volume.value if service.volume else Decimal(0)) * half)
    voice = Spoken(labels, count, {"runbook": info["runbook"]})
    return alerting(labels, traffic_annotations(voice, mesh, board_uid(mesh, "service")))
