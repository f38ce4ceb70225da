"""The agent: takes alerts in, and has its parts run side by side until it is told to end."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from meshscope.deploy.plan import Step
from meshscope.feedback.acting import Doer
from meshscope.feedback.answering import Answerer
from meshscope.feedback.asking import NotYet
from meshscope.feedback.cards import Card
from meshscope.feedback.casebook import Casebook, Fingerprint
from meshscope.feedback.cases import Cases
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.deciding import Decider
from meshscope.feedback.desk import Limits, Part, Stop
from meshscope.feedback.intake import Intake
from meshscope.feedback.ports import AlertSource, Ledger, LedgerError, Tracker
from meshscope.feedback.reconciling import HELD_BACK, Reconciler
from meshscope.feedback.recovering import Recoverer
from meshscope.feedback.state import AlertState, Approval, Incident, Phase, Received
from meshscope.feedback.telling import Teller
from meshscope.feedback.tools import Tools, name_of
from meshscope.feedback.unreadable import UnreadableRecord
from meshscope.feedback.waiting import Waiting
from meshscope.feedback.watching import Watcher
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.modes import Mode

_REST = 0.05
# One commit for many ends, but none waits for long.
_ENDS_AT_ONCE, _END_SECONDS = 300, 0.2
# For each so many alerts that wait for the disk, who decides rests as long as it worked; but no longer than that.
_GIVES_WAY_TO, _MOST_REST = 2, 0.05
_AGAIN_SECONDS = 0.5
_PATIENCE = 30.0
_MOST_NAMED, _MOST_SAID = 5, 300


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
        cases, doer = Cases(tools), Doer(tools)
        self.decider = Decider(tools, cases, doer)
        self.recoverer = Recoverer(tools, cases, doer)
        self.watcher = Watcher(tools, cases)
        self.answerer = Answerer(
            tools.book, tools.catalog.owners, self._say_yes, call_seconds=tools.settings.call_seconds
        )
        self.teller = Teller(
            tools.book, tools.catalog, engagement.tracker, tools.settings, tools.telemetry,
            secret=engagement.secret, hear=self.answerer.heard, step=engagement.step,
        )  # fmt: skip
        self._queue = Waiting(self._wakes)
        self._work = threading.Event()
        self.intake = Intake(self.book, self._queue, self._work, gap_seconds=tools.settings.gap_seconds)
        self.reconciler = Reconciler(
            tools.book, engagement.sources, tools.settings, self.accept, tools.telemetry, known=tools.catalog.alerts
        )
        self._said_yes: deque[tuple[Incident, Approval, Future[str]]] = deque()
        self._later: list[tuple[float, Fingerprint]] = []
        self._recover_at = 0.0
        self._attempts: dict[str, int] = {}
        self._end = threading.Event()
        self._threads: list[threading.Thread] = []
        self._parts: dict[str, Part] = {}

    # Its parts

    def __enter__(self) -> Agent:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_parts(self) -> None:
        """Look after what the last process left, then have every part run."""
        self.recoverer.recover()
        self.watcher.catch_up()
        with self.book.lock:
            # Those that have an end, too: it may have begun to fire again, and its incident does not know.
            self._queue.extend(self.book.alerts)
        self._work.set()
        settings = self.tools.settings
        self._run("decide", self._decide, _REST)
        self._run("watch", self._watch, settings.tick_seconds)
        self._run("tell", self.teller.look, settings.tick_seconds)
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
                except MeshscopeError as fault:
                    error = f"{fault.finding.title}: {fault.finding.why}"[:_MOST_SAID]
                except Exception as fault:  # a part that ended would be silent; it says what went wrong and goes on
                    error = f"{type(fault).__name__}: {fault}"[:_MOST_SAID]
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
            self.recoverer.recover(late=True)
        while self._queue and not self._end.is_set():
            while self._said_yes:
                self._approved(*self._said_yes.popleft())
            self._parts["decide"] = Part(name="decide", at=time.monotonic(), patience=_PATIENCE)
            key, began = self._queue.take(), time.thread_time()
            with self.book.lock:
                alert = self.book.alerts.get(key)
            if alert is not None:
                self._settle(alert)
            self._give_way(time.thread_time() - began)
            if self.decider.ending >= _ENDS_AT_ONCE or self.decider.waiting > _END_SECONDS:
                self._written()
        while self._said_yes:
            self._approved(*self._said_yes.popleft())
        self._written()
        self.recoverer.patience.tell("it can't be known what an act came to")

    def _give_way(self, worked: float) -> None:
        """Leave the processor to the intake while much comes in: what is not taken may be lost, what is can wait."""
        if waiting := len(self.intake.pending):
            self._end.wait(min(worked * waiting / _GIVES_WAY_TO, _MOST_REST))

    def _wakes(self, about: Fingerprint) -> bool:
        """Whether people are woken by an alert, or would be if they were told of it."""
        alert = self.book.alerts.get(about)
        if alert is None:
            return False
        severe = alert.received.labels.get("severity") == self.catalog.page and name_of(alert) in self.catalog.alerts
        return severe or alert.received.source == "falco"

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
                about = alert.tenant, alert.received.fingerprint
                with self.tools.telemetry.span("decision", about=about, source=alert.received.source):
                    try:
                        self.decider.take(alert)
                    except NotYet:
                        # The store takes its time about this service; whatever else there is goes on meanwhile.
                        self._later.append((time.monotonic() + _AGAIN_SECONDS, about))
                        return
            self._attempts.pop(alert.key, None)
        except Exception as error:  # one poison alert must not keep the others waiting
            self._failed(alert, error)

    def _failed(self, alert: AlertState, error: Exception) -> None:
        """Have an alert decided again, or given up; where the ledger is sick, again for as long as that takes."""
        if isinstance(error, LedgerError):
            self._later.append((time.monotonic() + _AGAIN_SECONDS, (alert.tenant, alert.received.fingerprint)))
            return
        tried = self._attempts[alert.key] = self._attempts.get(alert.key, 0) + 1
        if tried >= self.tools.settings.attempts:
            self.decider.dead(alert, error)
            self._attempts.pop(alert.key, None)
        else:
            self._later.append((time.monotonic() + 0.2 * 2**tried, (alert.tenant, alert.received.fingerprint)))

    def _written(self) -> None:
        for alert, error in self.decider.written():
            self._failed(alert, error)

    def _say_yes(self, incident: Incident, approval: Approval) -> Future[str]:
        done: Future[str] = Future()
        self._said_yes.append((incident, approval, done))
        self._work.set()
        return done

    def _approved(self, incident: Incident, approval: Approval, done: Future[str]) -> None:
        try:
            done.set_result(self.decider.approve(incident, approval))
        except Exception as error:
            done.set_exception(error)

    def _approvals(self) -> list[Approval]:
        with self.book.lock:
            return [approval for incident in self.book.incidents.values() for approval in incident.approvals]

    def _watch(self) -> None:
        self.watcher.look()
        with self.book.lock:
            firing = sum(1 for one in self.book.incidents.values() if one.phase is Phase.OPEN)
        self.tools.telemetry.open_incidents(firing, len(self._queue))
        self.watcher.patience.tell("it can't be seen how they are")

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

    def accept(self, tenant: str, received: Sequence[Received], raw: bytes = b"", truncated: int = 0) -> Future[int]:
        """Store a sender's alerts; how many were new, once they are on disk. The future may hold `LedgerError`."""
        self.tools.telemetry.came((tenant, one.fingerprint) for one in received)
        return self.intake.accept(tenant, received, raw, truncated)

    def answer(self, incident: str, token: str, *, yes: bool, by: str) -> str:
        """Answer a waiting approval; says in a sentence what came of it. Raises `MeshscopeError` where none waits."""
        return self.answerer.answer(incident, token, yes=yes, by=by)

    def close_incident(self, incident: str, *, by: str) -> None:
        """A person says that it is over."""
        self.answerer.close_incident(incident, by=by)

    def stop(self, scope: str, *, by: str, why: str) -> None:
        """Turn a stop switch on: no act from now on, in ``scope`` (``all`` or ``namespace/name``)."""
        self.book.stop(scope, by=by, why=why).result(timeout=self.tools.settings.call_seconds)

    def start(self, scope: str = "", *, by: str = "") -> None:
        """Turn a stop switch off; without a scope, begin to work."""
        if not scope:
            self.start_parts()
            return
        self.book.start(scope, by=by, seconds=self.tools.settings.call_seconds)

    def stops(self) -> Sequence[Stop]:
        """The stop switches that are on; the file's one too."""
        with self.book.lock:
            known = list(self.book.stops.values())
        if why := self.tools.stop_file():
            known.insert(0, Stop(scope="all", by="a file", why=why, at=self.book.clock.now()))
        return known

    def parts(self) -> Sequence[Part]:
        """Its parts, and when each last said that it lives."""
        parts = list(self._parts.values())
        if why := self._unreadable():
            # It has no life of its own: it is read whenever somebody asks.
            parts.append(Part(name="records", at=time.monotonic(), patience=_PATIENCE, error=why))
        return parts

    def _unreadable(self) -> str:
        found = self.unreadable()
        if not found:
            return ""
        about = ", ".join(sorted({one.about for one in found if one.about})) or "no service"
        numbers = ", ".join(str(one.number) for one in found[:_MOST_NAMED])
        return f"records that can't be read: {numbers}{' and more' if len(found) > _MOST_NAMED else ''}, about {about}"

    def limits(self) -> Sequence[Limits]:
        """The caps, and how much of each is used."""
        caps = self.tools.settings.caps
        acts = self.book.acts()
        services: dict[str, int] = {}
        owners: dict[str, int] = {}
        cards: dict[str, int] = {}
        for one in acts:
            name = str(one.incident.service)
            services[name] = services.get(name, 0) + 1
            owner = self.catalog.owner_at(one.incident.service)
            owners[owner] = owners.get(owner, 0) + 1
            cards[one.act.action] = cards.get(one.act.action, 0) + 1
        # What can't be read counts as spent, as it does for the guards.
        unknown = self.tools.unknown_acts()
        for owner, most in unknown.items():
            owners[owner] = owners.get(owner, 0) + most
        for name in self.book.unreadable.services:
            services[name] = max(services.get(name, 0), caps.service)
        told = [Limits(what="the mesh", cap=caps.mesh, used=len(acts) + unknown.total())]
        told += [Limits(what=f"owner {name}", cap=caps.owner, used=used) for name, used in sorted(owners.items())]
        told += [Limits(what=f"service {name}", cap=caps.service, used=used) for name, used in sorted(services.items())]
        told += [
            Limits(what=f"action {name}", cap=card.an_hour, used=cards.get(name, 0) + unknown.total())
            for name, card in sorted(self.cards.items())
            if card.verb is not None
        ]
        return told

    def mode_of(self, service: str) -> Mode:
        """The mode of the service called ``cluster/namespace/name``, as it is in force now."""
        found = self.catalog.called(service)
        return self.tools.mode_of(found) if found is not None else Mode.OBSERVE

    @property
    def restored(self) -> bool:
        """Whether its ledger was restored, so that it only observes until a person says otherwise."""
        return self.tools.restored()

    def clear_restored(self, *, by: str) -> None:
        """A person says that the restored ledger may be acted on."""
        self.book.person(by, "cleared the restored ledger")
        self._made.clear_restored(by)

    def unreadable(self) -> Sequence[UnreadableRecord]:
        """The records that could not be read at the start, and that nobody cleared."""
        with self.book.lock:
            return list(self.book.unreadable)

    def clear_unreadable(self, *, by: str) -> None:
        """A person has looked at them: their services may be acted on again."""
        self.book.person(by, "cleared the records that can't be read")
        self.book.clear_unreadable(by=by, seconds=self.tools.settings.call_seconds)


def _unasked(errors: Mapping[str, str]) -> Finding:
    told = "; ".join(f"{tenant}: {why}" for tenant, why in sorted(errors.items()))
    return Finding(
        code="agent/unasked", title="a sender can't be asked which alerts fire", why=told,
        help="see that its API is reachable; what it sends is taken in meanwhile",
    )  # fmt: skip
