"""A mesh of 80 services in 12 namespaces whose truth is known, told in the metrics that Istio's proxies would report.

Some services have equal names, names that Python can't say, or names that are no names at all; some are behind a
waypoint, some are called under another name than their workload's, one is gone, one only calls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from meshscope.adapters.memory.metric_store import Counter
from meshscope.model.services import DataPlane, Direction

CLUSTER = "eu-1"
REQUESTS = "istio_requests_total"
BUCKET = "istio_request_duration_milliseconds_bucket"
NAMESPACES = (
    "3scale", "analytics", "billing", "catalog-eu", "fulfilment", "identity", "import", "media", "platform", "search",
    "shop", "web",
)  # fmt: skip
# Equal in every namespace, awkward in Python, or a word of definition files.
SHARED = ("api", "cache", "worker")
AWKWARD = ("2fa", "availability", "class", "days", "latency-250ms", "list", "mesh", "async", "calls", "owner", "print")
BAD_NAMES = (
    'shop"; import os  #', "../../etc/passwd", "new\nline", "{braces}", "x" * 300, "größe", "UPPER_case", "-dash",
)  # fmt: skip

Name = tuple[str, str]


@dataclass(frozen=True)
class Truth:
    """A service as it really is: ``failing`` is the share that fails, most are answered ``within`` milliseconds."""

    namespace: str
    name: str
    workload: str
    deployment: str
    pods: int
    plane: DataPlane
    failing: float
    within: float
    grpc: bool


@dataclass
class World:
    """The truth, and the counters that tell it."""

    services: dict[Name, Truth] = field(default_factory=dict)
    gateways: dict[Name, Direction] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)
    calls: dict[tuple[Name, Name], float] = field(default_factory=dict)
    counters: list[Counter] = field(default_factory=list)

    def rate(self, service: Name) -> float:
        """Requests a second to ``service``."""
        return sum(rate for (_, callee), rate in self.calls.items() if callee == service)


def world() -> World:
    """The same world every time."""
    made = World()
    names: list[Name] = [(namespace, name) for namespace in NAMESPACES for name in SHARED]
    names += [(NAMESPACES[number % 12], name) for number, name in enumerate(AWKWARD)]
    number = 0
    while len(names) < 79:
        names.append((NAMESPACES[number % 12], f"part-{number}"))
        number += 1
    # The service that a workload answers for is not always called like it.
    names.append(("shop", "checkout-svc"))
    for index, (namespace, name) in enumerate(sorted(names)):
        made.services[namespace, name] = Truth(
            namespace=namespace,
            name=name,
            workload="checkout" if name == "checkout-svc" else name,
            deployment="checkout" if name == "checkout-svc" else f"{name}-v1" if index % 4 == 0 else name,
            pods=1 + index % 3,
            plane=DataPlane.WAYPOINT if namespace == "analytics" else DataPlane.SIDECAR,
            failing=(0.0, 0.0002, 0.002, 0.004)[index % 4],
            within=(50.0, 100.0, 250.0)[index % 3],
            grpc=index % 5 == 0,
        )
    made.gateways = {
        ("istio-system", "istio-ingressgateway"): Direction.INGRESS,
        ("istio-system", "istio-egressgateway"): Direction.EGRESS,
        ("edge", "front-door"): Direction.INGRESS,
    }
    made.hosts = {"api.cards.example", "mail.saas.example"}
    _connect(made, sorted(names))
    made.counters = list(_counters(made))
    return made


def _connect(made: World, names: list[Name]) -> None:
    for index, caller in enumerate(names):
        for callee in {names[(index + 1) % len(names)], names[(index * 7 + 3) % len(names)]} - {caller}:
            made.calls[caller, callee] = 1.0 + index % 7
    # A cycle that is no accident.
    made.calls[("shop", "api"), ("billing", "api")] = 5.0
    made.calls[("billing", "api"), ("shop", "api")] = 2.0
    made.calls[("istio-system", "istio-ingressgateway"), ("web", "api")] = 40.0
    made.calls[("edge", "front-door"), ("web", "cache")] = 10.0
    made.calls[("shop", "checkout-svc"), ("istio-system", "istio-egressgateway")] = 1.0
    made.calls[("istio-system", "istio-egressgateway"), ("", "api.cards.example")] = 1.0
    made.calls[("platform", "worker"), ("", "mail.saas.example")] = 0.5
    made.calls[("analytics", "nightly-report"), ("analytics", "api")] = 0.2


def _counters(made: World) -> Iterator[Counter]:
    merged: dict[tuple[str, tuple[tuple[str, str], ...]], float] = defaultdict(float)
    for (caller, callee), rate in made.calls.items():
        for metric, labels, share in _edge(made, caller, callee):
            merged[metric, tuple(sorted(labels.items()))] += rate * share
    for (metric, labels), rate in merged.items():
        yield Counter(metric=metric, labels=dict(labels), rate=rate)
    yield from _oddities()


def _edge(made: World, caller: Name, callee: Name) -> Iterator[tuple[str, dict[str, str], float]]:
    truth = made.services.get(callee)
    source = made.services[caller].workload if caller in made.services else caller[1]
    labels = {
        "cluster": CLUSTER,
        "source_workload_namespace": caller[0],
        "source_canonical_service": source,
        "source_workload": source,
        "destination_service_name": callee[1],
        "destination_service_namespace": callee[0] or "unknown",
        "request_protocol": "grpc" if truth and truth.grpc else "http",
        "response_flags": "-",
    }
    if caller == ("edge", "front-door"):
        labels["gateway_networking_k8s_io_gateway_name"] = "front-door"
    if truth is None:
        yield from _answers({**labels, "reporter": "source", "pod": f"{source}-0"}, 0.0, 100.0)
        return
    answering = {"destination_workload_namespace": callee[0], "destination_canonical_service": truth.workload}
    if truth.plane is DataPlane.WAYPOINT:
        here = {**labels, **answering, "reporter": "waypoint", "pod": "waypoint-0"}
        yield from _answers(here, truth.failing, truth.within)
        return
    # Failures are seen by the caller alone: nobody answered.
    here = {**labels, **answering, "reporter": "source", "pod": f"{source}-0"}
    yield from _answers(here, truth.failing, truth.within)
    for pod in range(truth.pods):
        there = {
            **labels,
            **answering,
            "reporter": "destination",
            "connection_security_policy": "mutual_tls",
            "destination_workload": truth.deployment,
            "pod": f"{truth.workload}-{pod}",
        }
        there.pop("gateway_networking_k8s_io_gateway_name", None)
        for metric, values, share in _answers(there, 0.0, truth.within):
            yield metric, values, share / truth.pods


def _answers(labels: dict[str, str], failing: float, within: float) -> Iterator[tuple[str, dict[str, str], float]]:
    good = {"response_code": "200"} | ({"grpc_response_status": "0"} if labels["request_protocol"] == "grpc" else {})
    yield REQUESTS, {**labels, **good}, 1.0 - failing
    if failing:
        bad = {"response_code": "503"}
        if labels["request_protocol"] == "grpc":
            # A failed gRPC call is a good HTTP one.
            bad = {"response_code": "200", "grpc_response_status": "14"}
        yield REQUESTS, {**labels, **bad}, failing
    for bound in (50.0, 100.0, 250.0):
        share = 0.999 if bound >= within else 0.6
        yield BUCKET, {**labels, **good, "le": f"{bound:.1f}"}, (1.0 - failing) * share
    yield BUCKET, {**labels, **good, "le": "+Inf"}, 1.0 - failing


def _oddities() -> Iterator[Counter]:
    """What is no service: nobody's destination, names that are none, what is gone, what speaks only TCP."""
    base = {
        "cluster": CLUSTER,
        "reporter": "source",
        "source_workload_namespace": "shop",
        "source_canonical_service": "api",
        "response_code": "200",
        "request_protocol": "http",
        "pod": "api-0",
    }
    for outside in ("PassthroughCluster", "BlackHoleCluster", "unknown"):
        away = {"destination_service_name": outside, "destination_service_namespace": "unknown"}
        yield Counter(metric=REQUESTS, labels={**base, **away}, rate=3.0)
    for bad in BAD_NAMES:
        yield Counter(
            metric=REQUESTS,
            labels={**base, "destination_service_name": bad, "destination_service_namespace": "shop"},
            rate=0.1,
        )
    yield Counter(
        metric=REQUESTS,
        labels={**base, "destination_service_name": "ok", "destination_service_namespace": "../up"},
        rate=0.1,
    )
    yield Counter(
        metric=REQUESTS,
        labels={**base, "destination_service_name": "retired", "destination_service_namespace": "shop"},
        rate=1.0,
        until=3600.0,
    )
    yield Counter(
        metric="istio_tcp_connections_opened_total",
        labels={
            "cluster": CLUSTER,
            "reporter": "source",
            "destination_service_name": "postgres",
            "destination_service_namespace": "platform",
        },
        rate=0.1,
    )
