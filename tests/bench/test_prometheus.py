"""What is asked of a Prometheus, and the past that it is given."""

import json
import re
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench import peer, traffic
from bench.mesh import shape
from bench.prometheus import Server, read, running
from bench.watch import weighted

MESH = shape(4, callers=2)
SERVICE = MESH.services[0]
PAST = traffic.Past(shallow=20 * 60, deep=3 * 3600, deep_bounds=("250",))
CONSTANT = {"record": "slo:objective:ratio", "expr": "vector(0.999)", "labels": {"service": "ledger"}}


def test_a_reading_takes_groups_by_name_and_sums_failures() -> None:
    now = read(
        "# HELP prometheus_tsdb_head_series Series.\n"
        "prometheus_tsdb_head_series 1.5e+06\n"
        "process_resident_memory_bytes 2048\n"
        'prometheus_rule_group_iterations_total{rule_group="/a/slo.yaml;slo:fast"} 7\n'
        'prometheus_rule_group_interval_seconds{rule_group="/a/slo.yaml;slo:fast"} 30\n'
        'prometheus_rule_evaluation_failures_total{rule_group="/a/slo.yaml;slo:fast"} 2\n'
        'prometheus_rule_evaluation_failures_total{rule_group="/a/slo.yaml;slo:slow"} 1\n',
        at=1,
        cpu_seconds=2,
    )
    assert (now.series, now.resident_bytes, now.failures) == (1_500_000, 2048, 3)
    assert now.iterations == {"slo:fast": 7}
    assert now.intervals == {"slo:fast": 30}


def test_a_group_that_runs_every_two_minutes_counts_a_quarter() -> None:
    assert weighted({"fast": [1, 3], "slow": [8]}, {"fast": 30, "slow": 120}) == {"fast": 2, "slow": 2}


def test_constants_are_known_before_they_are_evaluated() -> None:
    (known,) = traffic.constants([CONSTANT, {"record": "x", "expr": "sum(up)"}, {"alert": "A", "expr": "vector(1)"}])
    assert known.labels == {"__name__": "slo:objective:ratio", "service": "ledger"}
    assert (known.value, known.noise) == (0.999, 0)


@pytest.mark.engines("promtool")
def test_the_peers_rules_are_seventeen_for_each_slo_and_accepted(engine: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "peer.yaml"
    path.write_text(peer.rule_file(MESH.services))
    ended = subprocess.run(
        [engine("promtool"), "check", "rules", "--lint=none", path], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert f"SUCCESS: {17 * 2 * len(MESH.services)} rules found" in ended.stdout


@dataclass(frozen=True)
class Played:
    """A Prometheus that knows the past of a mesh, and what the mesh says now."""

    server: Server
    until: int
    now: str

    def at(self, query: str, ago: int = 0) -> list[dict[str, object]]:
        result: list[dict[str, object]] = self.server.api(
            "query?" + urllib.parse.urlencode({"time": self.until - ago, "query": query})
        )["result"]
        return result

    def value(self, query: str, ago: int = 0) -> float:
        (one,) = self.at(query, ago)
        _, value = one["value"]  # type: ignore[misc]
        return float(value)


@pytest.fixture(scope="module")
def player(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that plays a mesh to Prometheus."""
    if traffic.compiler() is None and request.config.getoption("--engines") != "required":
        pytest.skip("there is no Go: run `make engines`")
    return traffic.compiled(tmp_path_factory.mktemp("player"))


@pytest.fixture(scope="module")
def played(player: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("played")
    recorded = [*traffic.layers(MESH), *traffic.constants([CONSTANT]), *peer.layers(MESH)]
    planned, written = traffic.fill(player, folder, MESH, PAST, recorded, seconds=0)
    # Raw requests and buckets; rates, their sums of two and ten minutes, the period; a constant; the peer's.
    assert written.series == 4 * 2 * 3 * 2 * 13 + 4 * 2 * (3 + 4 + 2 + 1) + 1 + 4 * 2
    until = int(json.loads(planned.read_text())["until"])
    with traffic.served(player, planned, 1) as (address,):
        text = urllib.request.urlopen(f"http://{address}").read().decode()
        with running(folder, []) as server:
            yield Played(server=server, until=until, now=text)


@pytest.mark.engines("prometheus")
@pytest.mark.usefixtures("engine")
class TestThePast:
    """What Prometheus answers from blocks that bench/backfill wrote."""

    def test_requests_arrive_at_the_services_own_rate(self, played: Played) -> None:
        rate = f'sum(rate(istio_requests_total{{destination_service_name="{SERVICE.name}",reporter="source"}}[15m]))'
        assert played.value(rate) == pytest.approx(SERVICE.rate, rel=0.05)

    def test_each_service_has_two_callers_three_codes_two_reporters_and_twelve_buckets(self, played: Played) -> None:
        for label, count in (("source_workload", 2), ("response_code", 3), ("reporter", 2), ("le", 12)):
            metric = f'istio_request_duration_milliseconds_bucket{{destination_service_name="{SERVICE.name}"}}'
            assert played.value(f"count(count by ({label}) ({metric}))") == count

    def test_buckets_grow_with_their_bound(self, played: Played) -> None:
        buckets = played.at(f'sum by (le) (istio_request_duration_milliseconds_bucket{{pod=~"{SERVICE.name}.*"}})')
        counts = {float(one["metric"]["le"]): float(one["value"][1]) for one in buckets}  # type: ignore[index]
        ordered = [counts[bound] for bound in sorted(counts)]
        assert ordered == sorted(ordered)
        assert ordered[0] < ordered[-1]

    def test_only_what_is_read_for_days_goes_back_for_days(self, played: Played) -> None:
        ago = 2 * 3600
        assert {one["metric"]["reporter"] for one in played.at("istio_requests_total", ago)} == {"source"}  # type: ignore[index]
        bounds = {one["metric"]["le"] for one in played.at("istio_request_duration_milliseconds_bucket", ago)}  # type: ignore[index]
        assert bounds == {"250.0"}

    def test_recorded_layers_go_back_as_far_as_windows_read(self, played: Played) -> None:
        for layer, window, full in (
            ("slo:errors:rate5m", "1h", 120),
            ('slo:rate5m:over2m{of="events_sum"}', "6h", 180),
            ("slo:errors:sum10m", "30d", 4_320),
            ("slo:sli_error:ratio_rate5m", "30d", 86_400),
        ):
            counted = f"count(count_over_time({layer}[{window}]) == {full})"
            assert played.value(counted, ago=traffic.STEP) == 2 * len(MESH.services)

    def test_constants_have_their_value(self, played: Played) -> None:
        assert played.value('slo:objective:ratio{service="ledger"}') == 0.999

    def test_the_present_continues_the_past(self, played: Played) -> None:
        now = dict(_samples(played.now))
        past = {
            frozenset(one["metric"].items()): float(one["value"][1])  # type: ignore[attr-defined, index]
            for metric in ("istio_requests_total", "istio_request_duration_milliseconds_bucket")
            for one in played.at(metric)
        }
        assert now.keys() == past.keys()
        assert all(now[labels] >= past[labels] for labels in past)


@pytest.mark.engines("prometheus")
def test_a_past_that_ended_too_long_ago_is_refused(player: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="allow more time"):
        traffic.fill(player, tmp_path, MESH, PAST, [], seconds=-600)


def _samples(text: str) -> Iterator[tuple[frozenset[tuple[str, str]], float]]:
    for name, labels, value in re.findall(r"^(\w+)\{(.*)\} (\S+)$", text, re.MULTILINE):
        named = re.findall(r'(\w+)="([^"]*)"', labels)
        yield frozenset([("__name__", name), *named]), float(value)
