"""Spans by OTLP over HTTP, in batches beside the agent's work: a receiver that is away costs spans, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from threading import Thread

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

_SCOPE = "meshscope.agent"
_PATH = "/v1/traces"
# What is left at the end is sent, but nobody waits for long for a receiver that is away.
_LAST_SECONDS = 3.0


@contextmanager
def otlp_tracer(address: str, about: Mapping[str, str], *, last_seconds: float = _LAST_SECONDS) -> Iterator[Tracer]:
    """A tracer that sends to the receiver at ``address`` (``http://collector:4318``); leaving sends what is left.

    An empty ``address`` is where OpenTelemetry's own environment variables say. ``about`` is what the resource of every
    span says beside the service's name and version.
    """
    exporter = OTLPSpanExporter(endpoint=f"{address.rstrip('/')}{_PATH}" if address else None)
    own = {"service.name": "meshscope-agent", "service.version": version("meshscope")}
    # Whoever runs it may call it otherwise: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES.
    resource = Resource.create({**own, **about}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield provider.get_tracer(_SCOPE, own["service.version"])
    finally:
        ending = Thread(target=provider.shutdown, name="meshscope-spans", daemon=True)
        ending.start()
        ending.join(last_seconds)
