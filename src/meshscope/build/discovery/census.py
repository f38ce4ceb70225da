"""Who is there: services, gateways, hosts outside and callers, told apart by what their series say.

A service is what requests are addressed to. A gateway sends and never answers: its own proxy reports as a client only.
What sends, never answers and is no gateway is taken for a job. What had requests and has no series now is gone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from meshscope.build.discovery.names import is_cluster, is_host, is_name
from meshscope.build.discovery.store import Row
from meshscope.build.discovery.survey import Telemetry
from meshscope.model.services import DataPlane, Direction, Identity
from meshscope.model.slo import Side

_GATEWAY_NAME = re.compile(r"(^|-)((in|e)gress|((in|e)gress)?(gateway|gw))(-|$)")
_NOBODY = ("", "unknown")


class Kind(Enum):
    """What a destination is."""

    SERVICE = "service"
    HOST = "host"
    OUTSIDE = "outside"
    NO_NAMESPACE = "no namespace"
    NO_NAME = "no name"
    NO_ROUTE = "no route"
    ONLY_CALLS = "only calls"


@dataclass(frozen=True, kw_only=True)
class Census:
    """Who is there. Identities carry the cluster as the series spell it.

    ``called`` maps a living service to the reporters that count its requests now, ``jobs`` only call, ``hosts`` lie
    outside. ``calls`` are (caller, callee), a host as an identity without namespace. ``outside`` are destinations that
    stand for no service with what they were sent, ``left`` what can't be defined, by reason. ``working`` take no
    requests and run all the same, with what they do; ``assumed`` are those whose namespace nobody says.
    """

    called: Mapping[Identity, frozenset[str]]
    jobs: frozenset[Identity]
    gateways: Mapping[Identity, Direction]
    hosts: frozenset[str]
    calls: frozenset[tuple[Identity, Identity]]
    planes: Mapping[Identity, DataPlane]
    outside: Mapping[str, float]
    gone: frozenset[Identity]
    left: Mapping[Kind, frozenset[str]]
    working: Mapping[Identity, frozenset[str]] = field(default_factory=dict)
    assumed: frozenset[Identity] = frozenset()

    @property
    def inside(self) -> frozenset[Identity]:
        """Everything in the mesh that is defined."""
        return frozenset(self.called) | self.jobs | frozenset(self.gateways) | frozenset(self.working)


def census(telemetry: Telemetry) -> Census:
    """Everybody in ``telemetry``."""
    return _Count(telemetry).census()


def host(name: str) -> Identity:
    """A host outside as a callee."""
    return Identity("", "", name)


@dataclass
class _Count:
    telemetry: Telemetry
    live: dict[Identity, set[str]] = field(default_factory=lambda: defaultdict(set))
    backed: dict[Identity, set[Identity]] = field(default_factory=lambda: defaultdict(set))
    answering: set[Identity] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    outside: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    left: dict[Kind, set[str]] = field(default_factory=lambda: defaultdict(set))
    services: dict[Identity, frozenset[str]] = field(default_factory=dict)
    gateways: dict[Identity, Direction] = field(default_factory=dict)
    jobs: frozenset[Identity] = frozenset()
    planes: dict[Identity, DataPlane] = field(default_factory=dict)
    assumed: set[Identity] = field(default_factory=set)

    def census(self) -> Census:
        seen = self._seen()
        self._living()
        called: dict[Identity, frozenset[str]] = {}
        if self.telemetry.provider.idle is not None:
            # Silent series disappear by themselves, so that having none now says nothing.
            called = dict.fromkeys(seen, frozenset())
        called |= {identity: frozenset(reporters) for identity, reporters in self.live.items()}
        callers = frozenset(self._callers())
        self.gateways = self._gateways(callers)
        self.services = {identity: called[identity] for identity in called if identity not in self.gateways}
        self.planes = {identity: self._plane(identity, seen) for identity in self.services}
        working = self._working(called)
        # Nobody calls them and nothing answers for them.
        self.jobs = frozenset(caller for caller in callers if self._resolved(caller) is None)
        return Census(
            called=self.services,
            jobs=self.jobs,
            gateways=self.gateways,
            hosts=frozenset(self.hosts),
            calls=frozenset(self._calls()) | frozenset(self._graph()),
            planes=self.planes,
            outside=dict(self.outside),
            gone=frozenset(seen) - frozenset(called),
            left={kind: frozenset(names) for kind, names in self.left.items()},
            working=working,
            assumed=frozenset(self.assumed),
        )

    def _seen(self) -> dict[Identity, dict[str, float]]:
        """The services of the window with their requests by reporter; whoever is none is noted."""
        found: dict[Identity, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for row in self.telemetry.requests:
            identity = self._destination(row)
            kind = self._kind(identity)
            if kind is Kind.SERVICE:
                found[identity][self._reporter(row)] += row.value
            elif kind is Kind.HOST:
                self.hosts.add(identity.name)
            elif kind is Kind.OUTSIDE:
                self.outside[identity.name or "unknown"] += row.value
            else:
                self._leave(kind, identity)
        return found

    def _leave(self, kind: Kind, identity: Identity) -> None:
        nameless = kind in (Kind.NO_NAMESPACE, Kind.NO_ROUTE)
        self.left[kind].add(identity.name if nameless else str(identity))

    def _working(self, called: Mapping[Identity, object]) -> dict[Identity, frozenset[str]]:
        """Who takes no requests and says so, by what it does instead; who only calls is noted."""
        others = self.telemetry.provider.discovery.others
        found: dict[Identity, set[str]] = defaultdict(set)
        for row in self.telemetry.others:
            identity, kind = self._destination(row), self._kind(self._destination(row))
            if kind is Kind.SERVICE:
                found[identity].add(others[self._reporter(row)])
            elif kind is not Kind.OUTSIDE:
                self._leave(kind, identity)
        idle = {identity: frozenset(what - {""}) for identity, what in found.items() if identity not in called}
        self.left[Kind.ONLY_CALLS] |= {str(identity) for identity, what in idle.items() if not what}
        return {identity: what for identity, what in idle.items() if what}

    def _living(self) -> None:
        more = self.telemetry.provider.discovery
        for row in self.telemetry.live:
            identity = self._destination(row)
            if self._kind(identity) is not Kind.SERVICE:
                continue
            self.live[identity].add(self._reporter(row))
            workload = Identity(identity.cluster, row[more.callee_namespace], row[more.callee])
            if workload.namespace not in _NOBODY and workload.name not in _NOBODY:
                self.backed[workload].add(identity)
                if self._reporter(row) in self._servers:
                    self.answering.add(workload)

    def _callers(self) -> Iterator[Identity]:
        for row in self.telemetry.live_callers:
            caller = self._caller(row)
            if self._reporter(row) not in self._clients or caller.namespace in _NOBODY or caller.name in _NOBODY:
                continue
            if is_name(caller.namespace) and is_name(caller.name) and is_cluster(caller.cluster):
                yield caller
            else:
                self.left[Kind.NO_NAME].add(str(caller))

    def _gateways(self, callers: frozenset[Identity]) -> dict[Identity, Direction]:
        marks = {self._caller(row): " ".join(row.labels.values()) for row in self.telemetry.gateways}
        callees: dict[Identity, set[Kind]] = defaultdict(set)
        for row in self.telemetry.calls:
            callees[self._caller(row)].add(self._kind(self._destination(row)))
        found: dict[Identity, Direction] = {}
        for caller in callers - self.answering:
            # Called, and it calls on, but its proxy never answers: only a gateway's does so.
            leads_out = caller in self.live and bool(callees[caller]) and Kind.SERVICE not in callees[caller]
            if caller in marks or leads_out or _GATEWAY_NAME.search(caller.name):
                out = leads_out or "egress" in caller.name or "egress" in marks.get(caller, "")
                found[caller] = Direction.EGRESS if out else Direction.INGRESS
        return found

    def _plane(self, identity: Identity, seen: Mapping[Identity, Mapping[str, float]]) -> DataPlane:
        reporters = self.telemetry.provider.reporters
        waypoint = reporters.get((Side.SERVER, DataPlane.WAYPOINT))
        sidecar = reporters.get((Side.SERVER, DataPlane.SIDECAR))
        live = self.live.get(identity, set())
        if waypoint is None or waypoint == sidecar or waypoint not in live:
            return DataPlane.SIDECAR
        counted = seen.get(identity, {})
        through, past = counted.get(waypoint, 0), counted.get(sidecar or "", 0)
        return DataPlane.WAYPOINT if sidecar not in live or through >= past else DataPlane.SIDECAR

    def _calls(self) -> Iterator[tuple[Identity, Identity]]:
        own = self.telemetry.provider.reporters.get((Side.CLIENT, DataPlane.SIDECAR))
        for row in self.telemetry.calls:
            caller = self._resolved(self._caller(row))
            callee = self._destination(row)
            if caller is None or self._reporter(row) not in self._clients:
                continue
            if self._kind(callee) is Kind.HOST:
                yield caller, host(callee.name)
            elif callee in self.gateways:
                yield caller, callee
            elif self._reporter(row) == own or self.planes.get(callee) is DataPlane.WAYPOINT:
                # A call that only a waypoint saw leaves no trace where a service with sidecars is counted.
                yield from [(caller, callee)] if callee in self.services else []

    def _resolved(self, caller: Identity) -> Identity | None:
        """The definition that a calling workload belongs to: of its name, else the first that it answers for."""
        if caller in self.gateways or caller in self.services or caller in self.jobs:
            return caller
        return min((identity for identity in self.backed.get(caller, ()) if identity in self.services), default=None)

    def _graph(self) -> Iterator[tuple[Identity, Identity]]:
        """Calls that are known by names alone, where the names are of one service each."""
        graph = self.telemetry.provider.discovery.graph
        named: dict[str, list[Identity]] = defaultdict(list)
        for identity in self.services:
            named[identity.name].append(identity)
        if graph is None:
            return
        _, caller, callee = graph
        for row in self.telemetry.graph:
            callers, callees = named.get(row[caller], []), named.get(row[callee], [])
            if len(callers) == 1 and len(callees) == 1:
                yield callers[0], callees[0]

    def _kind(self, identity: Identity) -> Kind:
        if identity.name in self.telemetry.provider.outside or identity.name in _NOBODY:
            return Kind.OUTSIDE
        # What only servers report is a service, whatever it is called: a host would have a caller that names it.
        if self.telemetry.provider.labels.caller and is_host(identity.name):
            return Kind.NO_ROUTE if ".svc" in identity.name else Kind.HOST
        if not is_name(identity.name) or not is_cluster(identity.cluster):
            return Kind.NO_NAME
        if identity.namespace in _NOBODY:
            return Kind.NO_NAMESPACE
        return Kind.SERVICE if is_name(identity.namespace) else Kind.NO_NAME

    @cached_property
    def _clients(self) -> frozenset[str]:
        return _reporters(self.telemetry, Side.CLIENT)

    @cached_property
    def _servers(self) -> frozenset[str]:
        return _reporters(self.telemetry, Side.SERVER)

    def _destination(self, row: Row) -> Identity:
        found = destination(self.telemetry, row)
        if found.namespace in _NOBODY and self.telemetry.provider.labels.caller:
            # Where its proxy has no route, a caller names a service by the Host header: name.namespace.svc.domain:port.
            bare = found.name.partition(":")[0]
            name, _, rest = bare.partition(".")
            addressed = Identity(found.cluster, rest.partition(".")[0], name)
            return addressed if addressed in self._attributed else found._replace(name=bare)
        if said_no_namespace(self.telemetry, row) and found.name not in _NOBODY:
            self.assumed.add(found)
        return found

    @cached_property
    def _attributed(self) -> frozenset[Identity]:
        """Whom requests were attributed to by proxies that had a route to them."""
        rows = (destination(self.telemetry, row) for row in (*self.telemetry.requests, *self.telemetry.live))
        return frozenset(identity for identity in rows if identity.namespace not in _NOBODY)

    def _caller(self, row: Row) -> Identity:
        labels = self.telemetry.provider.labels
        return Identity(row[labels.cluster], row[labels.caller_namespace], row[labels.caller])

    def _reporter(self, row: Row) -> str:
        return row[self.telemetry.provider.labels.reporter]


def _reporters(telemetry: Telemetry, side: Side) -> frozenset[str]:
    return frozenset(value for (one, _), value in telemetry.provider.reporters.items() if one is side)


def destination(telemetry: Telemetry, row: Row) -> Identity:
    """Whom the requests of ``row`` were addressed to."""
    labels, more = telemetry.provider.labels, telemetry.provider.discovery
    name, namespace = row[labels.service], _namespace(telemetry, row)
    if not name:
        name = _job(telemetry, row)[1]
    return Identity(row[labels.cluster], namespace or (more.assumed if name else ""), name)


def said_no_namespace(telemetry: Telemetry, row: Row) -> bool:
    """Whether the namespace of ``row`` is the assumed one."""
    return bool(telemetry.provider.discovery.assumed) and not _namespace(telemetry, row)


def _namespace(telemetry: Telemetry, row: Row) -> str:
    labels, more = telemetry.provider.labels, telemetry.provider.discovery
    said = next((row[label] for label in (labels.namespace, *more.namespaces) if row[label]), "")
    namespace, name = _job(telemetry, row)
    return said or (namespace if row[labels.service] in ("", name) else "")


def _job(telemetry: Telemetry, row: Row) -> tuple[str, str]:
    """(namespace, name) of the first label that holds a job: what OpenTelemetry makes of a service's two names."""
    job = next((row[label] for label in telemetry.provider.discovery.jobs if row[label]), "")
    namespace, _, name = job.rpartition("/")
    return namespace, name


def summed(telemetry: Telemetry, rows: Iterable[Row]) -> Mapping[tuple[Identity, str], float]:
    """The rows' values by destination and reporter."""
    found: dict[tuple[Identity, str], float] = defaultdict(float)
    for row in rows:
        found[destination(telemetry, row), row[telemetry.provider.labels.reporter]] += row.value
    return found
