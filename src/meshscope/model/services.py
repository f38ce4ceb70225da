"""What runs: services, the mesh's gateways, what lies outside the mesh, and who calls whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from meshscope.findings import DefinitionError, Finding, Place, here
from meshscope.model.library import LibraryAlert, Tuned
from meshscope.model.modes import Mode
from meshscope.model.people import Owner, dns_label
from meshscope.model.slo import SLO
from meshscope.model.units import Rate


class DataPlane(StrEnum):
    """What stands in front of a service and reports on it."""

    SIDECAR = "sidecar"
    WAYPOINT = "waypoint"


class Direction(StrEnum):
    """Which way a gateway's traffic goes."""

    INGRESS = "ingress"
    EGRESS = "egress"


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
    requests as they please (watches, long polls), so that one given up is no sign of trouble; ``stateful`` that an
    instance must not be killed. ``mode`` is what the feedback agent may do to it, nothing where not said.
    ``clusters`` are those of the mesh in which it runs, all where not said; ``cluster`` is a single one. ``alerts``
    turns alerts that come with every service off or retunes them for this one.
    """

    name: str
    namespace: str
    owner: Owner | None = None
    cluster: str = ""
    clusters: tuple[str, ...] = ()
    workload: str = ""
    repository: str | None = None
    runbook: str | None = None
    tier: int = 2
    replicas: int = 2
    slos: tuple[SLO, ...] = ()
    volume: Rate | None = None
    version: str = ""
    dataplane: DataPlane = DataPlane.SIDECAR
    expects_traffic: bool = True
    streams: bool = False
    stateful: bool = False
    mode: Mode | None = None
    alerts: Mapping[LibraryAlert, Tuned] = field(default_factory=dict, hash=False)
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

    @property
    def identity(self) -> Identity:
        """(cluster, namespace, name); the cluster is empty until the mesh's own is filled in."""
        return Identity(self.cluster, self.namespace, self.name)


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """Where traffic enters or leaves the mesh. It calls services and is seen only as a caller."""

    name: str
    namespace: str
    direction: Direction
    owner: Owner | None = None
    cluster: str = ""
    clusters: tuple[str, ...] = ()
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        dns_label(self.name, "gateway", "name", self.place)
        dns_label(self.namespace, "namespace", "namespace", self.place)

    @property
    def identity(self) -> Identity:
        """(cluster, namespace, name)."""
        return Identity(self.cluster, self.namespace, self.name)


@dataclass(frozen=True, kw_only=True)
class External:
    """What services call outside the mesh: a database, a SaaS. ``host`` is how callers name it."""

    name: str
    host: str
    owner: Owner | None = None
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        dns_label(self.name, "external service", "name", self.place)

    @property
    def identity(self) -> Identity:
        """No cluster and no namespace: it is outside."""
        return Identity("", "", self.name)


Caller: TypeAlias = Service | Gateway
Callee: TypeAlias = Service | Gateway | External


class Calls:
    """Who calls whom: ``Calls({checkout: (ledger,), ledger: (checkout,)})``. Any definition file may hold some."""

    def __init__(self, edges: Mapping[Caller, tuple[Callee, ...]]) -> None:
        """Keep the edges in the order in which they were written."""
        self.place = here()
        self.edges: tuple[tuple[Caller, Callee], ...] = tuple(
            (caller, callee) for caller, callees in edges.items() for callee in callees
        )

    def __iter__(self) -> Iterator[tuple[Caller, Callee]]:
        return iter(self.edges)
