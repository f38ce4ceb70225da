"""A mesh of OpenTelemetry as it is: spans through a real collector into a real Prometheus, in several set-ups.

Nothing here is spelt by hand: the collector and Prometheus choose the names.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from meshscope.model.slo import Latency
from meshscope.model.units import seconds
from meshscope.wiring.discover import discover
from meshscope.wiring.load import load
from tests.ports import free_port

# What each set-up of a collector and of Prometheus's OTLP receiver is about.
SETUPS = {
    "seconds": ({"histogram": {"unit": "s"}}, "UnderscoreEscapingWithSuffixes"),
    "dots and native histograms": ({"histogram": {"exponential": {"max_size": 160}}}, "NoTranslation"),
    "no namespace": ({"namespace": ""}, "UnderscoreEscapingWithSuffixes"),
    "dots with suffixes": ({}, "NoUTF8EscapingWithSuffixes"),
}
SENDING_SECONDS = 20


@contextmanager
def running(command: list[str], address: str, log: Path) -> Iterator[None]:
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            for _ in range(600):
                with suppress(OSError), urllib.request.urlopen(address, timeout=1):
                    break
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def spans_of(name: str, port: int, **resource: str) -> TracerProvider:
    provider = TracerProvider(resource=Resource({"service.name": name, **resource}))
    exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{port}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    return provider


def send(port: int) -> None:
    """Requests to `api`, of which one in twenty fails, messages to `mailer`, and a browser that only calls."""
    api = spans_of("api", port, **{"service.namespace": "shop"})
    mailer, browser = spans_of("mailer", port), spans_of("browser", port, **{"service.namespace": "web"})
    end = time.monotonic() + SENDING_SECONDS
    count = 0
    while time.monotonic() < end:
        for provider, kind in ((api, SpanKind.SERVER), (mailer, SpanKind.CONSUMER), (browser, SpanKind.CLIENT)):
            for _ in range(20):
                now = time.time_ns()
                span = provider.get_tracer("t").start_span("work", kind=kind, start_time=now - 70_000_000)
                count += 1
                if kind is SpanKind.SERVER and count % 1000 == 0:
                    span.set_status(Status(StatusCode.ERROR))
                span.end(now)
        time.sleep(0.2)
    for provider in (api, mailer, browser):
        provider.shutdown()


@pytest.mark.engines("prometheus", "otelcol")
@pytest.mark.parametrize("setup", SETUPS)
def test_a_mesh_is_read_from_what_a_real_collector_writes(
    setup: str, engine: Callable[[str], Path], tmp_path: Path
) -> None:
    connector, strategy = SETUPS[setup]
    prometheus, otlp, health = free_port(), free_port(), free_port()
    (tmp_path / "prometheus.yml").write_text(json.dumps({"otlp": {"translation_strategy": strategy}}))
    pipelines = {
        "traces": {"receivers": ["otlp"], "exporters": ["span_metrics"]},
        "metrics": {"receivers": ["span_metrics"], "exporters": ["otlp_http"]},
    }
    config = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{otlp}"}}}},
        "connectors": {"span_metrics": {"metrics_flush_interval": "2s", **connector}},
        "exporters": {"otlp_http": {"endpoint": f"http://127.0.0.1:{prometheus}/api/v1/otlp"}},
        "extensions": {"health_check": {"endpoint": f"127.0.0.1:{health}"}},
        "service": {
            "extensions": ["health_check"],
            "pipelines": pipelines,
            "telemetry": {"metrics": {"level": "none"}},
        },
    }
    (tmp_path / "collector.yaml").write_text(json.dumps(config))
    store = [
        str(engine("prometheus")),
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{prometheus}",
        "--web.enable-otlp-receiver",
    ]
    collector = [str(engine("otelcol")), f"--config={tmp_path / 'collector.yaml'}"]
    address = f"http://127.0.0.1:{prometheus}"
    with (
        running(store, f"{address}/-/ready", tmp_path / "prometheus.log"),
        running(collector, f"http://127.0.0.1:{health}", tmp_path / "collector.log"),
    ):
        send(otlp)
        time.sleep(5)
        report = discover(address, "acme", tmp_path / "acme")
    house = load(tmp_path / "acme", None)
    assert house.model is not None
    services = {f"{service.namespace}/{service.name}": service for service in house.model.services}
    assert set(services) == {"shop/api", "default/mailer"}, report.notes
    api = services["shop/api"]
    assert api.volume is not None
    assert 20 < api.volume.value < 200
    (quick,) = [slo for slo in api.slos if isinstance(slo.of, Latency)]
    # Each took 70 ms: the bound is the first boundary above that of whatever histogram there is.
    assert isinstance(quick.of, Latency)
    assert 70 < quick.of.under.milliseconds <= 250, quick
    assert quick.of.under < 1 * seconds
    assert not services["default/mailer"].expects_traffic
    said = {note.code: note.subject for note in report.notes}
    assert said["discover/only-calls"] == "web/browser"
    assert "discover/other-names" in said
