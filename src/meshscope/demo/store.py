"""Where traces and logs end: a store on this machine that counts what the collectors deliver."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from meshscope.demo.instrument import CARD
from meshscope.demo.listening import PatientWebServer
from meshscope.demo.workshop import LOOPBACK

_OWNER = "service.owner"


@dataclass
class Kept:
    """What arrived: spans and the traces that they belong to, log records, and who is named as their owner."""

    spans: int = 0
    failed_spans: int = 0
    records: int = 0
    cards: int = 0
    unowned: int = 0
    traces: set[bytes] = field(default_factory=set)
    owners: set[str] = field(default_factory=set)


@dataclass
class Store:
    """Takes OTLP over HTTP, from nobody who shows another ``token``."""

    token: str
    kept: Kept = field(default_factory=Kept)
    _server: PatientWebServer | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, port: int) -> None:
        """Begin to listen."""
        store = self

        class Handler(_Handler):
            into = store

        self._server = PatientWebServer((LOOPBACK, port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, path: str, body: bytes) -> None:
        """Count what ``body`` holds."""
        with self._lock:
            if path.endswith("/v1/traces"):
                self._traces(ExportTraceServiceRequest.FromString(body))
            else:
                self._logs(ExportLogsServiceRequest.FromString(body))

    def _traces(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            self._owned(resource.resource.attributes)
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                self.kept.spans += 1
                self.kept.failed_spans += span.status.code == Status.STATUS_CODE_ERROR
                self.kept.traces.add(span.trace_id)

    def _logs(self, request: ExportLogsServiceRequest) -> None:
        for resource in request.resource_logs:
            self._owned(resource.resource.attributes)
            for record in (record for scope in resource.scope_logs for record in scope.log_records):
                self.kept.records += 1
                self.kept.cards += CARD in record.body.string_value

    def _owned(self, attributes: Iterator[KeyValue]) -> None:
        owner = next((each.value.string_value for each in attributes if each.key == _OWNER), "")
        self.kept.unowned += not owner
        self.kept.owners |= {owner} if owner else set()


class _Handler(BaseHTTPRequestHandler):
    into: Store
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        # Whoever shows a token must show the right one.
        known = self.headers.get("Authorization", f"Bearer {self.into.token}") == f"Bearer {self.into.token}"
        if known:
            self.into.take(self.path, gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing: what came is counted."""
