"""What a real Prometheus makes of the span metrics that a real gateway pushes into it."""

import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from collecting_lab import Running, merged, tiers, trace

from meshscope.artefacts.yaml import dump
from meshscope.build.options import Options
from meshscope.build.prometheus import prometheus
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider
from meshscope.wiring.providers import provider
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.engines("otelcol", "prometheus")

INSTANCE = {
    "service.name": "ledger",
    "service.namespace": "shop",
    "service.version": "2.1",
    "service.instance.id": "of-the-sdk",
    "k8s.deployment.name": "ledger-blue",
    "k8s.pod.name": "ledger-blue-0",
}


@dataclass(frozen=True)
class Store:
    """A Prometheus that takes OTLP."""

    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        asked = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return list(json.load(answer)["data"]["result"])


@pytest.fixture
def spans() -> MeshProvider:
    """The provider that reads span metrics."""
    chosen, _ = provider("opentelemetry", None)
    assert chosen is not None
    return chosen


@pytest.fixture
def store(engine: Callable[[str], Path], boutique: Model, spans: MeshProvider, tmp_path: Path) -> Iterator[Store]:
    """Prometheus as it is configured for the mesh, but that it scrapes nobody."""
    built = prometheus(boutique, spans, Options()).document
    kept = {name: built[name] for name in ("otlp", "storage")}
    (tmp_path / "prometheus.yaml").write_text(dump(kept))
    address = f"127.0.0.1:{free_port()}"
    with (tmp_path / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [
                engine("prometheus"),
                f"--config.file={tmp_path / 'prometheus.yaml'}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address={address}",
                "--web.enable-otlp-receiver",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: _ready(address, process), "a Prometheus that is ready")
        yield Store(f"http://{address}")
    finally:
        process.terminate()
        process.wait(timeout=20)


def _ready(address: str, process: subprocess.Popen) -> bool:
    assert process.poll() is None
    try:
        with urllib.request.urlopen(f"http://{address}/-/ready", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def counting(start: Callable[..., Running], boutique: Model, store: Store) -> Running:
    """The gateway tier, which pushes into that Prometheus."""
    return start(tiers(boutique)["gateway"], PROMETHEUS_ENDPOINT=f"{store.url}/api/v1/otlp")


def test_the_provider_s_metrics_and_labels_are_those_that_come_out(
    counting: Running, store: Store, spans: MeshProvider
):
    request = merged([trace(INSTANCE), trace(INSTANCE, failed=True), trace(INSTANCE, millis=70)])
    assert counting.send("/v1/traces", request) == 200
    until(lambda: _values(store, spans.requests) == [1, 2], "the requests")
    found = store.query(spans.requests)

    labels = spans.labels
    identity = {
        labels.cluster: "eu-1",
        labels.namespace: "shop",
        labels.service: "ledger",
        labels.reporter: spans.instance_reporter,
        labels.workload: "ledger-blue",
        labels.version: "2.1",
        labels.pod: "ledger-blue-0",
    }
    for one in found:
        assert identity.items() <= one["metric"].items()
        others = set(one["metric"]) - set(identity)
        assert others == {"__name__", "status_code", "collector_instance_id"}
    assert {one["metric"]["status_code"] for one in found} == {"STATUS_CODE_UNSET", "STATUS_CODE_ERROR"}
    [failed] = store.query(" or ".join(f"{spans.requests}{{{selector}}}" for selector in spans.failed))
    assert float(failed["value"][1]) == 1


def test_each_threshold_in_use_is_a_bucket_as_the_rules_spell_it(
    counting: Running, store: Store, spans: MeshProvider, boutique: Model
):
    assert counting.send("/v1/traces", merged(trace(INSTANCE, millis=one) for one in (3, 70, 99, 101, 700))) == 200
    until(lambda: _values(store, f"{spans.latency}_count") == [5], "the durations")
    for bound in boutique.latency_bounds:
        [bucket] = store.query(f'sum({spans.latency}_bucket{{le="{spans.le(bound)}"}})')
        expected = sum(one <= bound.milliseconds for one in (3, 70, 99, 101, 700))
        assert (float(bucket["value"][1]), bound) == (expected, bound)


def test_instances_that_differ_in_what_no_label_shows_are_one_series_that_only_grows(
    counting: Running, store: Store, spans: MeshProvider
):
    for number in range(3):
        restarted = {**INSTANCE, "service.instance.id": f"process-{number}", "process.pid": number}
        assert counting.send("/v1/traces", merged(trace(restarted) for _ in range(10))) == 200
        _until_counted(store, spans, 10 * (number + 1))


def test_a_series_begins_at_nought_so_that_its_first_requests_are_not_missed_by_rates(
    counting: Running, store: Store, spans: MeshProvider
):
    assert counting.send("/v1/traces", merged(trace(INSTANCE) for _ in range(10))) == 200
    _until_counted(store, spans, 10)
    [begun] = store.query(f"min_over_time({spans.requests}[5m])")
    assert float(begun["value"][1]) == 0


def _values(store: Store, expression: str) -> list[float]:
    return sorted(float(one["value"][1]) for one in store.query(expression))


def _until_counted(store: Store, spans: MeshProvider, number: int) -> None:
    until(lambda: _values(store, spans.requests) == [number], f"{number} requests in one series")
