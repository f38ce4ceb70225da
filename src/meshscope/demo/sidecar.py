"""What a mesh proxy counts beside its pod, and how it says it: Istio's metrics in Envoy's text form.

Names and labels as in Istio's templates, boundaries as Envoy writes them: whole numbers without a dot.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from meshscope.demo.script import Player

_BOUNDS = (
    0.5,
    1,
    5,
    10,
    25,
    50,
    100,
    250,
    500,
    1000,
    2500,
    5000,
    10000,
    30000,
    60000,
    300000,
    600000,
    1800000,
    3600000,
)
_EDGES = (*(f"{bound:g}" if bound < 1 else str(int(bound)) for bound in _BOUNDS), "+Inf")
REQUESTS = "istio_requests_total"
LATENCY = "istio_request_duration_milliseconds"


class Answer(NamedTuple):
    """How a request ended: the status code, and Envoy's flag for a failure of its own (``-``: none)."""

    code: int
    flags: str = "-"


OK = Answer(200)
FAILED = Answer(500)
UNREACHED = Answer(503, "UF")


@dataclass(slots=True)
class _Counted:
    """One set of labels and what was counted for it."""

    labels: str
    requests: int = 0
    milliseconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * len(_EDGES))


class Sidecar:
    """The proxy of one pod."""

    def __init__(self, owner: Player, pod: str) -> None:
        """Nothing is counted yet."""
        self.owner = owner
        self.pod = pod
        self._counted: dict[tuple[str, str, str, Answer], _Counted] = {}

    def count(self, reporter: str, source: Player | None, callee: Player, answer: Answer, ms: float) -> None:
        """Count a request from ``source`` (None: from outside the mesh) to ``callee`` as ``reporter`` sees it."""
        key = (reporter, source.name if source else "", callee.name, answer)
        counted = self._counted.get(key)
        if counted is None:
            counted = self._counted[key] = _Counted(_labels(reporter, source, callee, answer))
        counted.requests += 1
        counted.milliseconds += ms
        counted.buckets[bisect_left(_BOUNDS, ms)] += 1

    def pretend(
        self, reporter: str, source: Player | None, callee: Player, answer: Answer, ms: float, requests: int
    ) -> None:
        """Count ``requests`` that were never made, each of ``ms`` milliseconds."""
        if requests:
            self.count(reporter, source, callee, answer, ms)
            counted = self._counted[reporter, source.name if source else "", callee.name, answer]
            counted.requests += requests - 1
            counted.milliseconds += ms * (requests - 1)
            counted.buckets[bisect_left(_BOUNDS, ms)] += requests - 1

    def text(self) -> bytes:
        """Everything that was counted, as Envoy serves it at ``/stats/prometheus``."""
        counted = list(self._counted.values())
        lines = [f"# TYPE {REQUESTS} counter"]
        lines += [f"{REQUESTS}{{{each.labels}}} {each.requests}" for each in counted]
        lines += ["", f"# TYPE {LATENCY} histogram"]
        for each in counted:
            lines += (f"{name}{{{labels}}} {value}" for name, labels, value in _histogram(each))
        lines += ["", "# TYPE envoy_server_live gauge", "envoy_server_live{} 1", ""]
        return "\n".join(lines).encode()

    def samples(self) -> Iterator[tuple[str, str, float]]:
        """(name, labels, value) of everything that rules read."""
        for each in self._counted.values():
            yield REQUESTS, each.labels, each.requests
            yield from _histogram(each)


def _histogram(counted: _Counted) -> Iterable[tuple[str, str, float]]:
    labels = counted.labels
    for edge, value in zip(_EDGES, accumulate(counted.buckets), strict=True):
        yield f"{LATENCY}_bucket", f'{labels},le="{edge}"', value
    yield f"{LATENCY}_sum", labels, round(counted.milliseconds, 3)
    yield f"{LATENCY}_count", labels, counted.requests


def _labels(reporter: str, source: Player | None, callee: Player, answer: Answer) -> str:
    # What nobody answered has no workload: the caller's proxy knows only whom it wanted.
    reached = answer.flags != UNREACHED.flags
    inside = bool(callee.identity.namespace)
    seen = reporter != "source"
    named = {
        "reporter": reporter,
        **_peer("source", source),
        **_peer("destination", callee if reached and inside else None),
        "destination_service": callee.host if inside else callee.pods[0],
        "destination_service_name": callee.identity.name if inside else callee.pods[0],
        "destination_service_namespace": callee.identity.namespace or "unknown",
        "request_protocol": "http",
        "response_code": str(answer.code),
        "grpc_response_status": "",
        "response_flags": answer.flags,
        "connection_security_policy": "mutual_tls" if seen else "unknown",
    }
    return ",".join(f'{name}="{value}"' for name, value in named.items())


def _peer(side: str, player: Player | None) -> dict[str, str]:
    name = player.identity.name if player else "unknown"
    workload = player.workload if player else "unknown"
    version = player.version if player else "unknown"
    namespace = player.identity.namespace if player else "unknown"
    principal = f"spiffe://cluster.local/ns/{namespace}/sa/{name}" if player else "unknown"
    return {
        f"{side}_workload": workload,
        f"{side}_canonical_service": name,
        f"{side}_canonical_revision": version,
        f"{side}_workload_namespace": namespace,
        f"{side}_principal": principal,
        f"{side}_app": name,
        f"{side}_version": version,
        f"{side}_cluster": (player.identity.cluster or "Kubernetes") if player else "unknown",
    }
