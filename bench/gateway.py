"""How many traces a gateway stores in a second when it keeps each, to the same sampler with queues in memory."""

from __future__ import annotations

import http.client
import os
import re
import secrets
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.figures import Figure, Goal
from bench.mesh import ROOT
from bench.prometheus import cpu_seconds, workplace
from bench.talk import Talk
from bench.traffic import engines
from meshscope.artefacts.yaml import dump
from meshscope.build.collectors import collectors
from meshscope.build.options import Options
from meshscope.demo.workshop import free_ports
from meshscope.model.pipelines import Pipeline
from meshscope.model.units import percent, seconds
from meshscope.wiring.load import load
from meshscope.wiring.providers import provider

GOAL = Goal(name="gateway_traces_ratio", unit="times the traces", goal=0.5, better="higher")

_SPANS = 4
_TRACES_A_REQUEST = 50
_SENDERS = 4
_WARM_SECONDS, _SECONDS = 6.0, 20.0
_DRAIN_SECONDS = 90.0
_PLACEHOLDER = b"\xa5" * 14
_STORES = ("PROMETHEUS_ENDPOINT", "TRACES_ENDPOINT", "LOGS_ENDPOINT")


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Traces stored in a second while more came than could be, the CPU they took, and how many were sent and lost."""

    traces: float
    cpu_seconds: float
    sent: int
    lost: int


@dataclass(frozen=True)
class Collector:
    """A running collector, and the port at ``host`` where it takes OTLP over HTTP and where it tells of itself."""

    process: subprocess.Popen[bytes]
    host: str
    port: int
    metrics: int

    def spans(self) -> int:
        """How many spans it has accepted."""
        with urllib.request.urlopen(f"http://{self.host}:{self.metrics}/metrics", timeout=30) as answer:
            said = answer.read().decode()
        return sum(
            int(float(number)) for number in re.findall(r"^otelcol_receiver_accepted_spans\S* (\S+)$", said, re.M)
        )


def sampled(talk: Talk) -> list[Figure]:
    """The ratio, with a sender that can do at least twice what the sampler with queues in memory does."""
    with workplace() as folder:
        generated = _generated()
        able = _able(folder)
        talk.say(f"gateway: the sender can send {able:,.0f} traces a second")
        memory = _stored(folder / "memory", _in_memory(generated))
        talk.say(f"gateway: {memory.traces:,.0f} traces a second stored with queues in memory")
        ours = _stored(folder / "generated", generated)
        talk.say(f"gateway: {ours.traces:,.0f} traces a second stored as generated")
    for what, rate in (("with queues in memory", memory), ("as generated", ours)):
        if rate.lost:
            raise SystemExit(f"the gateway {what} lost {rate.lost:,} of {rate.sent:,} traces")
    if able < 2 * memory.traces:
        raise SystemExit(
            f"the sender is too slow: {able:,.0f} traces a second, and {2 * memory.traces:,.0f} are needed"
        )
    return [GOAL.measured(ours.traces / memory.traces, _method(able, memory, ours))]


def _method(able: float, memory: Rate, ours: Rate) -> str:
    return (
        f"traces of {_SPANS} spans, {_TRACES_A_REQUEST} in a request, {_SENDERS} connections that send as fast as they "
        f"are answered (alone {able:,.0f} traces a second); stored, over {_SECONDS:.0f} s: {ours.traces:,.0f} a second "
        f"by the reference mesh's gateway as it is generated, with every trace kept, and {memory.traces:,.0f} by the "
        f"same configuration with its queues in memory and no batch; CPU seconds for 1,000 traces "
        f"{1000 * ours.cpu_seconds / (ours.traces * _SECONDS):.2f} and "
        f"{1000 * memory.cpu_seconds / (memory.traces * _SECONDS):.2f}; of {ours.sent:,} and {memory.sent:,} sent none "
        f"was lost; the store is a collector that drops what it takes"
    )


def _generated() -> dict[str, Any]:
    """The reference mesh's gateway, which keeps each trace and decides after a second."""
    model = load(ROOT, None).model
    chosen, wrong = provider("opentelemetry", None)
    if model is None or chosen is None:
        raise SystemExit(f"the reference mesh does not load: {wrong}")
    pipelines = tuple(_keeping(one) for one in model.pipelines)
    made = collectors(replace(model, pipelines=pipelines), chosen, Options())
    return dict(next(one.document for one in made if one.name == "gateway"))


def _keeping(pipeline: Pipeline) -> Pipeline:
    if pipeline.sample is None:
        return pipeline
    return replace(pipeline, sample=replace(pipeline.sample, rest=100 * percent, decision_wait=1 * seconds))


def _in_memory(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same with queues in memory, and nothing between the sampler and its queue."""
    exporters = {
        name: {**settings, "sending_queue": {**settings["sending_queue"], "storage": None}}
        for name, settings in document["exporters"].items()
    }
    pipelines = {
        name: {**part, "processors": [one for one in part["processors"] if one.partition("/")[0] != "batch"]}
        for name, part in document["service"]["pipelines"].items()
    }
    processors = {name: one for name, one in document["processors"].items() if name.partition("/")[0] != "batch"}
    service = {**document["service"], "pipelines": pipelines}
    return {**document, "exporters": exporters, "processors": processors, "service": service}


def _able(folder: Path) -> float:
    """How many traces a second the sender can send to a collector that does nothing with them."""
    with _sink(folder / "able") as sink, _sending(sink) as _:
        time.sleep(_WARM_SECONDS / 2)
        return _rate(sink, _SECONDS / 2)


def _stored(folder: Path, document: Mapping[str, Any]) -> Rate:
    with _sink(folder) as sink, _gateway(folder, document, sink) as gateway:
        with _sending(gateway) as sent:
            time.sleep(_WARM_SECONDS)
            began = cpu_seconds(gateway.process.pid)
            traces = _rate(sink, _SECONDS)
            used = cpu_seconds(gateway.process.pid) - began
        total = sum(sent)
        lost = _lost(sink, total)
    return Rate(traces=traces, cpu_seconds=used, sent=total, lost=lost)


def _rate(at: Collector, length: float) -> float:
    began, before = time.monotonic(), at.spans()
    time.sleep(length)
    return (at.spans() - before) / _SPANS / (time.monotonic() - began)


def _lost(sink: Collector, sent: int) -> int:
    deadline = time.monotonic() + _DRAIN_SECONDS
    while (missing := sent - sink.spans() // _SPANS) and time.monotonic() < deadline:
        time.sleep(0.5)
    return missing


@contextmanager
def _sink(folder: Path) -> Iterator[Collector]:
    """A collector that drops what it takes."""
    port, metrics = free_ports(2)
    reader = {"host": "127.0.0.1", "port": metrics, "without_type_suffix": True, "without_units": True}
    document = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {"nop": {}},
        "service": {
            "telemetry": {"metrics": {"readers": [{"pull": {"exporter": {"prometheus": reader}}}]}},
            "pipelines": {
                signal: {"receivers": ["otlp"], "exporters": ["nop"]} for signal in ("traces", "metrics", "logs")
            },
        },
    }
    with _running(folder / "sink", document, {}) as process:
        yield _ready(Collector(process, "127.0.0.1", port, metrics))


@contextmanager
def _gateway(folder: Path, document: Mapping[str, Any], sink: Collector) -> Iterator[Collector]:
    host = f"127.{os.getpid() % 250 + 1}.{secrets.randbelow(250)}.{secrets.randbelow(250) + 2}"
    kept = folder / "secrets"
    kept.mkdir(parents=True)
    for name in ("prometheus-token", "traces-token", "logs-token"):
        (kept / name).write_text("of-the-benchmark\n", encoding="utf-8")
    surroundings = {
        "MY_POD_IP": host,
        "STORAGE_DIRECTORY": str(folder / "storage"),
        "SECRETS_DIRECTORY": str(kept),
        **dict.fromkeys(_STORES, f"http://127.0.0.1:{sink.port}"),
    }
    with _running(folder / "gateway", document, surroundings) as process:
        yield _ready(Collector(process, host, 4318, 8888))


@contextmanager
def _running(folder: Path, document: Mapping[str, Any], more: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yaml"
    config.write_text(dump(document), encoding="utf-8")
    program = engines() / "bin" / "otelcol"
    if not program.is_file():
        raise SystemExit("there is no otelcol: run `make engines`")
    with ExitStack() as ends:
        log = ends.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen(  # noqa: S603 - the engine that was built
            [program, "--config", config], env={"PATH": os.environ["PATH"], **more}, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


def _ready(collector: Collector) -> Collector:
    for _ in range(300):
        if collector.process.poll() is not None:
            raise SystemExit("a collector of the benchmark ended at once")
        try:
            # It tells of itself before it takes anything.
            collector.spans()
            socket.create_connection((collector.host, collector.port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return collector
    raise SystemExit("a collector of the benchmark is not ready after 30 s")


@contextmanager
def _sending(to: Collector) -> Iterator[list[int]]:
    """Send as fast as is answered; the list holds how many traces each connection has sent once it is over."""
    body = _body()
    sent = [0] * _SENDERS
    over = threading.Event()
    threads = [threading.Thread(target=_send, args=(to, body, sent, number, over)) for number in range(_SENDERS)]
    for thread in threads:
        thread.start()
    try:
        yield sent
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _send(to: Collector, body: bytes, sent: list[int], number: int, over: threading.Event) -> None:
    own = bytearray(body)
    places = [found.start() for found in re.finditer(re.escape(_PLACEHOLDER), body)]
    connection = http.client.HTTPConnection(to.host, to.port, timeout=60)
    while not over.is_set():
        for index in range(0, len(places), _SPANS):
            trace = secrets.token_bytes(len(_PLACEHOLDER))
            for place in places[index : index + _SPANS]:
                own[place : place + len(trace)] = trace
        connection.request("POST", "/v1/traces", bytes(own), {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        # What is refused is sent again, as any sender would.
        if answer.status == http.HTTPStatus.OK:
            sent[number] += _TRACES_A_REQUEST
    connection.close()


def _body() -> bytes:
    """A request whose traces each have a place for an id of their own."""
    request = ExportTraceServiceRequest()
    for number in range(_TRACES_A_REQUEST):
        part = request.resource_spans.add()
        for name, value in (("service.name", "ledger"), ("service.namespace", "shop"), ("k8s.pod.name", "ledger-0")):
            part.resource.attributes.add(key=name).value.string_value = value
        spans = part.scope_spans.add().spans
        for _ in range(_SPANS):
            span = spans.add(
                trace_id=_PLACEHOLDER + number.to_bytes(2, "big"),
                span_id=secrets.token_bytes(8),
                name="POST /pay",
                kind=2,
                start_time_unix_nano=time.time_ns(),
                end_time_unix_nano=time.time_ns() + 3_000_000,
            )
            for name, value in (("http.request.method", "POST"), ("url.path", "/pay"), ("server.address", "ledger")):
                span.attributes.add(key=name).value.string_value = value
    return request.SerializeToString()
