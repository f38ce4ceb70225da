"""What the agent knows of the mesh: `model.json` of the built bundle, read once. No label is trusted beyond it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from meshscope.feedback.state import Key
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.modes import Mode

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A response that an alert's definition declares."""

    action: str
    limits: Mapping[str, int] = field(default_factory=dict)
    name: str = ""
    """Of the command or the hook."""


@dataclass(frozen=True, kw_only=True)
class KnownAlert:
    """An alert that the rules can raise."""

    name: str
    scope: str
    """service, instance or empty."""
    severity: str
    summary: str
    definition: str
    responses: tuple[Wanted, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    siblings: bool = False
    """Whether it compares an instance with its siblings, so that the cause is in that instance."""


@dataclass(frozen=True, kw_only=True)
class KnownRule:
    """A rule of Falco that the model answers to."""

    rule: str
    definition: str
    responses: tuple[Wanted, ...]


@dataclass(frozen=True, kw_only=True)
class KnownService:
    """A service of the model. ``where`` is the tracker's address of its issues (``github:acme/payments``)."""

    key: Key
    workload: str
    owner: str
    where: str
    tier: int
    replicas: int
    stateful: bool
    mode: Mode | None
    """None: it did not opt in to anything."""
    runbook: str
    definition: str
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class KnownOwner:
    """A team."""

    name: str
    issues: str
    definition: str = ""


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """The mesh as it was built."""

    mesh: str
    environment: str
    cluster: str
    mode: Mode
    owner: str
    security: str
    """Who answers for security alerts; empty where that is each service's owner."""
    page: str
    """The word for a page in the label ``severity``."""
    addresses: Mapping[str, Any]
    owners: Mapping[str, KnownOwner]
    services: Mapping[Key, KnownService]
    alerts: Mapping[str, KnownAlert]
    rules: Mapping[str, KnownRule]
    """Rules of Falco, by their name."""
    calls: tuple[tuple[Key, Key], ...]

    @property
    def console(self) -> str:
        """The address of the agent's console; empty where nobody said it."""
        return str(self.addresses.get("console", ""))

    @cached_property
    def callees(self) -> Mapping[Key, tuple[Key, ...]]:
        """Whom each service calls."""
        return _grouped(self.calls)

    @cached_property
    def callers(self) -> Mapping[Key, tuple[Key, ...]]:
        """Who calls each service."""
        return _grouped((callee, caller) for caller, callee in self.calls)

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], tuple[KnownService, ...]]:
        found: dict[tuple[str, str], list[KnownService]] = {}
        for service in self.services.values():
            found.setdefault((service.key.namespace, service.key.name), []).append(service)
            found.setdefault((service.key.namespace, f"workload/{service.workload}"), []).append(service)
        return {name: tuple(some) for name, some in found.items()}

    def service_of(self, labels: Mapping[str, str]) -> KnownService | None:
        """The service that labels are about; None where they name none of ours, or more than one could be meant."""
        cluster = labels.get("cluster", "") or self.cluster
        namespace = labels.get("namespace", "")
        exact = self.services.get(Key(cluster, namespace, labels.get("service", "")))
        if exact is not None:
            return exact
        for name in (labels.get("service", ""), f"workload/{labels.get('workload', '')}"):
            some = [one for one in self._by_name.get((namespace, name), ()) if one.key.cluster in ("", cluster)]
            if len(some) == 1:
                return some[0]
        return None

    def owner_of(self, service: KnownService | None) -> str:
        """Who answers for it; the platform where nobody is named."""
        return service.owner if service and service.owner else self.owner

    def called(self, name: str) -> KnownService | None:
        """The service called ``cluster/namespace/name``."""
        return next((one for one in self.services.values() if str(one.key) == name), None)

    def owner_at(self, key: Key) -> str:
        """Who answers for the service of that name."""
        return self.owner_of(self.services.get(key))

    def decider(self, key: Key, *, security: bool) -> str:
        """The team that may say yes or no to acts on a service, and close its incidents: by the model alone.

        What people write under an issue changes who is told, and never this.
        """
        return self.security if security and self.security else self.owner_at(key)

    def where(self, service: KnownService | None) -> str:
        """The address of the tracker that its issues go to; empty where there is none."""
        if service is not None and service.where:
            return service.where
        owner = self.owners.get(self.owner_of(service))
        return owner.issues if owner else ""


def catalog(text: bytes) -> Catalog:
    """Read `model.json`. Raises `MeshscopeError` for what is none, or has another format."""
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            raise _unreadable(f"its format is {document['format']}, and this program reads {FORMAT}")
        return _catalog(document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from error


def _catalog(document: Mapping[str, Any]) -> Catalog:
    mesh = document["mesh"]
    services = {key: _service(row, key) for row in document["services"] for key in [_key(row)]}
    return Catalog(
        mesh=mesh["name"],
        environment=mesh["environment"],
        cluster=mesh["cluster"],
        mode=Mode(mesh["mode"]),
        owner=mesh["owner"] or "",
        security=mesh.get("security") or "",
        rules={
            row["rule"]: KnownRule(
                rule=row["rule"],
                definition=row["definition"] or "",
                responses=_wanted(row["responses"]),
            )
            for row in document.get("falco_rules", ())
        },
        page=mesh["severities"]["page"],
        addresses=mesh["addresses"],
        owners={
            row["name"]: KnownOwner(
                name=row["name"],
                issues=row["issues"],
                definition=row["definition"] or "",
            )
            for row in document["owners"]
        },
        services=services,
        alerts=_alerts(document["alerts"]),
        calls=tuple(
            (caller, callee)
            for row in document["calls"]
            for caller, callee in [(Key(*row["caller"]), Key(*row["callee"]))]
            if callee in services
        ),
    )


def _service(row: Mapping[str, Any], key: Key) -> KnownService:
    mode = row.get("mode")
    return KnownService(
        key=key,
        workload=row["workload"],
        owner=row["owner"] or "",
        where=row["repository"] or "",
        tier=row["tier"],
        replicas=row["replicas"],
        stateful=row["stateful"],
        mode=Mode(mode) if mode else None,
        runbook=row["runbook"] or "",
        definition=row["definition"] or "",
        version=row["version"],
    )


def _alerts(rows: list[Mapping[str, Any]]) -> dict[str, KnownAlert]:
    known: dict[str, KnownAlert] = {}
    for row in rows:
        known.setdefault(
            row["alertname"],
            KnownAlert(
                name=row["alertname"],
                scope=row["scope"] or "",
                severity=row["severity"] or "",
                summary=row["summary"] or "",
                definition=row["definition"] or "",
                responses=_wanted(row["responses"]),
                labels=row["labels"],
                siblings=bool(row.get("siblings")),
            ),
        )
    return known


def _wanted(rows: list[Mapping[str, Any]]) -> tuple[Wanted, ...]:
    return tuple(Wanted(action=one["action"], limits=one["limits"], name=one.get("name", "")) for one in rows)


def _key(row: Mapping[str, Any]) -> Key:
    return Key(row["cluster"], row["namespace"], row["name"])


def _grouped(pairs: Any) -> Mapping[Key, tuple[Key, ...]]:
    found: dict[Key, list[Key]] = {}
    for one, other in pairs:
        found.setdefault(one, []).append(other)
    return {one: tuple(others) for one, others in found.items()}


def _unreadable(why: str) -> MeshscopeError:
    return MeshscopeError(
        Finding(
            code="bundle/unreadable-model",
            title="the bundle's model.json can't be read",
            why=why,
            help="build the bundle anew with `meshscope build`, by the version of meshscope that runs the agent",
        )
    )
