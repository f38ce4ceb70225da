"""Stories about collectors: gone, losing telemetry for each reason, full."""

from __future__ import annotations

from meshscope.build.jobs import job
from meshscope.build.prometheus import COLLECTORS
from meshscope.build.proofs.platform_series import Stories, Tellers, counter, gauge
from meshscope.build.proofs.series import Series
from meshscope.build.proofs.synthetic import Bench

_EXPORTER = {"exporter": "otlp_http/traces"}
_RECEIVER = {"receiver": "otlp"}
_PROCESSOR = {"processor": "tail_sampling"}
_AT_RECEIVER = {**_RECEIVER, "reason": "refused"}
_AT_EXPORTER = {**_EXPORTER, "reason": "failed"}
_AT_PROCESSOR = {**_PROCESSOR, "reason": "dropped_early"}
_LOST = ("otelcol_exporter_send_failed_spans", "otelcol_exporter_enqueue_failed_log_records")
_REFUSED = ("otelcol_receiver_refused_log_records", "otelcol_receiver_refused_metric_points")
_NEIGHBOURS = "another-mesh/collectors"
_EARLY = "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early"


def _job(bench: Bench) -> str:
    return job(COLLECTORS, bench.real.mesh, bench.options)


def _collectors(bench: Bench, *tiers: str, up: str = "1") -> list[Series]:
    ours = _job(bench)
    mesh = bench.real.mesh.name
    return [
        gauge("up", up, job=ours, namespace="monitoring", pod=f"{mesh}-{tier}-collector-0", instance=tier)
        for tier in tiers
    ]


def _gone(bench: Bench) -> Stories:
    first, *others = (pipeline.name for pipeline in bench.real.pipelines)
    tier = "all" if bench.real.mesh.discovery == "files" else first
    left = [] if tier == "all" else _collectors(bench, *others)
    return Stories(
        firing=[
            ("none of a tier is there", left, {"tier": tier}, ""),
            ("none of a tier answers", [*left, *_collectors(bench, first, up="0")], {"tier": tier}, ""),
        ],
        quiet=[("each tier answers", _collectors(bench, first, *others))],
    )


def _losing(bench: Bench) -> Stories:
    ours = _job(bench)

    def counted(name: str, increment: int, by: dict[str, str], job: str = ours) -> Series:
        return counter(name, increment, job=job, **by)

    logs, metrics = (counted(name, 5, _RECEIVER) for name in _REFUSED)
    sent, queued = (counted(name, 3, _EXPORTER) for name in _LOST)
    taken, passed = counted(_REFUSED[0], 0, _RECEIVER), counted(_LOST[0], 0, _EXPORTER)
    decided, early = (counted(_EARLY, increment, _PROCESSOR) for increment in (0, 2))
    return Stories(
        firing=[
            ("logs are refused", [logs], _AT_RECEIVER, ""),
            ("metrics are refused", [taken, metrics], _AT_RECEIVER, ""),
            ("what is sent fails", [sent], _AT_EXPORTER, ""),
            ("what is sent and what is queued fails", [sent, queued], _AT_EXPORTER, ""),
            ("what is queued fails while sending does not", [taken, passed, queued], _AT_EXPORTER, ""),
            ("traces are dropped undecided", [taken, passed, early], _AT_PROCESSOR, ""),
        ],
        quiet=[
            ("nothing is refused, fails or is dropped", [taken, passed, decided]),
            ("a neighbour's collectors lose", [counted(_LOST[0], 3, _EXPORTER, _NEIGHBOURS)]),
            ("no series", []),
        ],
    )


def _queue(size: int, job: str) -> list[Series]:
    return [
        gauge("otelcol_exporter_queue_size", str(size), job=job, **_EXPORTER),
        gauge("otelcol_exporter_queue_capacity", "1000", job=job, **_EXPORTER),
    ]


def _full(bench: Bench) -> Stories:
    ours = _job(bench)
    return Stories(
        firing=[("a queue beyond four fifths", _queue(810, ours), _EXPORTER, "81%")],
        quiet=[
            ("a queue of four fifths", _queue(800, ours)),
            ("a neighbour's queue is full", _queue(1000, _NEIGHBOURS)),
            ("no series", []),
        ],
    )


COLLECTING: Tellers = {
    "CollectorAbsent": _gone,
    "CollectorLosing": _losing,
    "CollectorQueueFull": _full,
}
