"""Manifests and telemetry of one mesh together: what was declared beside what was seen, by (namespace, name).

A manifest knows names, replicas and who may call; telemetry knows who does, how often and how well. Where both speak of
a service the manifest says what it is made of, and telemetry how it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from meshscope.build.discovery import declared_notes as notes
from meshscope.build.discovery.declared_calls import calls, hosts
from meshscope.build.discovery.interpret import UNKNOWN, Discovered
from meshscope.build.discovery.manifests import Declared, Name, Workload
from meshscope.build.discovery.names import is_name, labels_of_hosts
from meshscope.findings import Finding
from meshscope.model.mesh import Mesh
from meshscope.model.services import Callee, Caller, DataPlane, Direction, External, Gateway, Identity, Service


def joined(found: Discovered | None, declared: Declared, *, name: str, provider: str, folder: str) -> Discovered:
    """``found`` with what ``declared`` adds; with no telemetry, a mesh ``name`` of ``provider`` from manifests alone.

    Raises `DefinitionError` for a bad ``name``.
    """
    if found is None:
        mesh = Mesh(name=name, provider=provider, owner=UNKNOWN)
        found = Discovered(mesh=mesh, services=(), gateways=(), externals=(), calls=(), remarks={}, notes=(),
                           telemetry=None)  # fmt: skip
    return _Join(found, declared, folder).discovered()


class _Join:
    def __init__(self, found: Discovered, declared: Declared, folder: str) -> None:
        self._found = found
        self._declared = declared
        self._folder = folder
        self._remarks = dict(found.remarks)
        self._notes: list[Finding] = []

    def discovered(self) -> Discovered:
        found, declared = self._found, self._declared
        edges = calls(declared)
        services = self._services(edges)
        gateways = self._gateways()
        externals = self._externals()
        inside: list[Service | Gateway] = [*services, *gateways]
        nodes = {(node.namespace, node.name): node for node in inside if not node.cluster}
        by_host = {external.host: external for external in externals}
        everybody: list[Callee] = [*inside, *externals]
        known = {node.identity: node for node in everybody}
        told: dict[tuple[Identity, Identity], tuple[Caller, Callee]] = {
            (caller.identity, callee.identity): (_caller(known, caller), known[callee.identity])
            for caller, callee in found.calls
        }
        for caller, callee in (*edges, *self._routes()):
            if caller in nodes and callee in nodes:
                told[nodes[caller].identity, nodes[callee].identity] = nodes[caller], nodes[callee]
        for caller, host in hosts(declared):
            if caller in nodes and host in by_host:
                told[nodes[caller].identity, by_host[host].identity] = nodes[caller], by_host[host]
        return replace(
            found,
            services=tuple(sorted(services, key=lambda service: service.identity)),
            gateways=tuple(sorted(gateways, key=lambda gateway: gateway.identity)),
            externals=externals,
            calls=tuple(told[pair] for pair in sorted(told)),
            remarks=self._remarks,
            notes=(*found.notes, *self._notes, *notes.about(declared)),
            folder=self._folder,
        )

    def _services(self, edges: frozenset[tuple[Name, Name]]) -> list[Service]:
        seen = {(service.namespace, service.name) for service in self._found.services}
        gateways = {(gateway.namespace, gateway.name) for gateway in self._found.gateways} | set(
            self._declared.gateways
        )
        services = [self._made_of(service) for service in self._found.services]
        services += [self._new(name) for name in self._declared.services if name not in seen | gateways]
        callers = {caller for caller, _ in edges} | {caller for caller, _ in hosts(self._declared)}
        for workload in self._declared.workloads:
            name = workload.name
            serves = self._declared.served_by(workload) is not None or name in self._declared.services
            if name in callers and not serves and name not in seen | gateways and is_name(name[1]):
                services.append(self._only_calls(workload))
        return services

    def _made_of(self, service: Service) -> Service:
        """A service that was seen, with what its manifest says it is made of."""
        name = service.namespace, service.name
        workloads = self._declared.behind(name)
        if name not in self._declared.services:
            self._notes.append(notes.undeclared(str(service.identity)))
        return replace(service, **self._parts(name, workloads)) if workloads else service  # type: ignore[arg-type]

    def _new(self, name: Name) -> Service:
        measured = self._found.telemetry is not None
        workloads = self._declared.behind(name)
        service = Service(namespace=name[0], name=name[1])
        if name in self._declared.tcp:
            self._remarks[service.identity] = "Speaks no HTTP: its requests can't be counted."
        elif measured:
            self._remarks[service.identity] = "Declared, and not called within the measured time."
            self._notes.append(notes.never_called(str(service.identity)))
        if not workloads:
            self._notes.append(notes.nothing_behind(str(service.identity), self._declared.places[name]))
        plane = DataPlane.WAYPOINT if name in self._declared.waypoints else DataPlane.SIDECAR
        expects = not measured and name not in self._declared.tcp and bool(workloads)
        changes = {**self._parts(name, workloads), "dataplane": plane, "expects_traffic": expects}
        return replace(service, **changes)  # type: ignore[arg-type]

    def _parts(self, name: Name, workloads: tuple[Workload, ...]) -> dict[str, object]:
        if not workloads:
            return {}
        own = {workload.name[1] for workload in workloads} - {name[1]}
        return {
            "replicas": max(sum(workload.replicas for workload in workloads), 1),
            # Several workloads behind one service are versions of it; none of them is its name.
            "workload": next((one for one in own if len(workloads) == 1 and is_name(one)), ""),
            "stateful": any(workload.kind == "StatefulSet" for workload in workloads),
        }

    def _only_calls(self, workload: Workload) -> Service:
        service = Service(namespace=workload.name[0], name=workload.name[1], expects_traffic=False,
                          replicas=max(workload.replicas, 1))  # fmt: skip
        self._remarks[service.identity] = "Calls others and serves nothing."
        return service

    def _gateways(self) -> list[Gateway]:
        seen = {(gateway.namespace, gateway.name) for gateway in self._found.gateways}
        return [
            *self._found.gateways,
            *(
                Gateway(namespace=namespace, name=name, direction=Direction.INGRESS)
                for namespace, name in self._declared.gateways
                if (namespace, name) not in seen
            ),
        ]

    def _routes(self) -> tuple[tuple[Name, Name], ...]:
        return tuple((name, callee) for name, callees in self._declared.gateways.items() for callee in callees)

    def _externals(self) -> tuple[External, ...]:
        known = {external.host for external in self._found.externals}
        labels = labels_of_hosts(known | self._declared.hosts)
        return tuple(External(name=labels[host], host=host) for host in sorted(labels))


def _caller(known: Mapping[Identity, Callee], caller: Caller) -> Caller:
    node = known[caller.identity]
    return caller if isinstance(node, External) else node
