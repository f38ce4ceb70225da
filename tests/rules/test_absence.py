"""What is said to be absent: held against meshes whose right answer a person can tell by looking."""

from collections.abc import Callable
from pathlib import Path

import pytest

from meshscope.model.services import Service
from meshscope.model.slo import SLO, Availability, Latency
from meshscope.model.units import days, ms, percent
from tests.rules.played import Look, counted, play, service

pytestmark = pytest.mark.engines("promtool")

AVAILABILITY = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=30 * days)
LATENCY = SLO(name="latency", of=Latency(under=250 * ms), objective=99 * percent, over=30 * days)
STEADY = "0+100x60"
ABSENT = 'count by (cluster, service, slo) (ALERTS{{alertname="IndicatorAbsent",alertstate="firing",missing="{}"}})'


def of(cluster: str, count: int, *slos: SLO, **more: bool) -> list[Service]:
    return [service(f"{cluster}-{number}", *slos, cluster=cluster, **more) for number in range(count)]


def reporting(services: list[Service], code: str = "200") -> list[dict[str, str]]:
    return [counted(one.name, code, STEADY, one.cluster) for one in services]


def indicators(services: list[Service], *names: str) -> dict[str, float]:
    return {f'{{cluster="{one.cluster}",service="{one.name}",slo="{name}"}}': 1.0 for one in services for name in names}


def test_only_what_should_have_traffic_and_has_none_is_absent_and_each_cluster_for_itself(
    engine: Callable[[str], Path], tmp_path: Path
) -> None:
    well = of("well", 6, AVAILABILITY)
    batch = of("batch", 2, AVAILABILITY)
    # Nobody expects anything of them most of the time.
    by_night = [
        service(f"nightly-{number}", AVAILABILITY, cluster="batch", expects_traffic=False) for number in range(10)
    ]
    # Their requests are counted, but not up to 250 ms.
    bounds = of("bounds", 6, AVAILABILITY, LATENCY)
    birth = of("birth", 6, AVAILABILITY, LATENCY)
    gone = of("gone", 6, AVAILABILITY)
    # One of two, or four of ten, is no reason to say that the telemetry is gone.
    pair, some = of("pair", 2, AVAILABILITY), of("some", 10, AVAILABILITY)
    services = [*well, *batch, *by_night, *bounds, *birth, *gone, *pair, *some]
    series = [
        *reporting([*well, *batch, *bounds, *pair[:1], *some[:6]]),
        *reporting(birth, "503"),
    ]
    silent = indicators([*gone, *pair[1:], *some[6:]], "availability")
    storm = 'count by (cluster) (ALERTS{alertname="MeshTelemetryAbsent",alertstate="firing"})'
    looks = [
        *(Look(f"{minute}m", storm, {'{cluster="gone"}': 1.0} if minute > 6 else {}) for minute in (4, 8, 16, 25)),
        Look("25m", ABSENT.format("bucket"), indicators(bounds, "latency")),
        Look("25m", ABSENT.format("requests"), silent),
        Look("12m", 'ALERTS{alertname="IndicatorAbsent",alertstate="firing"}', {}),
    ]
    play(engine("promtool"), tmp_path, services, series, looks, more=("platform",))
