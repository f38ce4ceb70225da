"""Traffic that falls to nothing, and failures that no service can be found for."""

import pytest

from meshscope.model.units import per_second
from tests.rules.playing import Play, mesh, reported, service, to, unknown

pytestmark = pytest.mark.engines("promtool")

DAY = 24 * 30
"""Samples of a day, two minutes apart."""
GONE = 'group by (service, severity) (ALERTS{alertname="TrafficGone",alertstate="firing"})'


def days(*each: int) -> str:
    """A counter that grows by so much in two minutes, on each day in turn."""
    parts, total = ["0"], 0
    for rate in each:
        parts.append(f"{total + rate}+{rate}x{DAY - 1}")
        total += rate * DAY
    return " ".join(parts)


def test_a_service_of_working_days_is_not_missed_at_weekends_and_is_on_a_dead_monday(engine, tmp_path):
    # Monday to Sunday, another week of which Thursday is dead.
    week = (20, 20, 20, 20, 20, 0, 0)
    model = mesh(service("weekly"), service("dead", tier=1), service("tiny"))
    silent = [f"{day * 24 + 12}h" for day in (5, 6, 12, 13)]
    Play(
        model=model,
        inputs=[
            to("weekly", days(*week, *week)),
            to("dead", days(*week, 20, 20, 20, 0, 0, 0, 0)),
            # 60 in half an hour: less than is needed to say that it is gone.
            to("tiny", days(4, 4, 4, 4, 4, 0, 0, 4, 4, 4, 0, 0, 0, 0)),
        ],
        expected={
            **{(GONE, at): {} for at in (*silent, f"{9 * 24 + 12}h")},
            (GONE, f"{10 * 24 + 12}h"): {'{service="dead", severity="page"}': 1},
        },
        step="2m",
        every="30m",
    ).run(engine("promtool"), tmp_path)


def test_a_volume_is_of_the_day_and_yesterday_knows_the_night(engine, tmp_path):
    volume = 1 * per_second
    half = DAY // 2
    # Half of each day is night. Of the 1800 in half an hour that are said come 30 in the first, 15 in the second.
    by_night = f"0+120x{half} {120 * half}+2x{half} {122 * half}+120x{half} {242 * half}+1x{half}"
    steady, born = f"0+120x{DAY + half} {120 * (DAY + half)}x{half}", f"_x{DAY} 0+120x{half} {120 * half}+1x{half}"
    names = ("nightly", "stopped", "new")
    # So many that two of them are less than a third.
    others = [service(name) for name in ("unsaid", "other", "another")]
    model = mesh(*(service(name, volume=volume) for name in names), *others)
    told = {f'{{service="{name}", severity="ticket"}}': 1.0 for name in ("stopped", "new")}
    Play(
        model=model,
        inputs=[to("nightly", by_night), to("stopped", steady), to("new", born), to("unsaid", steady)],
        # Of a service that is new the volume alone is known; of one whose volume nobody says yesterday is not enough.
        expected={(GONE, "18h"): {'{service="new", severity="ticket"}': 1}, (GONE, "35h"): {}, (GONE, "42h"): told},
        step="2m",
        every="10m",
    ).run(engine("promtool"), tmp_path)


def test_a_volume_needs_no_past_and_many_are_one_alert(engine, tmp_path):
    volume = 1 * per_second
    many = [service(f"many-{number}", volume=volume) for number in range(6)]
    stopped, steady = "0+60x30 1800+0x90", "0+60x120"
    names = [one.name for one in many]
    one_gone = [to(name, stopped if name == "many-0" else steady) for name in names]
    trickle = [to("trickling", "0+60x30 1800+1x90"), to("silent", stopped), to("unborn", "_x120")]
    model = mesh(
        *many,
        service("trickling", volume=volume),
        service("silent", volume=volume, expects_traffic=False),
        service("unborn", volume=volume, tier=1),
    )
    Play(
        model=model,
        inputs=[*one_gone, *trickle, to("front", steady)],
        expected={
            (GONE, "55m"): {'{service="unborn", severity="page"}': 1},
            (GONE, "75m"): {
                '{service="unborn", severity="page"}': 1,
                '{service="many-0", severity="ticket"}': 1,
            },
        },
        step="1m",
        every="2m",
    ).run(engine("promtool"), tmp_path)
    Play(
        model=model,
        inputs=[to("front", steady), *(to(name, stopped) for name in names)],
        expected={
            ('round(count(ALERTS{alertname="MeshTrafficGone",alertstate="firing"}))', "75m"): {"{}": 1},
            (GONE, "75m"): {},
        },
        step="1m",
        every="2m",
    ).run(engine("promtool"), tmp_path)


CALLER = {"source_workload": "cart", "source_canonical_service": "cart"}
EDGE = {
    "source_workload": "istio-ingressgateway",
    "source_canonical_service": "istio-ingressgateway",
    "source_workload_namespace": "istio-system",
}


def test_failures_that_have_no_service_are_a_ticket_to_the_callers_owner(engine, tmp_path):
    told = 'group by (namespace, service, owner, severity) (ALERTS{alertname="UnattributedFailures"})'
    nobody = {"response_code": "503", "response_flags": "UF"}
    Play(
        model=mesh(service("cart"), service("ledger"), service("rare")),
        inputs=[
            to("ledger", "0+100x360", **CALLER),
            unknown("api.example.com", "0+10x360", **nobody, **CALLER),
            # Well attributed by its host: ledger's own trouble.
            unknown("ledger.web:80", "0+50x360", **nobody),
            to("ledger", "0+100x360"),
            # Less than 5%, and less than 20 in an hour.
            unknown("api.example.com", "0+4x360", **nobody),
            to("ledger", "0+1x360", source_workload="ledger"),
            unknown("typo", "0+0.1x360", **nobody, source_workload="ledger"),
            # A gateway whose route leads to no cluster; visitors who ask for what is not there.
            to("cart", "0+10x360", **EDGE),
            reported("0+5x360", response_code="503", response_flags="NC", **NOWHERE, **EDGE),
            reported("0+50x360", response_code="404", response_flags="NR", **NOWHERE, **EDGE),
        ],
        expected={
            (told, "150m"): {
                '{namespace="web", service="cart", owner="web", severity="ticket"}': 1,
                '{namespace="istio-system", service="istio-ingressgateway", owner="platform", severity="ticket"}': 1,
            }
        },
        step="30s",
        every="5m",
    ).run(engine("promtool"), tmp_path)


NOWHERE = {
    "destination_service": "unknown",
    "destination_service_name": "unknown",
    "destination_service_namespace": "unknown",
}


def test_visitors_of_a_gateway_who_ask_for_what_is_not_there_are_nobodys_ticket(engine, tmp_path):
    Play(
        model=mesh(service("cart")),
        inputs=[
            to("cart", "0+10x240", **EDGE),
            reported("0+50x240", response_code="404", response_flags="NR", **NOWHERE, **EDGE),
        ],
        expected={('ALERTS{alertname="UnattributedFailures"}', "110m"): {}},
        step="30s",
        every="5m",
    ).run(engine("promtool"), tmp_path)
