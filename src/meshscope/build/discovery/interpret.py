"""From what a store answered to the values that a person would have written, and what is to be said about them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from meshscope.build.discovery import notes, proposals
from meshscope.build.discovery.census import Census, census, destination, summed
from meshscope.build.discovery.names import is_name, labels_of_hosts
from meshscope.build.discovery.store import Row
from meshscope.build.discovery.survey import Telemetry
from meshscope.findings import Finding
from meshscope.model.mesh import Mesh
from meshscope.model.people import Owner
from meshscope.model.services import Callee, Caller, DataPlane, External, Gateway, Identity, Service
from meshscope.model.slo import SLO, Side
from meshscope.model.units import Duration

# A mesh must have an owner, or nothing can be built from it; that this one can't be reached is found by every check.
UNKNOWN = Owner(name="unknown", issues="markdown:issues.md")

# What a Service has when nothing is said: instances behind a waypoint can't be counted from here.
_UNCOUNTED = 2


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """A mesh as its telemetry shows it: the values of its definitions, sorted, and what a person must know of them.

    ``remarks`` are a word on a service for the reader of its definition. ``telemetry`` is None where nobody was asked,
    ``folder`` the manifests that were read, empty where none were.
    """

    mesh: Mesh
    services: tuple[Service, ...]
    gateways: tuple[Gateway, ...]
    externals: tuple[External, ...]
    calls: tuple[tuple[Caller, Callee], ...]
    remarks: Mapping[Identity, str]
    notes: tuple[Finding, ...]
    telemetry: Telemetry | None
    folder: str = ""

    @property
    def origin(self) -> str:
        """Where all of this is from, as a sentence."""
        if self.telemetry is None:
            return "Read from manifests; nothing was measured."
        measured = f"Measured within the {self.telemetry.measured} before {self.telemetry.about.date}"
        return f"{measured}, and read from manifests." if self.folder else f"{measured}."


def interpret(telemetry: Telemetry, name: str) -> Discovered:
    """The definitions of the mesh ``name`` that ``telemetry`` shows; owners are nobody's to guess.

    Raises `MeshscopeError` where the series name no service at all, and `DefinitionError` for a bad ``name``.
    """
    return _Interpretation(telemetry, census(telemetry), name).discovered()


class _Interpretation:
    def __init__(self, telemetry: Telemetry, everybody: Census, name: str) -> None:
        self._telemetry = telemetry
        self._census = everybody
        self._name = name
        self._notes: list[Finding] = []
        self._remarks: dict[Identity, str] = {}

    def discovered(self) -> Discovered:
        everybody, telemetry = self._census, self._telemetry
        if not everybody.inside:
            raise notes.nothing_named(telemetry, everybody)
        nodes: dict[Identity, Callee] = {}
        services = {identity: self._service(identity) for identity in sorted(everybody.called)}
        services |= {identity: self._job(identity) for identity in sorted(everybody.jobs)}
        services |= {identity: self._working(identity) for identity in sorted(everybody.working)}
        gateways = {
            identity: Gateway(
                name=identity.name,
                namespace=identity.namespace,
                cluster=self._cluster(identity),
                clusters=self._clusters(identity),
                direction=direction,
            )
            for identity, direction in sorted(everybody.gateways.items())
        }
        labels = labels_of_hosts(everybody.hosts)
        externals = {Identity("", "", host): External(name=labels[host], host=host) for host in sorted(labels)}
        callers: dict[Identity, Caller] = {**services, **gateways}
        nodes = {**callers, **externals}
        return Discovered(
            mesh=self._mesh(),
            services=tuple(services[identity] for identity in sorted(services)),
            gateways=tuple(gateways.values()),
            externals=tuple(externals.values()),
            calls=tuple((callers[caller], nodes[callee]) for caller, callee in sorted(everybody.calls)),
            remarks={services[identity].identity: remark for identity, remark in self._remarks.items()},
            notes=(*notes.about(telemetry, everybody, self._main_cluster), *self._notes),
            telemetry=telemetry,
        )

    def _mesh(self) -> Mesh:
        telemetry = self._telemetry
        return Mesh(
            name=self._name,
            provider=telemetry.provider.name,
            cluster="" if self._every_cluster else self._main_cluster,
            clusters=self._every_cluster,
            owner=UNKNOWN,
            retention=telemetry.about.retention or Mesh.retention,
            scrape_interval=telemetry.interval or Mesh.scrape_interval,
        )

    @cached_property
    def _main_cluster(self) -> str:
        """The cluster that needs no word: none where some series carry none, else the one of most services."""
        sizes = Counter(identity.cluster for identity in self._census.inside)
        return "" if "" in sizes else min(sizes, key=lambda cluster: (-sizes[cluster], cluster))

    @cached_property
    def _every_cluster(self) -> tuple[str, ...]:
        """All clusters, where there is more than one; the empty one is what carries no label."""
        found = sorted({identity.cluster for identity in self._census.inside})
        return tuple(found) if len(found) > 1 else ()

    def _clusters(self, identity: Identity) -> tuple[str, ...]:
        # Who says nothing is everywhere.
        return (self._main_cluster,) if self._every_cluster and identity.cluster == self._main_cluster else ()

    def _cluster(self, identity: Identity) -> str:
        return "" if identity.cluster == self._main_cluster else identity.cluster

    def _service(self, identity: Identity) -> Service:
        plane = self._census.planes[identity]
        reporter = self._reporter(identity, plane)
        requests = self._requests.get((identity, reporter), 0.0)
        volume = proposals.volume(requests, self._telemetry.window)
        labels = self._telemetry.provider.labels
        pods = self._instances(identity, labels.pod) if plane is DataPlane.SIDECAR else frozenset()
        workloads = self._instances(identity, labels.workload)
        self._remark(identity, plane, silent=volume is None)
        return Service(
            name=identity.name,
            namespace=identity.namespace,
            cluster=self._cluster(identity),
            clusters=self._clusters(identity),
            dataplane=plane,
            slos=self._slos(identity, reporter) if volume is not None else (),
            volume=volume,
            expects_traffic=volume is not None,
            # Several workloads behind one service are versions of it; none of them is its name.
            workload=next((name for name in workloads if len(workloads) == 1 and _differs(name, identity)), ""),
            replicas=len(pods) or _UNCOUNTED,
        )

    def _job(self, identity: Identity) -> Service:
        self._remarks[identity] = "Calls others and was never called."
        self._notes.append(notes.job(identity))
        return self._unasked(identity)

    def _working(self, identity: Identity) -> Service:
        what = " and ".join(sorted(self._census.working[identity], reverse=True))
        self._remarks[identity] = f"{what[:1].upper()}{what[1:]}; answers no requests."
        self._notes.append(notes.working(identity, what))
        return self._unasked(identity)

    def _unasked(self, identity: Identity) -> Service:
        return Service(
            name=identity.name,
            namespace=identity.namespace,
            cluster=self._cluster(identity),
            clusters=self._clusters(identity),
            expects_traffic=False,
        )

    def _reporter(self, identity: Identity, plane: DataPlane) -> str:
        """The reporter by whose count an SLO of the service will be judged, once it is defined like this."""
        side = Side.CLIENT if identity in self._called or plane is DataPlane.WAYPOINT else Side.SERVER
        reporters = self._telemetry.provider.reporters
        return reporters.get((side, plane), reporters.get((Side.SERVER, plane), ""))

    def _slos(self, identity: Identity, reporter: str) -> tuple[SLO, ...]:
        over = proposals.period(self._telemetry.about.retention)
        view = (identity, reporter)
        requests, failures = self._requests.get(view, 0.0), self._failures.get(view, 0.0)
        available = proposals.availability(requests, failures, over)
        if available is None:
            self._notes.append(notes.no_objective(identity, requests, failures, self._telemetry.measured))
        under = {bound: counted.get(view, 0.0) for bound, counted in self._under.items()}
        quick = proposals.latency(self._answered.get(view, 0.0), under, over)
        return tuple(slo for slo in (available, quick) if slo is not None)

    def _remark(self, identity: Identity, plane: DataPlane, *, silent: bool) -> None:
        words: list[str] = []
        if silent:
            words.append(f"Not one request within the {self._telemetry.measured}.")
            self._notes.append(notes.silent(identity, self._telemetry.measured))
        answering = {value for (side, _), value in self._telemetry.provider.reporters.items() if side is Side.SERVER}
        live = self._census.called[identity]
        if live and not live & answering:
            words.append("Seen by its callers only: no proxy of its own reports.")
            self._notes.append(notes.no_proxy(identity))
        grpc = self._protocols[identity]["grpc"]
        if grpc and grpc > sum(self._protocols[identity].values()) / 2:
            words.append("Speaks gRPC.")
        if plane is DataPlane.SIDECAR and len(live & answering) > 1:
            self._notes.append(notes.both_planes(identity))
        if words:
            self._remarks[identity] = " ".join(words)

    @cached_property
    def _called(self) -> frozenset[Identity]:
        return frozenset(callee for _, callee in self._census.calls)

    @cached_property
    def _requests(self) -> Mapping[tuple[Identity, str], float]:
        return summed(self._telemetry, self._telemetry.requests)

    @cached_property
    def _failures(self) -> Mapping[tuple[Identity, str], float]:
        return summed(self._telemetry, self._telemetry.failures)

    @cached_property
    def _answered(self) -> Mapping[tuple[Identity, str], float]:
        return summed(self._telemetry, self._telemetry.answered)

    @cached_property
    def _under(self) -> Mapping[Duration, Mapping[tuple[Identity, str], float]]:
        return {bound: summed(self._telemetry, rows) for bound, rows in self._telemetry.answered_under.items()}

    @cached_property
    def _protocols(self) -> Mapping[Identity, Counter[str]]:
        label = self._telemetry.provider.discovery.protocol
        found: dict[Identity, Counter[str]] = defaultdict(Counter)
        for row in self._telemetry.requests:
            found[destination(self._telemetry, row)][row[label]] += int(row.value)
        return found

    def _instances(self, identity: Identity, label: str) -> frozenset[str]:
        """The values of ``label`` among the instances of a service now; none where the series do not have it."""
        return frozenset(row[label] for row in self._pods.get(identity, ())) - {"", "unknown"}

    @cached_property
    def _pods(self) -> Mapping[Identity, list[Row]]:
        found: dict[Identity, list[Row]] = defaultdict(list)
        for row in self._telemetry.pods:
            found[destination(self._telemetry, row)].append(row)
        return found


def _differs(workload: str, identity: Identity) -> bool:
    return workload != identity.name and is_name(workload)
