"""How the demo's services tell of themselves: spans and log records through the OpenTelemetry SDK, sent by OTLP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from meshscope.demo.script import Player

# How long a batch is waited for, in milliseconds of true time: half of what the SDK would, since traces are decided on
# within seconds, and what comes later than that is too late.
_BATCH_DELAY = 2500.0
_PROPAGATOR = TraceContextTextMapPropagator()
# A number that card processors reserve for tests. Careless code logs such things; nobody should read it there.
CARD = "4111 1111 1111 1111"
_ONE_IN = 5


@dataclass
class Told:
    """What a process handed to its SDK, and how many visitors came in by it."""

    visitors: int = 0
    spans: int = 0
    failed_spans: int = 0
    records: int = 0
    cards: int = 0


class Sending:
    """The way out of one process, which all its pods share; an empty ``collector`` is none."""

    def __init__(self, collector: str, time_scale: float) -> None:
        """Sends to the OTLP receiver at ``collector``, in batches as often as time runs."""
        self.open = bool(collector)
        delay = _BATCH_DELAY * time_scale
        self.spans = BatchSpanProcessor(OTLPSpanExporter(f"{collector}/v1/traces"), schedule_delay_millis=delay)
        self.records = BatchLogRecordProcessor(OTLPLogExporter(f"{collector}/v1/logs"), schedule_delay_millis=delay)
        self.told = Told()

    def flush(self) -> None:
        """Send what waits."""
        self.spans.force_flush(1000)
        self.records.force_flush(1000)


class Voice:
    """The spans and log records of one pod."""

    def __init__(self, player: Player, pod: str, sending: Sending) -> None:
        """Says of which service, version and pod everything is."""
        traced = player.traced and sending.open
        resource = Resource.create(
            {
                "service.name": player.identity.name,
                "service.namespace": player.identity.namespace,
                "service.version": player.version,
                "k8s.namespace.name": player.identity.namespace,
                "k8s.deployment.name": player.workload,
                "k8s.pod.name": pod,
            }
        )
        traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        if traced:
            traces.add_span_processor(sending.spans)
            logs.add_log_record_processor(sending.records)
        self._tracer: Tracer = traces.get_tracer("meshscope.demo")
        self._logger: Logger = logs.get_logger("meshscope.demo")
        self.told = sending.told if traced else Told()

    @contextmanager
    def answering(self, path: str, headers: Mapping[str, str]) -> Iterator[tuple[Span, Context]]:
        """The span of a request that arrived, in the trace that its headers name."""
        context = _PROPAGATOR.extract(dict(headers))
        span = self._tracer.start_span(f"GET {path}", context, SpanKind.SERVER, {"http.request.method": "GET"})
        try:
            yield span, set_span_in_context(span, context)
        finally:
            self.told.spans += 1
            span.end()

    @contextmanager
    def calling(self, callee: str, context: Context) -> Iterator[tuple[Span, dict[str, str]]]:
        """The span of a request that is sent, and the headers that carry its trace."""
        span = self._tracer.start_span("GET", context, SpanKind.CLIENT, {"server.address": callee})
        headers: dict[str, str] = {}
        _PROPAGATOR.inject(headers, set_span_in_context(span, context))
        try:
            yield span, headers
        finally:
            self.told.spans += 1
            span.end()

    def failed(self, span: Span, why: str) -> None:
        """Mark ``span`` as failed."""
        self.told.failed_spans += 1
        span.set_attribute("error.type", "500")
        span.set_status(Status(StatusCode.ERROR, why))

    def log(self, context: Context, text: str, *, error: bool = False) -> None:
        """Write a log record into the trace of ``context``; some hold what nobody should read."""
        told = self.told
        told.records += 1
        if told.records % _ONE_IN == 0:
            told.cards += 1
            text += f", paid with card {CARD}"
        severity = SeverityNumber.ERROR if error else SeverityNumber.INFO
        self._logger.emit(context=context, severity_number=severity, severity_text=severity.name, body=text)
