"""Everything that the agent has in mind, and how it gets on disk: alerts, incidents, stop switches.

All changes happen under one lock, and are queued for the ledger under it, so that the ledger has them in their order.
What is over for good is forgotten here; the ledger has it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import msgspec

from meshscope.feedback.comments import recurrence
from meshscope.feedback.desk import Stop
from meshscope.feedback.ports import Clock, Entry, Ledger, Record
from meshscope.feedback.standing import Standing
from meshscope.feedback.state import (
    ALERT,
    INCIDENT,
    PERSON,
    STOP,
    STORM,
    STORM_REF,
    Act,
    AlertState,
    Decision,
    Happened,
    Incident,
    Key,
    Storm,
    alert_entry,
    incident_entry,
    read_alert,
    read_incident,
    read_storm,
    storm_entry,
)
from meshscope.feedback.unreadable import UNREADABLE, SetAside, UnreadableRecord, attempted

_PAGE = 1000
_STOPPED = f"{STOP}:"
_HOUR = 3600.0
_MINUTE = 60.0
# An incident is written whole each time, so that thousands of alerts of one service must not make it endless. The
# ledger has everything that was ever in it.
_MOST_DECISIONS, _MOST_LINES, _FIRST_LINES = 200, 500, 100
Fingerprint = tuple[str, str]
Fingerprints = dict[Fingerprint, AlertState]


@dataclass(frozen=True, kw_only=True)
class Spending:
    """An act of the last hour, and since when by the clock that only goes forward."""

    incident: Incident
    act: Act
    since: float


class Casebook:
    """What is open, kept in memory and written to ``ledger``."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        """Read what is open from the ledger; a record that can't be read is set aside.

        Raises `LedgerError` where the ledger itself can't be read.
        """
        self.ledger = ledger
        self.clock = clock
        self.lock = threading.RLock()
        self.alerts: Fingerprints = {}
        self.incidents: dict[str, Incident] = {}
        self.by_service: dict[tuple[Key, bool], str] = {}
        """A security incident of a service is one of its own."""
        self.standing = Standing()
        self.stops: dict[str, Stop] = {}
        self.unreadable = SetAside(ledger, _all(ledger, UNREADABLE))
        self.dirty: set[str] = set()
        """Incidents of which something is to be told."""
        self.storms: dict[str, Storm] = {}
        """Those whose issue has to be told, or may have to be again."""
        self._acts: list[Spending] = []
        self._pruned = 0.0
        self._load()

    def _load(self) -> None:
        since = self.clock.now() - _HOUR
        readable = self.unreadable.read
        for alert in readable(_all(self.ledger, ALERT), read_alert):
            self._remember(alert)
        # What is over since a moment may be told again, or fire again.
        for alert in readable(_all(self.ledger, ALERT, open_=False, since=since), read_alert):
            self._remember(alert)
        for incident in readable(_all(self.ledger, INCIDENT), read_incident):
            self._know(incident)
        # The budgets of the last hour: incidents that are over for good may have acts in it.
        for incident in readable(_all(self.ledger, INCIDENT, open_=False, since=since), read_incident):
            self._count(incident)
        self._decide_anew()
        for storm in readable(_all(self.ledger, STORM), read_storm):
            self.storms[storm.key] = storm
        for record in _all(self.ledger, STOP):
            stop = _read_stop(record)
            self.stops[stop.scope] = stop

    def _decide_anew(self) -> None:
        """Of alerts that go on, and whose incident can't be read, nothing is known: they open another one."""
        lost = {one.subject.removeprefix(f"{INCIDENT}:") for one in self.unreadable if one.kind == INCIDENT}
        for alert in self.alerts.values():
            if alert.incident in lost and alert.resolved_at is None:
                alert.incident = alert.terminal = alert.code = alert.why = ""
                alert.ended_at = None

    def _remember(self, alert: AlertState) -> None:
        known = self.alerts.get((alert.tenant, alert.received.fingerprint))
        if known is None or known.episode < alert.episode:
            self.alerts[alert.tenant, alert.received.fingerprint] = alert

    def _know(self, incident: Incident) -> None:
        if incident.issue is not None and incident.issue.in_storm:
            self._storm_of(incident.issue.ref.removeprefix(STORM_REF))
        self.incidents[incident.id] = incident
        self.standing.note(incident)
        if incident.open and not incident.folded_into:
            self.by_service[incident.service, incident.security] = incident.id
        self.dirty.add(incident.id)
        self._count(incident)

    def _storm_of(self, key: str) -> None:
        """What is over may fire again: its storm is known for as long."""
        if key not in self.storms and (records := self.ledger.history(f"{STORM}:{key}")):
            for storm in self.unreadable.read(records[-1:], read_storm):
                self.storms[key] = storm

    def _count(self, incident: Incident) -> None:
        self._acts += [self._spending(incident, act) for act in incident.acts]

    def _spending(self, incident: Incident, act: Act) -> Spending:
        # From now on its age is told by the clock that only goes forward: nobody can make a budget anew by turning one.
        age = max(0.0, self.clock.now() - max(act.at, act.done_at or 0.0))
        return Spending(incident=incident, act=act, since=self.clock.monotonic() - age)

    def acts(self) -> Sequence[Spending]:
        """Every act of the last hour."""
        since = self.clock.monotonic() - _HOUR
        with self.lock:
            self._acts = [one for one in self._acts if one.since > since]
            return list(self._acts)

    def age(self, act: Act) -> float:
        """How many seconds ago an act was begun, whatever was done to the clock on the wall since."""
        with self.lock:
            counted = next((one.since for one in self._acts if one.act is act), None)
        return self.clock.now() - act.at if counted is None else self.clock.monotonic() - counted

    def remember(self, incident: Incident, act: Act) -> None:
        """Count an intent in the budgets."""
        with self.lock:
            incident.acts.append(act)
            self._acts.append(self._spending(incident, act))

    def again(self, incident: Incident, act: Act) -> None:
        """Count an intent from now on that was written before: now it is carried out."""
        with self.lock:
            self.forget(act)
            self._acts.append(Spending(incident=incident, act=act, since=self.clock.monotonic()))

    def forget(self, act: Act) -> None:
        """Take an intent out of the budgets."""
        with self.lock:
            self._acts = [one for one in self._acts if one.act is not act]

    def open_for(self, service: Key, *, security: bool = False) -> Incident | None:
        """The incident of ``service`` that is open, or so recently over that it opens again."""
        found = self.by_service.get((service, security))
        return self.incidents.get(found) if found else None

    def latest(self, alert: AlertState) -> AlertState:
        """The alert as it is by now; a later episode of it where one has begun."""
        return self.alerts.get((alert.tenant, alert.received.fingerprint), alert)

    def alert(self, key: str) -> AlertState | None:
        """The episode with this key, while it is its alert's newest."""
        tenant, fingerprint, _ = key.rsplit("/", 2)
        with self.lock:
            found = self.alerts.get((tenant, fingerprint))
        return found if found is not None and found.key == key else None

    def listing(self, alert: AlertState) -> list[Incident]:
        """The incidents that list the alert, and are not over and told; call it under the lock."""
        found = (self.incidents.get(name) for name in self.standing.listing(alert.key))
        return [incident for incident in found if incident is not None]

    def write(self, entries: Sequence[Entry]) -> Future[Sequence[Record]]:
        """Queue entries for the ledger; call it under the lock."""
        return self.ledger.append(entries)

    def save(
        self,
        *incidents: Incident,
        alerts: Iterable[AlertState] = (),
        past: Iterable[AlertState] = (),
        storms: Iterable[Storm] = (),
        tell: bool = True,
    ) -> Future[Sequence[Record]]:
        """Write incidents, alerts and storms as they are, together; ``past`` are episodes that are not the newest.

        The incidents' issues are looked at, unless ``tell`` is False.
        """
        with self.lock:
            entries: list[Entry] = []
            for incident in incidents:
                self.keep(incident, tell=tell)
                entries.append(incident_entry(incident))
            for alert in alerts:
                self.alerts[alert.tenant, alert.received.fingerprint] = alert
                entries.append(alert_entry(alert))
            entries += map(alert_entry, past)
            entries += map(storm_entry, storms)
            return self.write(entries)

    def keep(self, incident: Incident, *, tell: bool = True) -> None:
        """Know the incident as it is now, before it is written; call it under the lock."""
        incident.changed = self.clock.now()
        self.standing.note(incident)
        if tell:
            self.dirty.add(incident.id)
        if not incident.open:
            self._forget(incident)
        else:
            self.incidents[incident.id] = incident
            if not incident.folded_into:
                self.by_service[incident.service, incident.security] = incident.id

    def _forget(self, incident: Incident) -> None:
        # It stays until its end is told; the teller drops it then.
        if self.by_service.get((incident.service, incident.security)) == incident.id:
            del self.by_service[incident.service, incident.security]

    def drop(self, incident: Incident) -> None:
        """Forget an incident that is over and told."""
        with self.lock:
            if not incident.open:
                self.incidents.pop(incident.id, None)
                self.standing.forget(incident)

    def prune(self) -> None:
        """Forget alerts that are dealt with and over for an hour; look for them once a minute."""
        since = self.clock.now() - _HOUR
        if 0 <= since - self._pruned < _MINUTE:
            return
        self._pruned = since
        with self.lock:
            over = [
                key
                for key, state in self.alerts.items()
                if state.terminal and state.resolved_at is not None and state.resolved_at < since
            ]
            for key in over:
                del self.alerts[key]

    def happened(self, incident: Incident, what: str, who: str = "agent", at: float | None = None) -> None:
        """Add a line to an incident's story."""
        with self.lock:
            incident.story.append(Happened(at=self.clock.now() if at is None else at, what=what, who=who))
            if len(incident.story) > _MOST_LINES:
                del incident.story[_FIRST_LINES]

    def decided(self, incident: Incident, decision: Decision) -> None:
        """Keep a decision with its incident; of very many, the oldest of those by which nothing was done go."""
        with self.lock:
            incident.decisions.append(decision)
            if len(incident.decisions) > _MOST_DECISIONS:
                gone = next((one for one in incident.decisions if one.verdict in ("declined", "proposed")), None)
                if gone is not None:
                    incident.decisions.remove(gone)

    def comment(self, incident: Incident, text: str) -> None:
        """Have something told under the incident's issue."""
        with self.lock:
            incident.due.append(text)
            incident.said += 1

    def recurred(self, incident: Incident, every: float) -> None:
        """Have it told that an incident came back, unless that was told just now."""
        now = self.clock.now()
        if incident.issue is not None and not 0 <= now - incident.recurred_at < every:
            incident.recurred_at = now
            self.comment(incident, recurrence(incident))

    def person(self, by: str, what: str, about: str = "") -> None:
        """Keep what a person did."""
        body = msgspec.json.encode({"by": by, "what": what, "about": about, "at": self.clock.now()})
        with self.lock:
            self.write([Entry(kind=PERSON, subject=f"person:{by}", body=body, about=about)])

    def stop(self, scope: str, *, by: str, why: str) -> Future[Sequence[Record]]:
        """Turn a stop switch on: at once, and for the next start too when the future is done."""
        with self.lock:
            self.stops[scope] = Stop(scope=scope, by=by, why=why, at=self.clock.now())
            return self.write([_switched(scope, by, why, on=True)])

    def start(self, scope: str, *, by: str, seconds: float) -> None:
        """Turn a stop switch off, once that is on disk. Raises `LedgerError` and TimeoutError; then it stays on."""
        with self.lock:
            known = self.stops.get(scope)
            written = self.write([_switched(scope, by, "", on=False)])
        written.result(timeout=seconds)
        with self.lock:
            # Somebody may have stopped it again meanwhile.
            if self.stops.get(scope) is known:
                self.stops.pop(scope, None)

    def clear_unreadable(self, *, by: str, seconds: float) -> None:
        """Let go what records hold back that can't be read, once it is on disk that a person looked at them.

        Raises `LedgerError` and TimeoutError; then they hold it back as before.
        """
        with self.lock:
            written = self.write(self.unreadable.cleared(by))
        written.result(timeout=seconds)
        with self.lock:
            self.unreadable.forget()


class _Switched(msgspec.Struct, kw_only=True):
    """A stop switch that a person turned."""

    scope: str
    by: str
    why: str
    on: bool = True


def _switched(scope: str, by: str, why: str, *, on: bool) -> Entry:
    body = msgspec.json.encode(_Switched(scope=scope, by=by, why=why, on=on))
    return Entry(kind=STOP, subject=f"{_STOPPED}{scope}", body=body, open=on)


def _read_stop(record: Record) -> Stop:
    """The stop that a record holds. Who turned it on may be lost, that it is on never is."""
    told = attempted(record, lambda one: msgspec.json.decode(one.entry.body, type=_Switched))
    if isinstance(told, UnreadableRecord):
        scope = record.entry.subject.removeprefix(_STOPPED)
        return Stop(scope=scope, by="somebody", why=f"record {record.number} can't be read", at=record.at)
    return Stop(scope=told.scope, by=told.by, why=told.why, at=record.at)


def _all(
    ledger: Ledger, kind: str, *, open_: bool = True, since: float = 0.0, most: int = 1_000_000
) -> Iterator[Record]:
    """Every head of ``kind``, the newest first, as far back as ``since``."""
    before = 0
    for _ in range(most // _PAGE):
        page = ledger.heads(kind, open=open_, before=before, limit=_PAGE)
        for record in page:
            if record.at < since:
                return
            yield record
        if len(page) < _PAGE:
            return
        before = page[-1].number
