"""What the agent works with: the model, the book, and the ports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field

from meshscope.build.agent import OWN_ALERTS
from meshscope.deploy.plan import Hand, Instance, Step, Target, Verb
from meshscope.feedback.cards import Actions
from meshscope.feedback.casebook import Casebook
from meshscope.feedback.catalog import Catalog, KnownService, Wanted
from meshscope.feedback.settings import Settings
from meshscope.feedback.state import AlertState, Incident, Key, Phase
from meshscope.feedback.telemetry import Telemetry
from meshscope.findings import MeshscopeError
from meshscope.insight.siblings import Askable
from meshscope.model.modes import Mode
from meshscope.model.services import Identity

_RANK = {Mode.OBSERVE: 0, Mode.PROPOSE: 1, Mode.ASK: 2, Mode.ACT: 3}


@dataclass(kw_only=True)
class Tools:
    """What the agent works with; every part of it is a port."""

    catalog: Catalog
    book: Casebook
    actions: Actions
    target: Target
    hands: Mapping[Verb, Hand]
    metrics: Askable | None
    settings: Settings
    telemetry: Telemetry
    stop_file: Callable[[], str] = lambda: ""
    """Why the stop file says that nothing may be done; empty where there is none."""
    step: Step = lambda _: None
    new_token: Callable[[], str] = lambda: ""
    restored: Callable[[], bool] = lambda: False
    _noted: set[str] = field(default_factory=set)

    def mode_of(self, service: KnownService) -> Mode:
        """The mode in force: the lower one of the mesh's and the service's own."""
        if self.restored() or self.book.unreadable.about(str(service.key)) is not None:
            return Mode.OBSERVE
        own = service.mode if service.mode is not None else self.catalog.mode
        return min(own, self.catalog.mode, key=_RANK.__getitem__)

    def responses(self, alert: AlertState) -> tuple[Wanted, ...]:
        """What the definition of the alert, or of Falco's rule, declares."""
        if alert.received.source == "falco":
            rule = self.catalog.rules.get(name_of(alert))
            return rule.responses if rule is not None else ()
        known = self.catalog.alerts.get(name_of(alert))
        return known.responses if known is not None else ()

    def stopped(self, service: KnownService | None) -> str:
        """Why nothing may be done to ``service`` now: a file, a person's switch, or its label; empty where it may."""
        if why := self.stop_file():
            return why
        scopes = ["all"] + ([f"{service.key.namespace}/{service.key.name}"] if service else [])
        for scope in scopes:
            if (stop := self.book.stops.get(scope)) is not None:
                return f"{stop.by} stopped {'everything' if scope == 'all' else scope}: {stop.why or 'no reason given'}"
        try:
            if service is not None and self.target.stopped(identity(service.key)):
                return "its label says stop"
        except MeshscopeError as error:
            return f"whether its label says stop can't be asked: {error}"
        return ""

    def reopen(self, incident: Incident) -> None:
        """The incident was quiet or over, and fires again: what was believed to have mended it has not."""
        incident.phase, incident.quiet_since, incident.ended = Phase.OPEN, None, None
        incident.failing_since_fixed = None
        incident.reopened += 1
        incident.revision, incident.revision_since = "", None
        self._noted.discard(incident.id)

    def unknown_acts(self) -> Counter[str]:
        """The acts that records may hold that can't be read, by owner: as many as each of their services is allowed."""
        found = Counter[str]()
        for name in self.book.unreadable.services:
            found[self.catalog.owner_of(self.catalog.called(name))] += self.settings.caps.service
        return found

    def running(self, key: Key) -> tuple[Instance, ...] | None:
        """What runs of a service now; None where that can't be known. Never call it under the book's lock."""
        try:
            return self.target.instances(identity(key))
        except MeshscopeError:
            return None

    def unnoted(self, incident: Incident) -> bool:
        """Whether it is to be noted still which revisions run while it fails."""
        known = incident.service in self.catalog.services
        return known and incident.open and not incident.revision and incident.id not in self._noted

    def keep_noted(self, names: Container[str]) -> None:
        """Forget of all other incidents what was noted."""
        self._noted.difference_update([one for one in tuple(self._noted) if one not in names])

    def note_revision(self, incident: Incident, running: Sequence[Instance]) -> None:
        """Note which revisions run while it fails: none of them mends it. Call it under the book's lock."""
        versions = sorted({one.version for one in running if one.version})
        if incident.fixed_by in versions:
            incident.fixed_by = ""
        incident.revision = ", ".join(versions)
        incident.revision_since = min((one.started for one in running if one.version), default=None)
        self._noted.add(incident.id)


def identity(key: Key) -> Identity:
    """The same, as the model has it."""
    return Identity(key.cluster, key.namespace, key.name)


def name_of(alert: AlertState) -> str:
    """What the alert is called; a rule of Falco by its rule."""
    return alert.received.labels.get("alertname", "")


def is_own(labels: Mapping[str, str]) -> bool:
    """Whether an alert with these labels is about the agent itself: such a one is for people alone."""
    return labels.get("alertname", "").startswith(OWN_ALERTS)
