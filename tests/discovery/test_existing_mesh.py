"""From a real Prometheus to definitions that build: 80 services in 12 namespaces, whose truth is known."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from meshscope.adapters.memory.metric_store import MemoryMetricStore
from meshscope.adapters.stores.access import Access
from meshscope.adapters.stores.prometheus import PrometheusStore
from meshscope.build.discovery.report import Report
from meshscope.build.discovery.store import Question, Reading, matchers
from meshscope.model.model import Model
from meshscope.model.services import Identity
from meshscope.model.slo import Latency
from meshscope.model.units import Duration, days, hours, minutes, ms
from meshscope.wiring.discover import discover
from meshscope.wiring.load import load
from tests.discovery.world import CLUSTER, REQUESTS, Name, World

pytestmark = pytest.mark.engines("prometheus", "promtool")

VIEW = ("cluster", "destination_service_namespace", "destination_service_name", "reporter")


@pytest.fixture(scope="module")
def _written() -> dict[str, tuple[Report, Path]]:
    return {}


@pytest.fixture
def discovered(
    prometheus: str, _written: dict[str, tuple[Report, Path]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Report, Path]:
    """The report, and the house that was written; asked once."""
    if prometheus not in _written:
        folder = tmp_path_factory.mktemp("discovered") / "acme"
        _written[prometheus] = discover(prometheus, "acme", folder), folder
    return _written[prometheus]


@pytest.fixture
def model(discovered: tuple[Report, Path]) -> Model:
    house = load(discovered[1])
    assert house.findings == ()
    assert house.model is not None
    return house.model


def _identity(name: Name) -> Identity:
    return Identity(CLUSTER, *name) if name[0] else Identity("", "", name[1].replace(".", "-"))


def test_each_service_is_found_with_its_namespace_data_plane_and_instances(model: Model, the_world: World) -> None:
    assert len(the_world.services) == 80
    assert len({namespace for namespace, _ in the_world.services}) == 12
    found = {(service.namespace, service.name): service for service in model.services}
    assert set(found) - set(the_world.services) == {("analytics", "nightly-report")}
    for name, truth in the_world.services.items():
        counted = truth.pods if truth.plane == "sidecar" else 2
        assert (found[name].dataplane, found[name].replicas) == (truth.plane, counted), name
        deployment = truth.deployment if truth.plane == "sidecar" and truth.deployment != truth.name else ""
        assert found[name].workload == deployment, name


def test_each_call_is_found_whatever_the_calling_workload_is_called(model: Model, the_world: World) -> None:
    assert set(model.calls) == {(_identity(caller), _identity(callee)) for caller, callee in the_world.calls}


def test_gateways_and_hosts_outside_are_told_from_services(model: Model, the_world: World) -> None:
    assert {(gateway.namespace, gateway.name): gateway.direction for gateway in model.gateways} == the_world.gateways
    assert {external.host for external in model.externals} == the_world.hosts


def test_volumes_are_the_averages_of_the_day(model: Model, the_world: World) -> None:
    for service in model.services:
        truth = Decimal(the_world.rate((service.namespace, service.name)))
        if truth:
            assert service.volume is not None
            assert abs(service.volume.value - truth) <= truth * Decimal("0.06"), service.identity


def test_objectives_are_proposed_that_the_day_would_have_kept_with_room_to_spare(
    model: Model, the_world: World
) -> None:
    expected = {0.0: "99.9%", 0.0002: "99.9%", 0.002: "99.5%", 0.004: "99%"}
    for service in model.services:
        truth = the_world.services.get((service.namespace, service.name))
        if truth is None:
            assert (service.slos, service.expects_traffic) == ((), False)
            continue
        available, quick = service.slos
        assert str(available.objective) == expected[truth.failing], service.identity
        assert quick.of == Latency(under=truth.within * ms), service.identity
        assert {available.over, quick.over} == {30 * days}


def test_the_mesh_knows_its_provider_cluster_retention_and_scrape_interval(model: Model) -> None:
    mesh = model.mesh
    assert (mesh.name, mesh.provider, mesh.cluster) == ("acme", "istio", CLUSTER)
    assert (mesh.retention, mesh.scrape_interval) == (40 * days, 1 * minutes)


def test_what_is_left_out_is_said_with_its_reason(discovered: tuple[Report, Path]) -> None:
    notes = discovered[0].notes
    assert {note.code for note in notes} == {
        "discover/bad-name",
        "discover/blocked",
        "discover/gone",
        "discover/job",
        "discover/no-destination",
        "discover/only-tcp",
    }
    subjects = {code: {note.subject for note in notes if note.code == code} for code in {note.code for note in notes}}
    assert subjects["discover/gone"] == {"eu-1/shop/retired"}
    assert subjects["discover/only-tcp"] == {"eu-1/platform/postgres"}
    assert subjects["discover/no-destination"] == {"PassthroughCluster", "unknown"}
    assert subjects["discover/blocked"] == {"BlackHoleCluster"}
    assert len(subjects["discover/bad-name"]) == 9
    assert not any("\n" in note.title for note in notes)


def test_the_report_counts_what_was_found_and_says_what_to_do_next(
    discovered: tuple[Report, Path], prometheus: str
) -> None:
    report, folder = discovered
    assert re.sub(r"Prometheus [\d.]+", "Prometheus", report.text) == (
        f"acme: read from Prometheus at {prometheus}, last day\n\n"
        "   81 services  in 12 namespaces\n"
        "  166 calls     seen between them\n"
        "    3 gateways  ingress: front-door, istio-ingressgateway; egress: istio-egressgateway\n"
        "    2 hosts     outside the mesh that services call\n"
        "  160 SLOs      proposed from what was measured\n\n"
        f"16 files written to {folder}/. Next:\n"
        f"  1. say who runs what: `owner` at the top of 15 files in {folder}/services/\n"
        f"  2. cd {folder} && meshscope check\n"
        "  3. meshscope build\n"
    )


def test_the_definitions_are_as_ruff_and_mypy_want_them(discovered: tuple[Report, Path]) -> None:
    folder = discovered[1]
    for command in (
        ["ruff", "format", "--isolated", "--check", "."],
        ["ruff", "check", "--isolated", "--select", "A,B,C4,E,F,I,N,PIE,RET,RUF,SIM,UP,W", "."],
        ["mypy", "--strict", "--explicit-package-bases", "."],
    ):
        ended = subprocess.run(
            [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr


QUESTIONS = [
    Question(purpose="all", metric=REQUESTS, reading=Reading.SERIES),
    Question(purpose="a day ago", metric=REQUESTS, reading=Reading.SERIES, by=("reporter",), window=1 * days),
    Question(purpose="a month ago", metric=REQUESTS, reading=Reading.SERIES, window=30 * days),
    Question(purpose="nothing", metric="nobody_has_this_total", reading=Reading.SERIES),
    Question(purpose="spacing", metric=REQUESTS, reading=Reading.SAMPLES, window=10 * minutes),
    Question(purpose="a day", metric=REQUESTS, reading=Reading.INCREASE, by=VIEW, window=1 * days),
    Question(purpose="an hour", metric=REQUESTS, reading=Reading.INCREASE, by=("reporter",), window=1 * hours),
    Question(
        purpose="failures",
        metric=REQUESTS,
        reading=Reading.INCREASE,
        where=matchers('reporter=~"source|waypoint",response_code!~"5..|0",grpc_response_status=~"2|4|12|13|14|15"'),
        by=VIEW,
        window=1 * days,
    ),
    Question(
        purpose="a name in quotes",
        metric=REQUESTS,
        reading=Reading.SERIES,
        where=matchers(r'destination_service_name="shop\"; import os  #"'),
        by=("destination_service_name", "no_such_label"),
    ),
    Question(
        purpose="dots in names",
        metric=REQUESTS,
        reading=Reading.SERIES,
        where=matchers(r'destination_service_name=~".*\\.example",missing=""'),
        by=("destination_service_name",),
    ),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.purpose)
def test_the_store_in_memory_answers_as_prometheus_does(prometheus: str, the_world: World, question: Question) -> None:
    store = PrometheusStore(prometheus, Access())
    now = store.about().now
    real, twin = (
        store.ask(question, now),
        MemoryMetricStore(counters=the_world.counters, interval=60).ask(question, now),
    )
    store.close()
    assert real.warnings == twin.warnings == ()
    answers = [{tuple(sorted(row.labels.items())): row.value for row in rows} for rows in (real.rows, twin.rows)]
    assert set(answers[0]) == set(answers[1])
    for labels, value in answers[0].items():
        assert answers[1][labels] == pytest.approx(value, rel=0.12), labels


def test_prometheus_says_what_it_is_and_what_it_has(prometheus: str, the_world: World) -> None:
    store = PrometheusStore(prometheus + "/", Access())
    about, names = store.about(), store.names()
    store.close()
    assert re.fullmatch(r"Prometheus \d+\.\d+\.\d+", about.product)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", about.date)
    assert about.retention == Duration(Decimal(40 * 86400))
    assert isinstance(about.series, int)
    assert names == MemoryMetricStore(counters=the_world.counters).names()
