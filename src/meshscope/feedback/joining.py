"""An alert joins an incident: its service's, that of a deeper service of which it is a victim, or a new one."""

from __future__ import annotations

import hashlib

from msgspec import structs

from meshscope.feedback.catalog import KnownAlert, KnownService
from meshscope.feedback.folding import deepest, reachable, upstream
from meshscope.feedback.state import AlertState, Incident, Key, Member, Phase
from meshscope.feedback.tools import Tools, name_of

MOST_MEMBERS = 500


class Joiner:
    """Puts alerts into incidents, and incidents into deeper ones."""

    def __init__(self, tools: Tools) -> None:
        """With the book of what is open."""
        self.tools = tools
        self.book = tools.book
        self.catalog = tools.catalog
        self.settings = tools.settings
        self._changes = -1
        self._causes: dict[Key, Key | None] = {}
        self._victims: dict[Key, tuple[Key, ...]] = {}

    def by_instance(self, alert: AlertState) -> KnownService | None:
        """The service one of whose instances an alert of Falco names, who knows pods alone."""
        pod, namespace = alert.received.labels.get("pod", ""), alert.received.labels.get("namespace", "")
        if alert.received.source != "falco" or not pod:
            return None
        for service in self.catalog.services.values():
            named = service.key.namespace == namespace and pod.startswith(f"{service.workload}-")
            if named and any(one.name == pod for one in self.tools.running(service.key) or ()):
                return service
        return None

    def root(self, incident: Incident) -> Incident:
        """The incident that this one is part of; itself where it is part of none."""
        seen: set[str] = set()
        while incident.folded_into and incident.folded_into not in seen:
            seen.add(incident.id)
            found = self.book.incidents.get(incident.folded_into)
            if found is None:
                break
            incident = found
        return incident

    def joined(self, alert: AlertState, service: KnownService, known: KnownAlert | None, now: float) -> Incident:
        """The incident that the alert joins: its service's, a deeper one's of which it is a victim, or a new one."""
        security = alert.received.source == "falco"
        lone = _lone(known, security=security)
        incident = self.book.open_for(service.key, security=security)
        if incident is None:
            if (found := self._deeper(service.key, lone=lone)) is not None:
                self.add(found, alert, service, known, victim=True)
                return found
            incident = self._opened(service, alert, now, security)
        # A promise over hours still sees what is over; that is nothing new.
        late = incident.phase is Phase.MITIGATED and incident.calm_since is not None and "slo" in alert.received.labels
        if incident.phase is not Phase.OPEN and alert.resolved_at is None and not late:
            self._again(incident, now)
        self.add(incident, alert, service, known, victim=False)
        if not security:
            self._swallow(incident, self._callers(service.key), now, lone=lone)
        return incident

    def opens(self, service: KnownService, known: KnownAlert | None, *, security: bool) -> bool:
        """Whether an alert of the service would open an incident of its own, or open one again."""
        incident = self.book.open_for(service.key, security=security)
        if incident is not None:
            return incident.phase is not Phase.OPEN
        return self._deeper(service.key, lone=_lone(known, security=security)) is None

    def _deeper(self, key: Key, *, lone: bool) -> Incident | None:
        """The incident of the service that is the cause; None where ``key`` has none, or its trouble is its own."""
        root = None if lone else self.cause(key)
        return self.book.open_for(root) if root is not None else None

    def cause(self, key: Key) -> Key | None:
        """The deepest failing service that ``key`` calls; None where it calls none that fails."""
        self._recall()
        if key not in self._causes:
            self._causes[key] = deepest(key, self.catalog.callees, self.book.standing.failing(key))
        return self._causes[key]

    def _callers(self, key: Key) -> tuple[Key, ...]:
        """The failing services that call ``key``, the nearest first."""
        self._recall()
        if key not in self._victims:
            self._victims[key] = upstream(key, self.catalog.callers, self.book.standing.failing(key))
        return self._victims[key]

    def _recall(self) -> None:
        """Forget the answers that are none any more: in a storm the same is asked for thousands of alerts."""
        if self._changes != self.book.standing.changes:
            self._changes = self.book.standing.changes
            self._causes.clear()
            self._victims.clear()

    def _opened(self, service: KnownService, alert: AlertState, now: float, security: bool) -> Incident:
        digest = hashlib.sha256(f"{service.key}/{alert.key}".encode()).hexdigest()[:10]
        owner = self.catalog.decider(service.key, security=security)
        return Incident(
            id=f"{service.key.name}-{digest}", service=service.key, owner=owner, opened=now, security=security
        )

    def _again(self, incident: Incident, now: float) -> None:
        was = incident.phase
        self.tools.reopen(incident)
        self.book.happened(incident, f"it fires again; it was {was}", at=now)
        self.book.recurred(incident, self.settings.recur_seconds)

    def add(
        self, incident: Incident, alert: AlertState, service: KnownService, known: KnownAlert | None, *, victim: bool
    ) -> None:
        """List the alert among the incident's; ``victim`` where the incident is a deeper service's."""
        labels, notes = alert.received.labels, alert.received.annotations
        member = next((one for one in incident.members if one.alert == alert.key), None)
        if victim and service.key not in incident.victims:
            incident.victims.append(service.key)
        if member is None and len(incident.members) >= MOST_MEMBERS:
            incident.unlisted += 1
            return
        if member is None:
            member = Member(
                alert=alert.key, name=name_of(alert), severity=labels.get("severity", labels.get("priority", "")),
                summary=notes.get("summary", "") or (known.summary if known else ""), service=service.key,
                slo=labels.get("slo", ""), stage=labels.get("stage", ""), pod=labels.get("pod", ""),
                definition=known.definition if known else "", runbook=service.runbook,
                dashboard=notes.get("dashboard_url", ""), since=alert.at, victim=victim,
            )  # fmt: skip
            incident.members.append(member)
            what = f"{member.name} fires" + (f" for {service.key.namespace}/{service.key.name}" if victim else "")
            self.book.happened(incident, what, who="alert", at=alert.at)
        member.until = alert.resolved_at

    def _swallow(self, incident: Incident, callers: tuple[Key, ...], now: float, *, lone: bool) -> None:
        """Fold the incidents of callers into this one, which is deeper."""
        for key in callers:
            other = self.book.open_for(key)
            if other is None or other is incident or other.security or other.acts:
                continue
            apart = now - other.opened > self.settings.fold_seconds
            around = incident.service in reachable(key, self.catalog.callers)
            if apart or (around and not lone and other.opened < incident.opened):
                continue
            other.folded_into, other.phase, other.ended = incident.id, Phase.CLOSED, now
            self.book.happened(other, f"it is part of {incident.id}: {incident.service} fails, which it calls", at=now)
            known = {member.alert for member in incident.members}
            more = [structs.replace(one, victim=True) for one in other.members if one.alert not in known]
            room = max(0, MOST_MEMBERS - len(incident.members))
            incident.members += more[:room]
            incident.unlisted += other.unlisted + len(more[room:])
            if key not in incident.victims:
                incident.victims.append(key)
            self.book.happened(incident, f"{key.namespace}/{key.name} fails too, and calls this", at=now)
            moved = [structs.replace(state, incident=incident.id) for state in self._of(other)]
            # In one write: whatever ends this process, no alert is listed by neither.
            self.book.save(incident, other, alerts=moved)

    def _of(self, incident: Incident) -> list[AlertState]:
        """The alerts of an incident; they are all listed, but where they are too many."""
        if incident.unlisted:
            return [state for state in self.book.alerts.values() if state.incident == incident.id]
        listed = (self.book.alert(member.alert) for member in incident.members)
        return [state for state in listed if state is not None and state.incident == incident.id]


def _lone(known: KnownAlert | None, *, security: bool) -> bool:
    """Whether an alert is about the service itself, whatever that calls: a break-in, or an instance that stands out."""
    return security or (known is not None and known.siblings)
