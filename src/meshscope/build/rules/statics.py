"""Static series: objectives, infos, call edges, definitions. Constants, so that they need no process and no query.

They live in a fixed number of groups, a service's own chosen by the hash of its identity: when the number followed
the size, a service that moves to another group would have no info for up to one interval, and its alerts would
vanish. They are deployed and rolled back with the rules that read them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from meshscope.artefacts.rules import Rule, RuleGroup
from meshscope.build.graph import inhibiting_edges
from meshscope.build.options import Options
from meshscope.build.ours import ours
from meshscope.build.rules.burn import own_constants, period_constants
from meshscope.build.rules.indicators import Views, views
from meshscope.build.runbooks import FOLDER
from meshscope.model.library import Tuned
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider
from meshscope.model.services import Gateway, Identity, Service
from meshscope.model.slo import SLO, Availability, Latency
from meshscope.model.units import minutes, plain

UNOWNED = "unowned"
TUNED = "service:alert:tuned"


def static_groups(model: Model, provider: MeshProvider, options: Options) -> tuple[RuleGroup, ...]:
    """The groups that hold some series, in order; ``model.mesh.group_count`` of them at most."""
    count = model.mesh.group_count
    groups: list[list[Rule]] = [[] for _ in range(count)]
    seen = views(model, provider)
    for service in model.services:
        groups[slot(service.identity, count)] += _service(service, model, seen)
    inhibiting = set(inhibiting_edges(model))
    for gateway in model.gateways:
        labels = {**identity_labels(gateway.identity), "workload": gateway.name, "owner": _answers_for(gateway, model)}
        info = Rule(record="gateway:info", expr="vector(1)", labels=labels, origin=gateway.place)
        groups[slot(gateway.identity, count)].append(info)
    for edge in model.calls:
        groups[slot(edge[0], count)].append(_call(edge, inhibits=edge in inhibiting))
    interval = options.duration(2 * minutes)
    prefix = group_name(model.mesh, "static")
    constants = tuple(period_constants(model.periods))
    periods = RuleGroup(name=f"{prefix}:periods", interval=interval, rules=constants, static=True)
    filled = (
        RuleGroup(name=f"{prefix}:{number:03d}", interval=interval, rules=tuple(rules), static=True)
        for number, rules in enumerate(groups)
        if rules
    )
    return tuple(ours(group, model.mesh) for group in (periods, *filled))


def group_name(mesh: Mesh, name: str) -> str:
    """The name of a rule group: it begins with the mesh's, so that in a Prometheus of many ours can be told apart."""
    return f"{mesh.name}:{name}"


def way(tuned: Tuned) -> str:
    """A name for one way to retune, the same for all services that use it."""
    if tuned.off:
        return "off"
    return "-".join(str(part) for part in (tuned.severity, tuned.pending) if part is not None) or "as it is"


def slot(identity: Identity, count: int) -> int:
    """Which of ``count`` groups holds the series of ``identity``; the same on every machine and for ever."""
    return int.from_bytes(hashlib.sha256("/".join(identity).encode()).digest()[:8]) % count


def info_labels(service: Service, model: Model, seen: Views) -> dict[str, str]:
    """The labels of ``service:info``."""
    mesh = model.mesh
    return {
        **identity_labels(service.identity),
        "owner": service.owner.name if service.owner else UNOWNED,
        "tier": str(service.tier),
        "runbook": runbook(service, mesh.runbooks),
        "reporter": seen.of(service),
        "dataplane": service.dataplane.value,
        "workload": service.workload or service.name,
        "expects_traffic": "true" if service.expects_traffic else "false",
        "streams": "true" if service.streams else "false",
    }


def runbook(service: Service, base: str) -> str:
    """The address of a service's runbook; the list of those of all library alerts where it has none."""
    if service.runbook and "://" in service.runbook:
        return service.runbook
    return f"{base.rstrip('/')}/{service.runbook or f'{FOLDER}/README.md'}"


def identity_labels(identity: Identity) -> dict[str, str]:
    """(cluster, namespace, service) as labels; an empty cluster is no label."""
    labels = {"cluster": identity.cluster, "namespace": identity.namespace, "service": identity.name}
    return {name: value for name, value in labels.items() if value}


def objective_labels(service: Service, slo: SLO, seen: Views) -> dict[str, str]:
    """The labels of ``slo:objective:ratio``; ``under`` in the unit of the provider's buckets."""
    labels = {
        **identity_labels(service.identity),
        "slo": slo.name,
        "sli": "availability" if isinstance(slo.of, Availability) else "latency",
        "period": str(slo.over),
        "reporter": seen.of(service, slo),
    }
    if isinstance(slo.of, Latency):
        labels["under"] = seen.provider.le(slo.of.under)
    return labels


def _service(service: Service, model: Model, seen: Views) -> Iterable[Rule]:
    yield _constant("service:info", "1", info_labels(service, model, seen), service)
    if service.volume is not None:
        yield _constant("service:volume:rate", plain(service.volume.value), identity_labels(service.identity), service)
    for alert, tuned in sorted(service.alerts.items()):
        labels = {**identity_labels(service.identity), "alert": str(alert), "way": way(tuned)}
        yield _constant(TUNED, "1", labels, service)
    for slo in service.slos:
        objective = plain(slo.objective.value)
        yield _constant("slo:objective:ratio", objective, objective_labels(service, slo, seen), slo)
        named = {**identity_labels(service.identity), "slo": slo.name}
        yield from own_constants(slo, named)
        if slo.place is not None:
            yield _constant("slo:definition:info", "1", {**named, "definition": str(slo.place)}, slo)


def _answers_for(gateway: Gateway, model: Model) -> str:
    owner = gateway.owner or model.mesh.owner
    return owner.name if owner else UNOWNED


def _call(edge: tuple[Identity, Identity], *, inhibits: bool) -> Rule:
    caller, callee = edge
    theirs = {"callee_cluster": callee.cluster, "callee_namespace": callee.namespace, "callee": callee.name}
    labels = identity_labels(caller) | {name: value for name, value in theirs.items() if value}
    return Rule(
        record="service:calls:info", expr="vector(1)", labels=labels | {"inhibits": "true" if inhibits else "false"}
    )


def _constant(name: str, value: str, labels: dict[str, str], of: Service | SLO) -> Rule:
    return Rule(record=name, expr=f"vector({value})", labels=labels, origin=of.place)
