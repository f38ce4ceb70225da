"""What a mesh provider's metrics look like: where requests, failures and latency are, and which labels name whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from meshscope.model.services import DataPlane
from meshscope.model.slo import Side
from meshscope.model.units import Duration


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The provider's labels for our own names; ``version`` and the like are empty where it has none.

    ``caller`` is the caller's name as the mesh knows it, ``caller_workload`` that of its workload.
    """

    cluster: str
    namespace: str
    service: str
    reporter: str
    workload: str
    version: str
    pod: str
    caller_namespace: str = ""
    caller: str = ""
    caller_workload: str = ""


@dataclass(frozen=True, kw_only=True)
class Scrape:
    """Where the mesh's own proxies are scraped: the name of the container port, and the path."""

    port: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """What is asked only where an existing mesh is to be written down; empty where the provider has no such thing.

    ``namespaces`` are further labels that may name a service's namespace, ``jobs`` those that may hold
    ``namespace/name`` or the name alone; ``assumed`` is the namespace of who says none (empty: it is left out).
    ``others`` are values of the reporter label that stand for no request and still name who runs, with what such a
    service does (empty: nothing that makes it a service of the mesh). ``spellings`` are the names that other makers
    give to the same telemetry, ``maker`` whose these are.
    ``callee_namespace`` and ``callee`` name the answering workload as ``Labels.caller`` names a calling one; a service
    may be called otherwise. ``protocol`` tells gRPC from HTTP. ``gateways`` are selectors that a gateway's own series
    match, ``connections`` counts what is no request (TCP), ``graph`` is a counter of calls with its labels for caller
    and callee, where requests do not name their caller.
    """

    callee_namespace: str = ""
    callee: str = ""
    protocol: str = ""
    gateways: tuple[str, ...] = ()
    connections: str = ""
    graph: tuple[str, str, str] | None = None
    namespaces: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    assumed: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    spellings: tuple[Spelling, ...] = ()
    maker: str = ""


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """The names that ``maker`` gives to what a provider's metrics say; a field means what it means there."""

    maker: str
    requests: str
    latency: str
    latency_unit: Duration
    labels: Labels
    failed: tuple[str, ...]
    succeeded: str
    namespaces: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unattributed:
    """How requests are reported whose service the reporting proxy could not tell.

    ``namespace`` is then the value of the label that names the service's namespace, ``host`` the label that holds the
    host by which the service was called: ``name[.namespace[.svc[.domain]]][:port]``. ``strays`` selects those of them
    that are their sender's fault where the reporter is a gateway, whose name one of the labels ``callers`` holds.
    """

    namespace: str
    host: str
    strays: str
    callers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MeshProvider:
    """One mesh's telemetry as a frozen value; every query for this mesh is written from it.

    ``requests`` is a counter, ``latency`` a histogram's base name whose ``le`` counts ``latency_unit``; ``bounds``
    are its boundaries, ``free_bounds`` whether our own collector sets them. ``failed`` are label selectors, no two of
    which select the same, whose union are failed requests; ``torn`` selects answers that broke off after they began
    (empty where nobody tells): failed as well, but where a server that restarts ends what clients watch; ``given_up``
    selects those whose caller went away before any answer (empty where nobody tells): no failure, and no success
    either; ``upgraded`` connections that left HTTP behind (empty where nobody tells): well however they end, and of no
    latency; ``succeeded`` selects all others (empty where they can't be told apart; latency is counted over them, since
    a failure is the availability's and is often fast). ``unattributed`` is None where there are no such requests.
    ``reporters`` gives the value of the reporter label for a side and a data plane; a side that is missing can't be
    seen. ``instance_reporters`` are the reporters that name a pod. ``plaintext`` selects requests without mutual TLS
    as the server saw them, None where nobody tells. ``outside`` are values of the service label that name no service.
    ``idle`` is after how long silent series disappear, None for never. ``scrape`` says where proxies are scraped, None
    where our own collectors push; ``promoted`` are the resource attributes that Prometheus has to turn into labels
    when it is pushed to. ``samples`` are the labels of example requests, for tests: ``good``, each ``failed...`` way
    to fail, what is ``ignored...`` because it is no failure, ``torn`` and ``given up`` ones, ``elsewhere`` reported by
    somebody who must not be counted, ``plaintext`` and ``encrypted`` ones; ``{service}`` and ``{namespace}`` in a
    value stand for the service's.
    """

    name: str
    title: str
    requests: str
    latency: str
    latency_unit: Duration
    bounds: tuple[Duration, ...]
    free_bounds: bool
    labels: Labels
    failed: tuple[str, ...]
    succeeded: str
    reporters: Mapping[tuple[Side, DataPlane], str]
    instance_reporter: str
    torn: str = ""
    given_up: str = ""
    upgraded: str = ""
    unattributed: Unattributed | None = None
    scrape: Scrape | None = None
    promoted: tuple[str, ...] = ()
    plaintext: str | None = None
    outside: tuple[str, ...] = ()
    idle: Duration | None = None
    samples: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    discovery: Discovery = Discovery()

    def spelt(self, spelling: Spelling) -> MeshProvider:
        """The provider as ``spelling`` has it: to read what is there, never to build from."""
        discovery = replace(self.discovery, namespaces=spelling.namespaces, jobs=spelling.jobs, spellings=(),
                            maker=spelling.maker)  # fmt: skip
        return replace(self, requests=spelling.requests, latency=spelling.latency, latency_unit=spelling.latency_unit,
                       labels=spelling.labels, failed=spelling.failed, succeeded=spelling.succeeded,
                       discovery=discovery)  # fmt: skip

    def bad(self) -> tuple[str, ...]:
        """Selectors of what failed, for whoever does not know which services' clients watch; no two select the same."""
        return (*self.failed, *([self.torn] if self.torn else []))

    def signals(self) -> frozenset[str]:
        """The names of the signals that this provider has."""
        return frozenset({"requests", "failures", "slow_ratio"} | ({"plaintext_ratio"} if self.plaintext else set()))

    def bucket_of(self, bound: Duration) -> bool:
        """Whether ``bound`` is one of the histogram's boundaries."""
        return self.free_bounds or bound in self.bounds

    def le(self, bound: Duration) -> str:
        """``bound`` in the histogram's unit, as an integer or decimal without trailing zeros."""
        number = bound.seconds / self.latency_unit.seconds
        return f"{number.normalize():f}"
