"""The agent: takes alerts in, and has its parts run side by side until it is told to end."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import msgspec
from msgspec import structs

from meshscope.deploy.plan import Step
from meshscope.feedback.answers import Answer, Approve, Close, FixedBy, Noise, NotOurs, Reject, Snooze
from meshscope.feedback.cards import Card
from meshscope.feedback.casebook import Casebook
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.deciding import Decider
from meshscope.feedback.desk import Limits, Part, Stop
from meshscope.feedback.ports import AlertSource, Entry, Ledger, LedgerError, Record, Tracker
from meshscope.feedback.reconciling import HELD_BACK, Reconciler
from meshscope.feedback.state import (
    DELIVERY,
    AlertState,
    Approval,
    Incident,
    Phase,
    Received,
    alert_entry,
    read_incident,
)
from meshscope.feedback.telling import Teller
from meshscope.feedback.tools import Tools
from meshscope.feedback.watching import Watcher
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.modes import Mode

_REST = 0.05
# Ends that are on their way to the disk at a time: one commit for many of them.
_ENDS_AT_ONCE = 100
_AGAIN_SECONDS = 0.5
_PATIENCE = 30.0


@dataclass(kw_only=True)
class Engagement:
    """What an agent is made of, beside its tools."""

    tools: Tools
    tracker: Tracker
    sources: Mapping[str, AlertSource] = field(default_factory=dict)
    """Who is asked for what fires, by the tenant under which it pushes."""
    secret: bytes = b""
    step: Step = lambda _: None
    clear_restored: Callable[[str], None] = lambda _: None


class Agent:
    """A running agent; it is a `Desk`. Used as a context: its parts run inside."""

    def __init__(self, engagement: Engagement) -> None:
        """Know what was open; nothing runs yet. Raises `LedgerError` where the ledger can't be read."""
        self._made = engagement
        self.tools = tools = engagement.tools
        self.book: Casebook = tools.book
        self.decider = Decider(tools)
        self.watcher = Watcher(tools, self.decider)
        self.teller = Teller(
            tools.book, tools.catalog, engagement.tracker, tools.settings, tools.telemetry,
            secret=engagement.secret, hear=self._hear, step=engagement.step,
        )  # fmt: skip
        self.reconciler = Reconciler(tools.book, engagement.sources, tools.settings, self.accept)
        self._queue: deque[tuple[str, str]] = deque()
        self._said_yes: deque[tuple[Incident, Approval, Future[str]]] = deque()
        self._later: list[tuple[float, tuple[str, str]]] = []
        self._recover_at = 0.0
        self._attempts: dict[str, int] = {}
        self._work = threading.Event()
        self._end = threading.Event()
        self._pending: dict[tuple[str, str], Future[Sequence[Record]]] = {}
        self._threads: list[threading.Thread] = []
        self._parts: dict[str, Part] = {}

    # Taking alerts in

    def accept(self, tenant: str, received: Sequence[Received], raw: bytes = b"", truncated: int = 0) -> Future[int]:
        """Store a sender's alerts; how many were new, once they are on disk. The future may hold `LedgerError`."""
        now = self.book.clock.now()
        answer: Future[int] = Future()
        with self.book.lock:
            fresh: list[AlertState] = []
            before: dict[tuple[str, str], AlertState | None] = {}
            waits: list[Future[Sequence[Record]]] = []
            for one in received:
                key = tenant, one.fingerprint
                state = self._episode(tenant, one, now)
                if state is not None:
                    before.setdefault(key, self.book.alerts.get(key))
                    self.book.alerts[key] = state
                    fresh.append(state)
                elif key in self._pending:
                    waits.append(self._pending[key])
            entries = [alert_entry(state) for state in fresh]
            if raw and fresh:
                entries.insert(0, _delivery(tenant, raw, truncated))
            written = self.book.write(entries) if entries else None
            if written is not None:
                for key in before:
                    self._pending[key] = written
        if written is None:
            _after(waits, answer, 0)
            return answer
        written.add_done_callback(lambda done: self._stored(done, fresh, before, waits, answer))
        return answer

    def _stored(
        self,
        done: Future[Sequence[Record]],
        fresh: list[AlertState],
        before: Mapping[tuple[str, str], AlertState | None],
        waits: list[Future[Sequence[Record]]],
        answer: Future[int],
    ) -> None:
        error = done.exception()
        with self.book.lock:
            for key, was in before.items():
                if self._pending.get(key) is done:
                    del self._pending[key]
                if error is None:
                    self._queue.append(key)
                elif self.book.alerts.get(key) in fresh:
                    # It is not on disk, so it was not accepted: its sender sends it again.
                    if was is None:
                        self.book.alerts.pop(key, None)
                    else:
                        self.book.alerts[key] = was
        if error is not None:
            answer.set_exception(error)
            return
        self._work.set()
        _after(waits, answer, len(fresh))

    def _episode(self, tenant: str, one: Received, now: float) -> AlertState | None:
        """What is new in ``one``: an episode that begins, goes on after a gap, or ends; None for what is known."""
        known = self.book.alerts.get((tenant, one.fingerprint))
        if one.status == "resolved":
            if known is None:
                return _state(tenant, one, now, terminal="superseded", code="resolved_first", resolved_at=now)
            if known.resolved_at is not None:
                return None
            return structs.replace(known, resolved_at=now)
        if known is None:
            return _state(tenant, one, now)
        if known.resolved_at is None:
            return None
        if (
            known.terminal and now - known.resolved_at >= self.tools.settings.gap_seconds
        ) or known.code == "resolved_first":
            return _state(tenant, one, now, after=known.episode)
        # Back within the gap: the same episode, which was ended too early. It keeps its terminal record.
        return structs.replace(known, resolved_at=None)

    # Its parts

    def __enter__(self) -> Agent:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_parts(self) -> None:
        """Look after what the last process left, then have every part run."""
        self.decider.recover()
        self.watcher.catch_up()
        with self.book.lock:
            # Those that have an end, too: it may have begun to fire again, and its incident does not know.
            self._queue.extend(self.book.alerts)
        self._work.set()
        settings = self.tools.settings
        self._run("decide", self._decide, _REST)
        self._run("watch", self._watch, settings.tick_seconds)
        self._run("tell", self._tell, settings.tick_seconds)
        self._run("listen", self.teller.listen, settings.poll_seconds)
        if self.reconciler.sources:
            self._run("reconcile", self._reconcile, settings.reconcile_seconds)

    def close(self) -> None:
        """End every part when it has finished what it does."""
        self._end.set()
        self._work.set()
        for thread in self._threads:
            thread.join(timeout=2 * self.tools.settings.call_seconds)

    def _run(self, name: str, turn: Callable[[], None], rest: float) -> None:
        self._parts[name] = Part(name=name, at=time.monotonic(), patience=_PATIENCE + 2 * rest)

        def run() -> None:
            while not self._end.is_set():
                error = ""
                try:
                    turn()
                except Exception as fault:  # a part that ended would be silent; it says what went wrong and goes on
                    error = f"{type(fault).__name__}: {fault}"[:300]
                self._parts[name] = Part(name=name, at=time.monotonic(), patience=_PATIENCE + 2 * rest, error=error)
                if name == "decide":
                    self._work.wait(rest if self._later or error else 0.25)
                else:
                    self._end.wait(rest)

        thread = threading.Thread(target=run, name=f"meshscope-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _decide(self) -> None:
        self._work.clear()
        now = time.monotonic()
        due = [key for at, key in self._later if at <= now]
        self._later = [one for one in self._later if one[0] > now]
        self._queue.extend(due)
        if self._recover_at <= now:
            self._recover_at = now + _AGAIN_SECONDS
            self.decider.recover(late=True)
        while self._queue and not self._end.is_set():
            while self._said_yes:
                self._approved(*self._said_yes.popleft())
            self._parts["decide"] = Part(name="decide", at=time.monotonic(), patience=_PATIENCE)
            key = self._queue.popleft()
            with self.book.lock:
                alert = self.book.alerts.get(key)
            if alert is not None:
                self._settle(alert)
            if self.decider.ending >= _ENDS_AT_ONCE:
                self._written()
        while self._said_yes:
            self._approved(*self._said_yes.popleft())
        self._written()

    def _settle(self, alert: AlertState) -> None:
        if alert.resolved_at is not None:
            self.watcher.resolved(alert)
        elif alert.terminal:
            self.watcher.fires_again(alert)
        if alert.terminal:
            return
        # What joined no incident yet waits for nobody.
        if alert.incident and any(one.alert == alert.key and not one.answer for one in self._approvals()):
            return
        try:
            if alert.received.source == HELD_BACK:
                self.decider.victim(alert)
            else:
                with self.tools.telemetry.span("decision", source=alert.received.source):
                    self.decider.take(alert)
            self._attempts.pop(alert.key, None)
        except LedgerError:
            self._again(alert)
        except Exception as error:  # one poison alert must not keep the others waiting
            self._failed(alert, error)

    def _failed(self, alert: AlertState, error: Exception) -> None:
        """Have an alert decided again, or given up."""
        tried = self._attempts[alert.key] = self._attempts.get(alert.key, 0) + 1
        if tried >= self.tools.settings.attempts:
            self.decider.dead(alert, error)
            self._attempts.pop(alert.key, None)
        else:
            self._later.append((time.monotonic() + 0.2 * 2**tried, (alert.tenant, alert.received.fingerprint)))

    def _written(self) -> None:
        for alert, _ in self.decider.written():
            self._again(alert)

    def _again(self, alert: AlertState) -> None:
        # The ledger is sick, not the alert: it is tried for as long as that takes.
        self._later.append((time.monotonic() + _AGAIN_SECONDS, (alert.tenant, alert.received.fingerprint)))

    def _approvals(self) -> list[Approval]:
        with self.book.lock:
            return [approval for incident in self.book.incidents.values() for approval in incident.approvals]

    def _watch(self) -> None:
        self.watcher.look()
        with self.book.lock:
            firing = sum(1 for one in self.book.incidents.values() if one.phase is Phase.OPEN)
        self.tools.telemetry.open_incidents(firing, len(self._queue))

    def _tell(self) -> None:
        self.teller.look()
        self.teller.storms()

    def _reconcile(self) -> None:
        self.reconciler.look()
        if self.reconciler.errors:
            raise MeshscopeError(_unasked(self.reconciler.errors))

    # The desk

    @property
    def catalog(self) -> Catalog:
        """The mesh that it knows."""
        return self.tools.catalog

    @property
    def ledger(self) -> Ledger:
        """What it knows of the past."""
        return self.book.ledger

    @property
    def cards(self) -> Mapping[str, Card]:
        """The actions that it can take."""
        return {name: action.card for name, action in self.tools.actions.items()}

    def answer(self, incident: str, token: str, *, yes: bool, by: str) -> str:
        """Answer a waiting approval; says in a sentence what came of it. Raises `MeshscopeError` where none waits."""
        with self.book.lock:
            found = self.book.incidents.get(incident)
            approval = next((one for one in found.approvals if one.token == token), None) if found else None
            if found is None or approval is None:
                raise MeshscopeError(_no_approval("none of that kind was asked for"))
            now = self.book.clock.now()
            if approval.answer or approval.until <= now:
                raise MeshscopeError(_no_approval(f"it was answered before: {approval.answer or 'expired'}"))
            approval.answer, approval.by, approval.answered_at = ("yes" if yes else "no"), by, now
            self.book.happened(found, f"{'yes' if yes else 'no'} to {approval.action} of {approval.target}", who=by)
            self.book.person(by, f"{approval.answer} to {approval.action} of {approval.target}", str(found.service))
            written = self.book.save(found)
            if not yes:
                self._rejected(approval, by)
        try:
            written.result(timeout=self.tools.settings.call_seconds)
        except BaseException:
            # It is not on disk, so nobody answered.
            approval.answer, approval.by, approval.answered_at = "", "", None
            raise
        if not yes:
            return f"{approval.action} of {approval.target} is not done"
        done: Future[str] = Future()
        self._said_yes.append((found, approval, done))
        self._work.set()
        return done.result(timeout=3 * self.tools.settings.call_seconds)

    def _approved(self, incident: Incident, approval: Approval, done: Future[str]) -> None:
        try:
            done.set_result(self.decider.approve(incident, approval))
        except Exception as error:
            done.set_exception(error)

    def _rejected(self, approval: Approval, by: str) -> None:
        alert = next((one for one in self.book.alerts.values() if one.key == approval.alert), None)
        if alert is not None and not alert.terminal:
            now = self.book.clock.now()
            self.book.save(
                alerts=[structs.replace(alert, terminal="declined", code="rejected", why=f"{by} said no", ended_at=now)]
            )

    def stop(self, scope: str, *, by: str, why: str) -> None:
        """Turn a stop switch on: no act from now on, in ``scope`` (``all`` or ``namespace/name``)."""
        self.book.switch(scope, on=True, by=by, why=why).result(timeout=self.tools.settings.call_seconds)

    def start(self, scope: str = "", *, by: str = "") -> None:
        """Turn a stop switch off; without a scope, begin to work."""
        if not scope:
            self.start_parts()
            return
        self.book.switch(scope, on=False, by=by).result(timeout=self.tools.settings.call_seconds)

    def close_incident(self, incident: str, *, by: str) -> None:
        """A person says that it is over."""
        found = self._incident(incident)
        with self.book.lock:
            found.phase, found.ended = Phase.RESOLVED, self.book.clock.now()
            self.book.happened(found, "closed", who=by)
            self.book.person(by, f"closed {incident}", str(found.service))
            self.book.save(found)

    def _incident(self, name: str) -> Incident:
        with self.book.lock:
            found = self.book.incidents.get(name)
        if found is not None:
            return found
        history = self.ledger.history(f"incident:{name}")
        if not history:
            raise MeshscopeError(
                Finding(
                    code="agent/no-incident", title=f"there is no incident {name}", why="the ledger has none",
                    help="look at the list of incidents",
                )
            )  # fmt: skip
        return read_incident(history[-1])

    def stops(self) -> Sequence[Stop]:
        """The stop switches that are on; the file's one too."""
        with self.book.lock:
            known = list(self.book.stops.values())
        if why := self.tools.stop_file():
            known.insert(0, Stop(scope="all", by="a file", why=why, at=self.book.clock.now()))
        return known

    def parts(self) -> Sequence[Part]:
        """Its parts, and when each last said that it lives."""
        return list(self._parts.values())

    def limits(self) -> Sequence[Limits]:
        """The caps, and how much of each is used."""
        caps = self.tools.settings.caps
        acts = list(self.book.acts())
        services: dict[str, int] = {}
        owners: dict[str, int] = {}
        cards: dict[str, int] = {}
        for owner, incident, act in acts:
            name = str(incident.service)
            services[name] = services.get(name, 0) + 1
            owners[owner] = owners.get(owner, 0) + 1
            cards[act.action] = cards.get(act.action, 0) + 1
        told = [Limits(what="the mesh", cap=caps.mesh, used=len(acts))]
        told += [Limits(what=f"owner {name}", cap=caps.owner, used=used) for name, used in sorted(owners.items())]
        told += [Limits(what=f"service {name}", cap=caps.service, used=used) for name, used in sorted(services.items())]
        told += [
            Limits(what=f"action {name}", cap=card.an_hour, used=cards.get(name, 0))
            for name, card in sorted(self.cards.items())
            if card.verb is not None
        ]
        return told

    def mode_of(self, service: str) -> Mode:
        """The mode of the service called ``cluster/namespace/name``, as it is in force now."""
        found = next((one for one in self.catalog.services.values() if str(one.key) == service), None)
        return self.tools.mode_of(found) if found is not None else Mode.OBSERVE

    @property
    def restored(self) -> bool:
        """Whether its ledger was restored, so that it only observes until a person says otherwise."""
        return self.tools.restored()

    def clear_restored(self, *, by: str) -> None:
        """A person says that the restored ledger may be acted on."""
        self.book.person(by, "cleared the restored ledger")
        self._made.clear_restored(by)

    # What people answer under an issue

    def _hear(self, incident: Incident, answer: Answer, by: str) -> str:
        with self.book.lock:
            now = self.book.clock.now()
            match answer:
                case Noise(why=why):
                    incident.noise = why or "no reason given"
                    self.book.happened(incident, f"called noise: {why}", who=by)
                    return "Noted. Nothing more is done about this incident; the alert's definition is what to mend."
                case NotOurs(team=team):
                    if team not in self.catalog.owners:
                        known = ", ".join(sorted(self.catalog.owners))
                        return f"There is no team `{team}`; those of the model are {known}."
                    incident.owner = team
                    self.book.happened(incident, f"handed to {team}", who=by)
                    return f"Handed to {team}. If the service is theirs, say so in its definition."
                case Snooze(seconds=seconds):
                    incident.snoozed_until = now + seconds
                    self.book.happened(incident, "snoozed", who=by)
                    return "Snoozed. Nothing is done until then; people are paged as ever."
                case FixedBy(revision=revision):
                    incident.fixed_by = revision
                    self.book.happened(incident, f"to be fixed by {revision}", who=by)
                    return f"Noted. This closes when {revision} has run quiet."
                case Close():
                    incident.phase, incident.ended = Phase.RESOLVED, now
                    self.book.happened(incident, "closed", who=by)
                    return ""
                case Approve() | Reject():
                    waiting = next((one for one in incident.approvals if not one.answer), None)
                case _:
                    return ""
        if waiting is None:
            return "Nothing waits for an answer."
        # Whoever may write under an issue is not known to be who they say: approvals go through the console.
        return "To say yes or no, sign in to the console: an act needs to know who said it."


def _state(
    tenant: str, one: Received, now: float, *, after: int = 0, terminal: str = "", code: str = "",
    resolved_at: float | None = None,
) -> AlertState:  # fmt: skip
    episode = max(int(now * 1000), after + 1)
    return AlertState(
        key=f"{tenant}/{one.fingerprint}/{episode}", tenant=tenant, episode=episode, received=one, at=now,
        terminal=terminal, code=code, resolved_at=resolved_at, ended_at=now if terminal else None,
    )  # fmt: skip


def _delivery(tenant: str, raw: bytes, truncated: int) -> Entry:
    digest = hashlib.sha256(raw).hexdigest()
    body = msgspec.json.encode({"tenant": tenant, "truncated": truncated, "sha256": digest, "body": msgspec.Raw(raw)})
    return Entry(kind=DELIVERY, subject=f"delivery:{digest[:24]}", body=body)


def _after(waits: list[Future[Sequence[Record]]], answer: Future[int], stored: int) -> None:
    """Answer when everything that was on its way already is on disk, too."""
    waiting = [one for one in waits if not one.done() or one.exception() is not None]
    if not waiting:
        answer.set_result(stored)
        return
    first, *others = waiting

    def then(done: Future[Sequence[Record]]) -> None:
        error = done.exception()
        if error is not None:
            answer.set_exception(error)
        else:
            _after(others, answer, stored)

    first.add_done_callback(then)


def _no_approval(why: str) -> Finding:
    return Finding(
        code="agent/no-approval", title="nothing waits for this answer", why=why,
        help="look at the incident: it says what was answered, when and by whom",
    )  # fmt: skip


def _unasked(errors: Mapping[str, str]) -> Finding:
    told = "; ".join(f"{tenant}: {why}" for tenant, why in sorted(errors.items()))
    return Finding(
        code="agent/unasked", title="a sender can't be asked which alerts fire", why=told,
        help="see that its API is reachable; what it sends is taken in meanwhile",
    )  # fmt: skip
