"""What it takes to run a tier of collectors: a house, somebody who stores what it sends, and telemetry to send it."""

import gzip
import os
import secrets
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from meshscope.artefacts.documents import CollectorConfig
from meshscope.artefacts.yaml import dump
from meshscope.build.collectors import collectors
from meshscope.build.options import Options
from meshscope.model.model import Model
from meshscope.model.versions import Versions
from meshscope.wiring.load import load
from meshscope.wiring.providers import provider
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
FAST = Options(time_scale=Fraction(1, 20))
TOKENS = ("prometheus-token", "traces-token", "logs-token")
REQUESTS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}
_addresses = count(secrets.randbelow(200) + 2)


@cache
def house(environment: str | None = None, otelcol: str = "") -> Model:
    """The reference mesh; for another release of the collector where one is named."""
    model = load(ROOT, environment).model
    assert model is not None
    return replace(model, mesh=replace(model.mesh, versions=Versions(otelcol=otelcol))) if otelcol else model


def tiers(model: Model, mesh_provider: str = "opentelemetry", options: Options = FAST) -> dict[str, CollectorConfig]:
    """What is built for each tier of ``model``."""
    chosen, wrong = provider(mesh_provider, None)
    assert chosen is not None, wrong
    return {config.name: config for config in collectors(model, chosen, options)}


def own_address() -> str:
    """An address of this machine that nobody else uses, so that every tier can have the ports that it really has."""
    return f"127.{os.getpid() % 250 + 1}.{next(_addresses) % 250}.{secrets.randbelow(250) + 2}"


@dataclass
class Sink:
    """A store of all three signals: takes OTLP over HTTP and keeps it, or refuses it with another ``status``."""

    received: list[tuple[str, Any]] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)
    refused: int = 0
    status: int = 200
    server: ThreadingHTTPServer | None = None

    def open(self) -> None:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if sink.status == 200:
                    sink.keep(self.path, body, self.headers)
                else:
                    sink.refused += 1
                self.send_response(sink.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def down(self) -> bool:
        """Whether it asks to try again later."""
        return self.status == 503

    @down.setter
    def down(self, value: bool) -> None:
        self.status = 503 if value else 200

    def close(self) -> None:
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.server_port}"

    def keep(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        request = REQUESTS[path]()
        request.ParseFromString(gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body)
        self.received.append((path, request))
        self.authorizations.add(headers.get("Authorization", ""))

    def spans(self) -> list[tuple[dict[str, Any], Any]]:
        """Every span with the attributes of its resource."""
        return [
            (plain(part.resource.attributes), span)
            for request in self._of("/v1/traces")
            for part in request.resource_spans
            for scope in part.scope_spans
            for span in scope.spans
        ]

    def logs(self) -> list[tuple[dict[str, Any], Any]]:
        """Every log record with the attributes of its resource."""
        return [
            (plain(part.resource.attributes), record)
            for request in self._of("/v1/logs")
            for part in request.resource_logs
            for scope in part.scope_logs
            for record in scope.log_records
        ]

    def sums(self, name: str) -> dict[tuple[tuple[str, Any], ...], float]:
        """The last value of each series of a sum or histogram (its count), by its attributes."""
        values: dict[tuple[tuple[str, Any], ...], float] = {}
        for request in self._of("/v1/metrics"):
            for part in request.resource_metrics:
                for scope in part.scope_metrics:
                    for metric in scope.metrics:
                        if metric.name == name:
                            points = metric.sum.data_points or metric.histogram.data_points
                            for point in points:
                                key = tuple(sorted(plain(point.attributes).items()))
                                value = point.as_int if metric.HasField("sum") else point.count
                                values[key] = max(values.get(key, 0), value)
        return values

    def _of(self, path: str) -> Iterable[Any]:
        return [request for kind, request in list(self.received) if kind == path]


@dataclass
class Running:
    """A collector that runs a tier's configuration."""

    program: Path
    config: Path
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen | None = None
    flags: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        return self.environment["MY_POD_IP"]

    @property
    def authority(self) -> str:
        """Its host as it stands before a port."""
        return f"[{self.host}]" if ":" in self.host else self.host

    def start(self) -> None:
        """Start it, and wait until it is healthy."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [self.program, "--config", self.config, *self.flags],
                env={"PATH": os.environ["PATH"], **self.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(self._healthy, f"a healthy collector; its log: {self.log.read_text()[-2000:]}")

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal, and wait until it is gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=20)

    def send(self, path: str, request: Any, scheme: str = "http", **options: Any) -> int:
        """Send a request by OTLP over HTTP; the status of the answer."""
        body = request if isinstance(request, bytes) else request.SerializeToString()
        headers = {"Content-Type": "application/x-protobuf", **options.pop("headers", {})}
        asked = urllib.request.Request(f"{scheme}://{self.authority}:4318{path}", body, headers)
        try:
            with urllib.request.urlopen(asked, timeout=20, **options) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def metrics(self) -> str:
        """What it says of itself."""
        with urllib.request.urlopen(f"http://{self.authority}:8888/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def _healthy(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the collector ended: {self.log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(f"http://{self.authority}:13133/", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def write(config: CollectorConfig, folder: Path) -> Path:
    """The configuration as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{config.name}.yaml"
    path.write_text(dump(config.document))
    return path


def surroundings(folder: Path, sink: Sink, **more: str) -> dict[str, str]:
    """The environment of a collector whose stores are all the sink, and whose secrets are in ``folder``."""
    kept = folder / "secrets"
    kept.mkdir(parents=True, exist_ok=True)
    for name in TOKENS:
        (kept / name).write_text(f"{name}-of-the-test\n")
    return {
        "MY_POD_IP": own_address(),
        "MY_NODE_NAME": "node-1",
        "STORAGE_DIRECTORY": str(folder / "storage"),
        "SECRETS_DIRECTORY": str(kept),
        "PROMETHEUS_ENDPOINT": sink.url,
        "TRACES_ENDPOINT": sink.url,
        "LOGS_ENDPOINT": sink.url,
        "GATEWAY_HOST": "127.0.0.1",
        **more,
    }


def attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any(value)) for key, value in values.items()]


def plain(values: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in values}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind) if kind else None


def _any(value: Any) -> AnyValue:
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[_any(one) for one in value]))
    return AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value)


OF_LEDGER = {"service.name": "ledger", "service.namespace": "shop"}


def logs(bodies: Iterable[str], resource: Mapping[str, Any] = OF_LEDGER, **more: Any) -> ExportLogsServiceRequest:
    """Log records with these bodies, and with attributes ``more``."""
    request = ExportLogsServiceRequest()
    part = request.resource_logs.add()
    part.resource.attributes.extend(attributes(resource))
    scope = part.scope_logs.add()
    for body in bodies:
        record = scope.log_records.add(time_unix_nano=time.time_ns())
        record.body.string_value = body
        record.attributes.extend(attributes(more))
    return request


def trace(
    resource: Mapping[str, Any] = OF_LEDGER,
    *,
    spans: int = 1,
    failed: bool = False,
    millis: int = 3,
    trace_id: bytes = b"",
    **fields: Any,
) -> ExportTraceServiceRequest:
    """One trace of server spans; the first is failed if it shall be."""
    request = ExportTraceServiceRequest()
    part = request.resource_spans.add()
    part.resource.attributes.extend(attributes(resource))
    scope = part.scope_spans.add()
    now, trace_id = time.time_ns(), trace_id or secrets.token_bytes(16)
    for number in range(spans):
        span = scope.spans.add(
            trace_id=trace_id,
            span_id=secrets.token_bytes(8),
            name=fields.get("name", "POST /pay"),
            kind=Span.SPAN_KIND_SERVER,
            start_time_unix_nano=now - millis * 1_000_000,
            end_time_unix_nano=now,
        )
        span.attributes.extend(attributes(fields.get("attributes", {})))
        if failed and number == 0:
            span.status.code = 2
            span.status.message = fields.get("message", "boom")
    return request


def merged(requests: Iterable[ExportTraceServiceRequest]) -> ExportTraceServiceRequest:
    """One request that holds them all."""
    whole = ExportTraceServiceRequest()
    for request in requests:
        whole.MergeFrom(request)
    return whole
