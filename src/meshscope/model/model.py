"""The model: every definition of one mesh in one environment, resolved, sorted and frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

from meshscope.findings import Finding, Place
from meshscope.model.alerting import Alert
from meshscope.model.allowing import Allow
from meshscope.model.boards import DashboardDefinition
from meshscope.model.clusters import calls_in, known_clusters, placed, seen_only, unknown_clusters
from meshscope.model.contacts import People
from meshscope.model.foreign import ForeignRules, ForeignTests
from meshscope.model.mesh import Environment, Mesh
from meshscope.model.people import Owner
from meshscope.model.pipelines import Pipeline
from meshscope.model.pipelines_send import PipelineDefinition
from meshscope.model.security import FalcoRule
from meshscope.model.services import Calls, DataPlane, External, Gateway, Identity, Service
from meshscope.model.slo import SLO, Latency, Side, check_objective
from meshscope.model.units import Duration

T = TypeVar("T")
D = TypeVar("D", Alert, DashboardDefinition, FalcoRule, ForeignRules, ForeignTests, PipelineDefinition)


@dataclass(frozen=True, kw_only=True)
class Definitions:
    """What the loader found in the definition files, before anything is resolved."""

    meshes: tuple[Mesh, ...] = ()
    environments: tuple[Environment, ...] = ()
    owners: tuple[Owner, ...] = ()
    services: tuple[Service, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    externals: tuple[External, ...] = ()
    calls: tuple[Calls, ...] = ()
    alerts: tuple[Alert, ...] = ()
    dashboards: tuple[DashboardDefinition, ...] = ()
    pipelines: tuple[PipelineDefinition, ...] = ()
    foreign: tuple[ForeignRules, ...] = ()
    foreign_tests: tuple[ForeignTests, ...] = ()
    allowed: tuple[Allow, ...] = ()
    falco_rules: tuple[FalcoRule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Model:
    """One mesh in one environment. Services are sorted by identity, clusters filled in, differences applied.

    ``elsewhere`` are services that are called from a cluster where they do not run, as they are seen there;
    ``call_places`` says where each call was written first.
    """

    mesh: Mesh
    environment: str
    services: tuple[Service, ...]
    gateways: tuple[Gateway, ...]
    externals: tuple[External, ...]
    calls: tuple[tuple[Identity, Identity], ...]
    owners: tuple[Owner, ...]
    alerts: tuple[Alert, ...]
    dashboards: tuple[DashboardDefinition, ...]
    pipelines: tuple[Pipeline, ...]
    foreign: tuple[ForeignRules, ...] = ()
    foreign_tests: tuple[ForeignTests, ...] = ()
    allowed: tuple[Allow, ...] = ()
    falco_rules: tuple[FalcoRule, ...] = ()
    elsewhere: frozenset[Identity] = frozenset()
    call_places: Mapping[tuple[Identity, Identity], Place] = field(default_factory=dict, compare=False, repr=False)

    @property
    def slos(self) -> Iterable[tuple[Service, SLO]]:
        """Every (service, SLO), services in order, SLOs as written."""
        return ((service, slo) for service in self.services for slo in service.slos)

    @property
    def latency_bounds(self) -> tuple[Duration, ...]:
        """Every latency threshold in use by an SLO or an alert, ascending."""
        used = {slo.of.under for _, slo in self.slos if isinstance(slo.of, Latency)}
        used |= {signal.over for alert in self.alerts for signal in alert.signals if signal.over is not None}
        return tuple(sorted(used))

    @property
    def periods(self) -> tuple[Duration, ...]:
        """Every SLO period in use, ascending."""
        return tuple(sorted({slo.over for _, slo in self.slos}))


def resolve(definitions: Definitions, environment: str | None) -> tuple[Model | None, list[Finding]]:
    """The model of ``environment`` (None: the definitions as they stand), and what is wrong with it.

    None instead of a model where there is no one mesh or no such environment.
    """
    findings: list[Finding] = []
    mesh = _the_mesh(definitions.meshes, findings)
    chosen = _the_environment(definitions.environments, environment, findings)
    if mesh is None or (environment is not None and chosen is None):
        return None, findings
    known = known_clusters(mesh, definitions.environments)
    people = People(chosen)
    mesh = people.mesh(_mesh_in(mesh, chosen))
    owners = tuple(filter(None, (people.owner(owner) for owner in definitions.owners)))
    definitions = replace(definitions, owners=owners, services=tuple(map(people.service, definitions.services)))
    findings += people.unsaid(_owners(definitions, mesh))
    findings += unknown_clusters((*definitions.services, *definitions.gateways), known)
    running = _services_in(definitions.services, mesh, chosen, findings)
    calls = calls_in(definitions.calls, mesh)
    seen = seen_only(running, ((edge[1], callee) for edge, (callee, _) in calls.items()))
    services = tuple(sorted((*running, *seen), key=lambda service: service.identity))
    gateways = sorted(
        (one for each in definitions.gateways for one in placed(each, mesh)), key=lambda one: one.identity
    )
    _unique(definitions.pipelines, "pipeline", findings)
    model = Model(
        mesh=mesh,
        environment=environment or "",
        services=services,
        gateways=tuple(gateways),
        externals=tuple(sorted(definitions.externals, key=lambda external: external.name)),
        calls=tuple(sorted(calls)),
        call_places={edge: place for edge, (_, place) in calls.items() if place is not None},
        owners=_owners(definitions, mesh),
        alerts=_unique(definitions.alerts, "alert", findings),
        dashboards=_unique(definitions.dashboards, "dashboard", findings),
        foreign=_unique(definitions.foreign, "mixin", findings),
        foreign_tests=_unique(definitions.foreign_tests, "unit-test", findings),
        allowed=definitions.allowed,
        falco_rules=_unique(definitions.falco_rules, "rule of Falco", findings),
        elsewhere=frozenset(service.identity for service in seen),
        # Drawn by the loader when the mesh is known: what draws them is a person's code.
        pipelines=(),
    )
    return model, findings


def _the_mesh(meshes: Sequence[Mesh], findings: list[Finding]) -> Mesh | None:
    if len(meshes) == 1:
        return meshes[0]
    findings.append(
        Finding(
            code="mesh/none" if not meshes else "mesh/several",
            title="there is no mesh" if not meshes else f"there are {len(meshes)} meshes",
            place=meshes[1].place if meshes else None,
            why="artefacts are built for one mesh: its provider decides every query",
            help='write mesh = Mesh(name="...", provider="istio") in mesh.py'
            if not meshes
            else "keep one; what differs between environments is an Environment",
        )
    )
    return None


def _the_environment(
    environments: Sequence[Environment], name: str | None, findings: list[Finding]
) -> Environment | None:
    found = next((environment for environment in environments if environment.name == name), None)
    if name is not None and found is None:
        known = ", ".join(sorted(environment.name for environment in environments)) or "none"
        findings.append(
            Finding(
                code="mesh/unknown-environment",
                title=f"there is no environment `{name}`",
                why=f"the environments of this mesh: {known}",
                help=f'write {name} = Environment(name="{name}") in mesh.py, or name one of those',
            )
        )
    return found


def _mesh_in(mesh: Mesh, environment: Environment | None) -> Mesh:
    if environment is None:
        return _settled(mesh)
    # Its clusters are its own: one that is named leaves none of the mesh's set, and a set no single one.
    if environment.clusters is not None or environment.cluster is not None:
        mesh = replace(mesh, cluster="", clusters=())
    shared = {setting.name for setting in fields(Mesh)} - {"name", "environment", "place"}
    named = [setting.name for setting in fields(Environment) if setting.name in shared]
    changes = {name: getattr(environment, name) for name in named if getattr(environment, name) is not None}
    return _settled(replace(mesh, environment=environment.name, **changes))


def _settled(mesh: Mesh) -> Mesh:
    """A set of one cluster is that cluster."""
    return replace(mesh, cluster=mesh.clusters[0], clusters=()) if len(mesh.clusters) == 1 else mesh


def _services_in(
    services: Sequence[Service], mesh: Mesh, environment: Environment | None, findings: list[Finding]
) -> tuple[Service, ...]:
    resolved: dict[Identity, Service] = {}
    replicas = {service.identity: number for service, number in (environment.replicas if environment else {}).items()}
    versions = {one.identity: version for one, version in (environment.service_versions if environment else {}).items()}
    for service in services:
        changes: dict[str, object] = {}
        if service.identity in replicas:
            changes["replicas"] = replicas[service.identity]
        if service.identity in versions:
            changes["version"] = versions[service.identity]
        if environment and environment.objectives:
            changes["slos"] = tuple(_slo_in(slo, environment) for slo in service.slos)
        if environment and environment.tracker and service.owner:
            changes["owner"] = replace(service.owner, issues=environment.tracker)
        changed = replace(service, **changes) if changes else service  # type: ignore[arg-type]
        for one in placed(changed, mesh):
            if one.identity in resolved:
                findings.append(_twice(resolved[one.identity], one))
            else:
                resolved[one.identity] = one
    return tuple(resolved[identity] for identity in sorted(resolved))


def _slo_in(slo: SLO, environment: Environment) -> SLO:
    objective = environment.objectives.get(slo)
    if objective is None:
        return slo
    check_objective(objective, slo.name, slo.over, environment.place, "objectives")
    return replace(slo, objective=objective)


def _twice(first: Service, second: Service) -> Finding:
    return Finding(
        code="model/duplicate-service",
        title=f"service `{second.identity}` is defined twice",
        place=second.place,
        argument="name",
        why=f"the other is at {first.place}; two infos for one service make every rule that joins them fail, "
        "for all services",
        help="rename one, or give it another namespace or cluster",
        subject=str(second.identity),
    )


def _owners(definitions: Definitions, mesh: Mesh) -> tuple[Owner, ...]:
    used = [service.owner for service in definitions.services if service.owner] + list(definitions.owners)
    used += [owner for owner in (mesh.owner, mesh.security) if owner]
    return tuple(sorted({owner.name: owner for owner in reversed(used)}.values(), key=lambda owner: owner.name))


def _unique(definitions: Sequence[D], what: str, findings: list[Finding]) -> tuple[D, ...]:
    named: dict[str, D] = {}
    for definition in definitions:
        first = named.setdefault(definition.name, definition)
        if first is not definition:
            findings.append(
                Finding(
                    code=f"model/duplicate-{what}",
                    title=f"{what} `{definition.name}` is defined twice",
                    place=definition.place,
                    why=f"the other is at {first.place}; both would be written to one file",
                    help="rename one",
                    subject=definition.name,
                )
            )
    return tuple(named[name] for name in sorted(named))


def callers(model: Model) -> frozenset[Identity]:
    """Every identity that some service or gateway of the mesh calls."""
    inside = {service.identity for service in model.services} | {gateway.identity for gateway in model.gateways}
    return frozenset(callee for caller, callee in model.calls if caller in inside)


def side_of(slo: SLO | None, service: Service, called: frozenset[Identity]) -> Side:
    """From where an SLO is counted: as it says, else the client's side where somebody in the mesh calls the service."""
    if slo is not None and slo.side is not None:
        return slo.side
    return Side.CLIENT if service.identity in called or service.dataplane is DataPlane.WAYPOINT else Side.SERVER
