"""Who plays in the demo: the processes, pods and calls of a model, and the instance that is going to fail."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from meshscope.findings import Finding, MeshscopeError
from meshscope.model.model import Model
from meshscope.model.services import DataPlane, Direction, Gateway, Identity, Service
from meshscope.model.signals import Scope

# Kubernetes' own letters for generated names: no vowels, and no digit that looks like one.
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
# More processes than these are no picture of a mesh any more, only a load on the machine.
MOST_SERVICES = 40
NEEDED, SOMETIMES, BACK = 1.0, 0.25, 0.1
_DEEPEST = 8
# Paths that fewer than one visitor in a thousand takes change no rate that anybody sees.
_RAREST = 0.001
_LEAST_RATE, _MOST_RATE = 4.0, 30.0
# Twice what the alert's gate asks for, so that a slow machine doesn't close it.
_MARGIN = 2.0


@dataclass(frozen=True, kw_only=True)
class Player:
    """One process of the demo: a service, a gateway, a waypoint or what lies outside, with its pods.

    ``reports`` is the reporter of its proxies for what arrives (empty: no proxy sees it), ``counts_calls`` whether they
    count what it calls; ``traced`` ones send spans and logs. ``work`` is how many milliseconds a request takes.
    """

    identity: Identity
    workload: str
    version: str
    pods: tuple[str, ...]
    reports: str = ""
    counts_calls: bool = True
    traced: bool = True
    work: float = 5.0

    @property
    def name(self) -> str:
        """What the process is called: as the service, with its namespace where it has one."""
        return f"{self.identity.namespace}/{self.identity.name}" if self.identity.namespace else self.identity.name

    @property
    def host(self) -> str:
        """The name by which callers reach it."""
        identity = self.identity
        return f"{identity.name}.{identity.namespace}.svc.cluster.local" if identity.namespace else identity.name


@dataclass(frozen=True, kw_only=True)
class Script:
    """The whole cast: ``calls`` says how often a player calls another while it answers one request.

    ``entry`` is who visitors reach, ``rate`` how many of them a second; ``target`` is the service of which one instance
    fails, None where none has two instances that alerts watch.
    """

    players: tuple[Player, ...]
    calls: Mapping[Identity, Mapping[Identity, float]]
    waypoints: Mapping[Identity, Identity]
    entry: Identity
    target: Identity | None
    rate: float

    @cached_property
    def cast(self) -> Mapping[Identity, Player]:
        """Every player by identity."""
        return {player.identity: player for player in self.players}

    def visits(self) -> Iterator[tuple[Identity, Identity, float]]:
        """(caller, callee, calls for one visitor), one for each path that visitors take."""
        yield from self._visits((self.entry,), 1.0)

    def _visits(self, path: tuple[Identity, ...], often: float) -> Iterator[tuple[Identity, Identity, float]]:
        for callee, chance in self.calls.get(path[-1], {}).items():
            share = often * chance_of(callee, chance, path)
            if share >= _RAREST and len(path) < _DEEPEST:
                yield path[-1], callee, share
                yield from self._visits((*path, callee), share)


def chance_of(callee: Identity, chance: float, path: tuple[Identity, ...]) -> float:
    """How often the last on ``path`` calls ``callee``: rarely one that waits for this very answer."""
    return BACK if callee in path else chance


def script(model: Model, time_scale: float) -> Script:
    """The cast of ``model``, with as many visitors as alerts need that count events, when time is scaled.

    Raises `MeshscopeError` for a mesh that nothing enters, or of too many services for one machine.
    """
    if len(model.services) > MOST_SERVICES:
        raise _unplayable(
            model, f"mesh `{model.mesh.name}` has {len(model.services)} services",
            f"each would be a process here; up to {MOST_SERVICES} are played",
        )  # fmt: skip
    entry = _entry(model)
    target = _target(model, entry)
    calls = _calls(model, target)
    players = tuple(_players(model))
    waypoints = {
        service.identity: _waypoint(service)
        for service in model.services
        if service.dataplane is DataPlane.WAYPOINT
    }  # fmt: skip
    bare = Script(players=players, calls=calls, waypoints=waypoints, entry=entry, target=target, rate=1.0)
    return Script(
        players=players, calls=calls, waypoints=waypoints, entry=entry, target=target,
        rate=_rate(bare, model, time_scale),
    )  # fmt: skip


def pod_name(workload: str, number: int) -> str:
    """A pod's name as a ReplicaSet gives it; the same in every run."""
    digest = hashlib.sha256(f"{workload}/{number}".encode()).digest()
    own = hashlib.sha256(workload.encode()).digest()
    return f"{workload}-{_letters(own, 9)}-{_letters(digest, 5)}"


def _letters(digest: bytes, length: int) -> str:
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:length])


def _unplayable(model: Model, title: str, why: str) -> MeshscopeError:
    return MeshscopeError(
        Finding(
            code="demo/unplayable",
            title=title,
            place=model.mesh.place,
            why=why,
            help="run `meshscope demo --no-live` to see it built and checked",
        )
    )


def _entry(model: Model) -> Identity:
    called = {callee for _, callee in model.calls}
    calling = {caller for caller, _ in model.calls}
    ways_in = [gateway.identity for gateway in model.gateways if gateway.direction is Direction.INGRESS]
    uncalled = [service.identity for service in model.services if service.identity not in called]
    found = [identity for identity in (*ways_in, *uncalled) if identity in calling]
    if found:
        return found[0]
    raise _unplayable(
        model,
        f"nothing enters mesh `{model.mesh.name}`",
        "visitors come in by an ingress gateway, or to a service that no other calls; and it must call some other",
    )


def _depths(model: Model, entry: Identity) -> dict[Identity, int]:
    depths = {entry: 0}
    frontier = [entry]
    while frontier:
        caller = frontier.pop(0)
        for _, callee in (edge for edge in model.calls if edge[0] == caller):
            if callee not in depths:
                depths[callee] = depths[caller] + 1
                frontier.append(callee)
    return depths


def _target(model: Model, entry: Identity) -> Identity | None:
    """The most important service of several instances, the deepest of those: more of the mesh feels its failure."""
    depths = _depths(model, entry)
    fit = [
        service
        for service in model.services
        if service.replicas > 1 and service.slos and service.dataplane is DataPlane.SIDECAR
        and service.identity in depths
    ]  # fmt: skip
    fit.sort(key=lambda service: (service.tier, -depths[service.identity], -service.replicas, service.identity))
    return fit[0].identity if fit else None


def _calls(model: Model, target: Identity | None) -> dict[Identity, dict[Identity, float]]:
    """Every request needs what leads to the target; other calls are made now and then."""
    leading = _leading(model, target)
    calls: dict[Identity, dict[Identity, float]] = {}
    for caller, callee in model.calls:
        calls.setdefault(caller, {})[callee] = NEEDED if callee in leading else SOMETIMES
    return calls


def _leading(model: Model, target: Identity | None) -> set[Identity]:
    leading = {target} if target else set()
    while True:
        more = {caller for caller, callee in model.calls if callee in leading} - leading
        if not more:
            return leading
        leading |= more


def _players(model: Model) -> Iterator[Player]:
    for service in model.services:
        yield _service(service)
    for service in {service.namespace: service for service in model.services if _behind_waypoint(service)}.values():
        waypoint = _waypoint(service)
        pods = (pod_name(waypoint.name, 0),)
        yield Player(
            identity=waypoint, workload="waypoint", version="latest", pods=pods, reports="waypoint", traced=False
        )
    for gateway in model.gateways:
        yield _gateway(gateway)
    for outside in model.externals:
        identity = outside.identity
        yield Player(
            identity=identity,
            workload=identity.name,
            version="",
            pods=(outside.host,),
            counts_calls=False,
            traced=False,
            work=3.0,
        )


def _behind_waypoint(service: Service) -> bool:
    return service.dataplane is DataPlane.WAYPOINT


def _service(service: Service) -> Player:
    workload = service.workload or service.name
    sidecar = not _behind_waypoint(service)
    return Player(
        identity=service.identity,
        workload=workload,
        version=service.version or "v1",
        pods=tuple(pod_name(workload, number) for number in range(max(1, service.replicas))),
        reports="destination" if sidecar else "",
        counts_calls=sidecar,
        work=2.0 + int.from_bytes(hashlib.sha256(service.name.encode()).digest()[:1]) / 32,
    )


def _gateway(gateway: Gateway) -> Player:
    pods = (pod_name(gateway.name, 0),)
    return Player(identity=gateway.identity, workload=gateway.name, version="latest", pods=pods, work=0.5)


def _waypoint(service: Service) -> Identity:
    return Identity(service.cluster, service.namespace, "waypoint")


def _rate(played: Script, model: Model, time_scale: float) -> float:
    """Visitors a second, such that each instance of the target sees what alerts on instances ask for."""
    gates = [
        alert.at_least / (float(alert.window.seconds) * time_scale)
        for alert in model.alerts
        if alert.scope is Scope.INSTANCE and alert.at_least
    ]
    if played.target is None or not gates:
        return _LEAST_RATE
    share = sum(often for _, callee, often in played.visits() if callee == played.target)
    each = share / len(played.cast[played.target].pods)
    return min(_MOST_RATE, max(_LEAST_RATE, _MARGIN * max(gates) / each)) if each else _LEAST_RATE
