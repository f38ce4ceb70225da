"""Stories about collectors: gone, refusing, losing, full, deciding too early."""

from __future__ import annotations

from meshscope.build.jobs import job
from meshscope.build.prometheus import COLLECTORS
from meshscope.build.proofs.platform_series import Stories, Tellers, counter, gauge
from meshscope.build.proofs.series import Series
from meshscope.build.proofs.synthetic import Bench

_EXPORTER = {"exporter": "otlp_http/traces"}
_RECEIVER = {"receiver": "otlp"}
_PROCESSOR = {"processor": "tail_sampling"}
_LOST = ("otelcol_exporter_send_failed_spans", "otelcol_exporter_enqueue_failed_log_records")
_REFUSED = ("otelcol_receiver_refused_log_records", "otelcol_receiver_refused_metric_points")
_EARLY = "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early"


def _collectors(bench: Bench, *tiers: str, up: str = "1") -> list[Series]:
    ours = job(COLLECTORS, bench.real.mesh, bench.options)
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


def _refusing(_: Bench) -> Stories:
    one, other = (counter(name, 5, **_RECEIVER) for name in _REFUSED)
    return Stories(
        firing=[
            ("logs are refused", [one], _RECEIVER, ""),
            ("metrics are refused", [counter(_REFUSED[0], 0, **_RECEIVER), other], _RECEIVER, ""),
        ],
        quiet=[("nothing is refused", [counter(_REFUSED[0], 0, **_RECEIVER)]), ("no series", [])],
    )


def _losing(_: Bench) -> Stories:
    one, other = (counter(name, 3, **_EXPORTER) for name in _LOST)
    still = counter(_LOST[0], 0, **_EXPORTER)
    return Stories(
        firing=[
            ("what is sent fails", [one], _EXPORTER, ""),
            ("what is sent and what is queued fails", [one, other], _EXPORTER, ""),
            ("what is queued fails while sending does not", [still, other], _EXPORTER, ""),
        ],
        quiet=[("nothing fails", [still]), ("no series", [])],
    )


def _queue(size: int) -> list[Series]:
    return [
        gauge("otelcol_exporter_queue_size", str(size), **_EXPORTER),
        gauge("otelcol_exporter_queue_capacity", "1000", **_EXPORTER),
    ]


def _full(_: Bench) -> Stories:
    return Stories(
        firing=[("a queue beyond four fifths", _queue(810), _EXPORTER, "81%")],
        quiet=[("a queue of four fifths", _queue(800)), ("no series", [])],
    )


def _early(_: Bench) -> Stories:
    return Stories(
        firing=[("traces are dropped undecided", [counter(_EARLY, 2, **_PROCESSOR)], _PROCESSOR, "")],
        quiet=[("none is dropped", [counter(_EARLY, 0, **_PROCESSOR)]), ("no series", [])],
    )


COLLECTING: Tellers = {
    "CollectorAbsent": _gone,
    "CollectorRefusing": _refusing,
    "CollectorLosing": _losing,
    "CollectorQueueFull": _full,
    "TracesDroppedEarly": _early,
}
