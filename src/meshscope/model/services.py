"""What runs: services, the mesh's gateways, what lies outside the mesh, and who calls whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple, TypeAlias

from meshscope.findings import DefinitionError, Finding, Place, here
from meshscope.model.library import LibraryAlert, Tuned
from meshscope.model.modes import Mode
from meshscope.model.people import Owner, dns_label
from meshscope.model.slo import SLO
from meshscope.model.units import Rate


class DataPlane(StrEnum):
    """What stands in front of a service and reports on it.

    Example::

        Service(name="ledger", namespace="shop", dataplane=DataPlane.WAYPOINT)
    """

    SIDECAR = "sidecar"
    """A proxy beside each instance, which reports on it."""
    WAYPOINT = "waypoint"
    """One proxy for many services (Istio ambient); it names no instance."""


class Direction(StrEnum):
    """Which way a gateway's traffic goes.

    Example::

        Gateway(name="istio-egressgateway", namespace="istio-system", direction=Direction.EGRESS)
    """

    INGRESS = "ingress"
    """Traffic that comes into the mesh."""
    EGRESS = "egress"
    """Traffic that leaves it."""


class Identity(NamedTuple):
    """What tells one service from every other."""

    cluster: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return "/".join(part for part in self if part)


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service of the mesh; (cluster, namespace, name) is its identity.

    ``owner`` is told of its trouble. ``repository`` is where its code lives (the owner's issues where not said),
    ``tier`` how much it matters (1 is most), ``volume`` the expected requests a second, ``workload`` the workload's
    name where it differs. ``expects_traffic=False`` says that silence is no fault; ``streams`` that its clients end
    requests as they please (watches, long polls), so that one given up, or torn when the server restarts, is no sign of
    trouble; ``stateful`` that an instance must not be killed. ``mode`` is what the feedback agent may do to it, nothing
    where not said. ``clusters`` are those of the mesh in which it runs, all where not said; ``cluster`` is a single
    one. ``alerts`` turns alerts that come with every service off or retunes them for this one.

    Example::

        Service(name="ledger", namespace="shop", tier=1, replicas=3, volume=30 * per_second)
    """

    name: str
    """Its name in Kubernetes."""
    namespace: str
    """Its namespace in Kubernetes."""
    owner: Owner | None = None
    """Who is told of its trouble; the mesh's owner where nobody is named, and a finding."""
    cluster: str = ""
    """The cluster it runs in; empty: the mesh's own."""
    clusters: tuple[str, ...] = ()
    """The clusters of the mesh that it runs in; not given, all of them."""
    workload: str = ""
    """The name of its Deployment or StatefulSet, where it is not the service's."""
    repository: str | None = None
    """Where its code lives (`github:acme/ledger`): issues about its code are opened there; the owner's `issues` where
    not said."""
    runbook: str | None = None
    """A file below `Mesh(runbooks=...)`, or an address: what to do at night."""
    tier: int = 2
    """How much it matters: 1 users feel at once, 2 the rest, 3 can wait."""
    replicas: int = 2
    """How many instances it has: the guards count on them."""
    slos: tuple[SLO, ...] = ()
    """What its users were promised."""
    volume: Rate | None = None
    """The requests a second that are usual; times of alerts are worked out from it, and it arms `TrafficGone` (and
    `MeshTrafficGone`) at once: less than 1% of it in 30 minutes is told, but where as little came at this time of
    yesterday or a week ago. Not given, that alert needs a week's past."""
    version: str = ""
    """The version that is deployed, where the model should say it."""
    dataplane: DataPlane = DataPlane.SIDECAR
    """What stands in front of it and reports on it."""
    expects_traffic: bool = True
    """False where silence is no fault: a batch service."""
    streams: bool = False
    """True where clients end long requests themselves (watches): requests given up, or torn after their headers,
    are no sign of trouble then."""
    stateful: bool = False
    """True where an instance must not be killed."""
    mode: Mode | None = None
    """What the feedback agent may do to it; not given, nothing but tell."""
    alerts: Mapping[LibraryAlert, Tuned] = field(default_factory=dict, hash=False)
    """Library alerts that are turned off or retuned for this service alone."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        dns_label(self.name, "service", "name", self.place)
        dns_label(self.namespace, "namespace", "namespace", self.place)
        if self.tier not in (1, 2, 3):
            raise DefinitionError(
                Finding(
                    code="service/unknown-tier",
                    title=f"the tier of service `{self.name}` is {self.tier}",
                    place=self.place,
                    argument="tier",
                    why="tiers order what may silence what: 1 users feel at once, 2 is the rest, 3 can wait",
                    help="write 1, 2 or 3",
                )
            )
        names = [slo.name for slo in self.slos]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise DefinitionError(
                Finding(
                    code="service/twice-slo",
                    title=f"service `{self.name}` has two SLOs named `{twice}`",
                    place=self.place,
                    argument="slos",
                    why="an SLO's series are told apart by its name; two of one name would make every rule of the "
                    "service fail",
                    help="give one of them another name, or leave one out",
                )
            )

    @cached_property
    def identity(self) -> Identity:
        """(cluster, namespace, name); the cluster is empty until the mesh's own is filled in."""
        return Identity(self.cluster, self.namespace, self.name)


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """Where traffic enters or leaves the mesh. It calls services and is seen only as a caller.

    Example::

        Gateway(name="istio-ingressgateway", namespace="istio-system", direction=Direction.INGRESS)
    """

    name: str
    """Its name in Kubernetes."""
    namespace: str
    """Its namespace in Kubernetes."""
    direction: Direction
    """Which way its traffic goes."""
    owner: Owner | None = None
    """Who answers for it."""
    cluster: str = ""
    """The cluster it runs in; empty: the mesh's own."""
    clusters: tuple[str, ...] = ()
    """The clusters of the mesh that it runs in; not given, all of them."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        dns_label(self.name, "gateway", "name", self.place)
        dns_label(self.namespace, "namespace", "namespace", self.place)

    @cached_property
    def identity(self) -> Identity:
        """(cluster, namespace, name)."""
        return Identity(self.cluster, self.namespace, self.name)


@dataclass(frozen=True, kw_only=True)
class External:
    """What services call outside the mesh: a database, a SaaS. ``host`` is how callers name it.

    Example::

        External(name="card-processor", host="api.cards.example")
    """

    name: str
    """What it is called in `Calls`."""
    host: str
    """The host name by which callers reach it."""
    owner: Owner | None = None
    """Who answers for what is behind it."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        dns_label(self.name, "external service", "name", self.place)

    @cached_property
    def identity(self) -> Identity:
        """No cluster and no namespace: it is outside."""
        return Identity("", "", self.name)


Caller: TypeAlias = Service | Gateway
Callee: TypeAlias = Service | Gateway | External


class Calls:
    """Who calls whom: ``Calls({checkout: (ledger,), ledger: (checkout,)})``. Any definition file may hold some.

    Example::

        checkout = Service(name="checkout", namespace="shop")
        ledger = Service(name="ledger", namespace="shop")
        calls = Calls({checkout: (ledger,)})
    """

    def __init__(self, edges: Mapping[Caller, tuple[Callee, ...]]) -> None:
        """Keep the edges in the order in which they were written."""
        self.place = here()
        self.edges: tuple[tuple[Caller, Callee], ...] = tuple(
            (caller, callee) for caller, callees in edges.items() for callee in callees
        )

    def __iter__(self) -> Iterator[tuple[Caller, Callee]]:
        return iter(self.edges)
