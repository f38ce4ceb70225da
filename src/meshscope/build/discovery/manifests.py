"""What Kubernetes manifests declare of a mesh: services, the workloads behind them, ways in, hosts outside.

Shapes: Kubernetes API reference 1.34 (Service, Deployment, StatefulSet, DaemonSet, HorizontalPodAutoscaler,
NetworkPolicy), Gateway API 1.3 (Gateway, HTTPRoute, GRPCRoute), Istio 1.31 (Gateway, VirtualService, ServiceEntry).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from meshscope.build.discovery.names import is_host, is_name
from meshscope.findings import Place

DEFAULT = "default"
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout", "CronJob", "Job", "Pod")
# Whoever has another kind says nothing of a mesh's shape.
KINDS = frozenset(
    {*_WORKLOADS, "Service", "Namespace", "ServiceEntry", "NetworkPolicy", "Gateway", "HTTPRoute", "GRPCRoute",
     "VirtualService", "HorizontalPodAutoscaler"}
)  # fmt: skip
_TCP = ("tcp", "mongo", "mysql", "redis", "tls")
_WAYPOINT = "istio.io/use-waypoint"

Name = tuple[str, str]


@dataclass(frozen=True)
class Document:
    """One object of a manifest, and where it begins."""

    body: Mapping[str, object]
    place: Place

    @property
    def kind(self) -> str:
        """Its kind."""
        return text(self.body.get("kind"))

    @property
    def name(self) -> Name:
        """(namespace, name); who says no namespace is in `default`."""
        about = mapping(self.body.get("metadata"))
        return text(about.get("namespace")) or DEFAULT, text(about.get("name"))

    @property
    def spec(self) -> Mapping[str, object]:
        """What it asks for."""
        return mapping(self.body.get("spec"))

    @property
    def labels(self) -> Mapping[str, object]:
        """Its own labels."""
        return mapping(mapping(self.body.get("metadata")).get("labels"))


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What runs pods with ``labels``; ``values`` are what their environment says, ``replicas`` how many there are."""

    name: Name
    kind: str
    labels: Mapping[str, str]
    replicas: int
    values: Mapping[str, str]
    place: Place

    def selected(self, selector: Mapping[str, object]) -> bool:
        """Whether its pods have every label of ``selector``."""
        return all(self.labels.get(label) == text(value) for label, value in selector.items())


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Everything that manifests say. ``services`` maps a service to its pods' selector.

    ``tcp`` are services that speak no HTTP, ``waypoints`` those behind a waypoint, ``hosts`` lie outside,
    ``gateways`` are ways in with the services that their routes lead to. ``unread`` are documents that say nothing of a
    mesh's shape by any kind that is known here, counted by kind.
    """

    services: Mapping[Name, Mapping[str, object]]
    places: Mapping[Name, Place]
    workloads: tuple[Workload, ...]
    policies: tuple[Document, ...]
    tcp: frozenset[Name]
    waypoints: frozenset[Name]
    hosts: frozenset[str]
    gateways: Mapping[Name, frozenset[Name]]
    unread: Mapping[str, int] = field(default_factory=dict)

    def behind(self, service: Name) -> tuple[Workload, ...]:
        """The workloads whose pods ``service`` selects."""
        selector = self.services.get(service, {})
        return tuple(one for one in self.workloads if selector and one.name[0] == service[0] and one.selected(selector))

    def served_by(self, workload: Workload) -> Name | None:
        """The service that ``workload`` answers for: the one of its name, else the first."""
        found = [name for name in self.services if workload in self.behind(name)]
        return next((name for name in found if name == workload.name), min(found, default=None))


def declared(documents: Iterable[Document]) -> Declared:
    """What ``documents`` say, whatever their order."""
    by_kind: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        by_kind[document.kind].append(document)
    services = [one for one in by_kind["Service"] if is_name(one.name[1]) and is_name(one.name[0])]
    outside = [one for one in services if text(one.spec.get("type")) == "ExternalName"]
    inside = [one for one in services if one not in outside]
    meshed = {one.name[1] for one in by_kind["Namespace"] if one.labels.get(_WAYPOINT) not in (None, "none")}
    hosts = {text(one.spec.get("externalName")) for one in outside} | set(_entries(by_kind["ServiceEntry"]))
    names = {one.name: mapping(one.spec.get("selector")) for one in inside}
    workloads = tuple(_workloads(by_kind))
    return Declared(
        services=names,
        places={one.name: one.place for one in inside},
        workloads=workloads,
        policies=tuple(by_kind["NetworkPolicy"]),
        tcp=frozenset(one.name for one in inside if _speaks_no_http(one)),
        waypoints=frozenset(
            one.name
            for one in inside
            if one.labels.get(_WAYPOINT) != "none" and (one.labels.get(_WAYPOINT) or one.name[0] in meshed)
        ),
        hosts=frozenset(host for host in hosts if is_host(host)),
        gateways=_gateways(by_kind, names, workloads),
        unread={kind: len(found) for kind, found in sorted(by_kind.items()) if kind not in KINDS},
    )


def _workloads(by_kind: Mapping[str, list[Document]]) -> Iterator[Workload]:
    least = {
        (one.name[0], text(mapping(one.spec.get("scaleTargetRef")).get("name"))): number(one.spec.get("minReplicas"), 1)
        for one in by_kind.get("HorizontalPodAutoscaler", ())
    }
    for kind in _WORKLOADS:
        for document in by_kind.get(kind, ()):
            template = _template(document)
            about, spec = mapping(template.get("metadata")), mapping(template.get("spec"))
            yield Workload(
                name=document.name,
                kind=kind,
                labels={label: text(value) for label, value in mapping(about.get("labels")).items()},
                replicas=least.get(document.name) or number(document.spec.get("replicas"), 1),
                values=dict(_values(spec)),
                place=document.place,
            )


def _template(document: Document) -> Mapping[str, object]:
    if document.kind == "Pod":
        return document.body
    spec = document.spec
    if document.kind == "CronJob":
        spec = mapping(mapping(spec.get("jobTemplate")).get("spec"))
    return mapping(spec.get("template"))


def _values(pod: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """What its containers' environment and arguments say."""
    for container in (*listed(pod.get("containers")), *listed(pod.get("initContainers"))):
        for variable in listed(mapping(container).get("env")):
            said = mapping(variable)
            yield text(said.get("name")), text(said.get("value"))
        for position, argument in enumerate(
            (*listed(mapping(container).get("command")), *listed(mapping(container).get("args")))
        ):
            yield f"args[{position}]", text(argument)


def _speaks_no_http(service: Document) -> bool:
    """Whether each of its ports says so, as Istio reads them: by appProtocol, else by the name up to its dash."""
    ports = [mapping(port) for port in listed(service.spec.get("ports"))]
    said = [text(port.get("appProtocol")) or text(port.get("name")).partition("-")[0] for port in ports]
    transports = {text(port.get("protocol")) or "TCP" for port in ports}
    return bool(ports) and (transports == {"UDP"} or all(one.lower() in _TCP for one in said))


def _entries(entries: Iterable[Document]) -> Iterator[str]:
    for entry in entries:
        if text(entry.spec.get("location")) != "MESH_INTERNAL":
            yield from map(text, listed(entry.spec.get("hosts")))


def _gateways(
    by_kind: Mapping[str, list[Document]], services: Mapping[Name, object], workloads: Iterable[Workload]
) -> dict[Name, frozenset[Name]]:
    """Ways in, and whom their routes lead to: of the Gateway API by parentRefs, of Istio by the names of gateways."""
    running = {one.name: _runs(one, workloads) for one in by_kind.get("Gateway", ()) if _lets_in(one)}
    found: dict[Name, set[Name]] = {name: set() for name in running.values()}
    for route in (*by_kind.get("HTTPRoute", ()), *by_kind.get("GRPCRoute", ())):
        for parent in map(mapping, listed(route.spec.get("parentRefs"))):
            named = text(parent.get("namespace")) or route.name[0], text(parent.get("name"))
            if named in running:
                found[running[named]] |= set(_backends(route, services))
    for virtual in by_kind.get("VirtualService", ()):
        for said in listed(virtual.spec.get("gateways")):
            namespace, _, bare = text(said).rpartition("/")
            named = namespace or virtual.name[0], bare
            if named in running:
                found[running[named]] |= set(_destinations(virtual, services))
    return {name: frozenset(callees) for name, callees in found.items()}


def _lets_in(gateway: Document) -> bool:
    return is_name(gateway.name[1]) and text(gateway.spec.get("gatewayClassName")) != "istio-waypoint"


def _runs(gateway: Document, workloads: Iterable[Workload]) -> Name:
    """Whose proxies stand for ``gateway``: Istio's own selects them by labels, one of the Gateway API is its own."""
    selector = mapping(gateway.spec.get("selector"))
    if not selector:
        return gateway.name
    chosen = min((one.name for one in workloads if one.selected(selector)), default=None)
    # What `istioctl install` makes, and no manifest of the application holds.
    usual = ("istio-system", f"istio-{text(selector.get('istio'))}")
    return chosen or (usual if is_name(usual[1]) else gateway.name)


def _backends(route: Document, services: Mapping[Name, object]) -> Iterator[Name]:
    for rule in listed(route.spec.get("rules")):
        for backend in map(mapping, listed(mapping(rule).get("backendRefs"))):
            name = text(backend.get("namespace")) or route.name[0], text(backend.get("name"))
            if name in services:
                yield name


def _destinations(virtual: Document, services: Mapping[Name, object]) -> Iterator[Name]:
    for protocol in ("http", "tls", "tcp"):
        for rule in listed(virtual.spec.get(protocol)):
            for route in map(mapping, listed(mapping(rule).get("route"))):
                name = addressed(text(mapping(route.get("destination")).get("host")), virtual.name[0])
                if name in services:
                    yield name


def addressed(host: str, namespace: str) -> Name:
    """The (namespace, name) that ``host`` means to who is in ``namespace``: name[.namespace[.svc[.domain]]]."""
    name, _, rest = host.partition(".")
    return rest.partition(".")[0] or namespace, name


def mapping(value: object) -> Mapping[str, object]:
    """``value`` where it is a mapping, else an empty one: a manifest may hold anything."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> tuple[object, ...]:
    """``value``'s items where it is a list, else none."""
    return tuple(value) if isinstance(value, list) else ()


def text(value: object) -> str:
    """``value`` where it is a text or a number, else nothing."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def number(value: object, otherwise: int) -> int:
    """``value`` where it is a whole number, else ``otherwise``."""
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
