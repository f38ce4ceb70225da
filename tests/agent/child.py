"""The whole agent in a process of its own, which a test may kill, stop or cut at a step of its choice.

It is forked from a process that has every module already, so that a start costs as little as it can.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path

from meshscope.deploy.plan import Change, Hand, Receipt
from meshscope.feedback.agent import Agent
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.credentials import Credentials
from meshscope.feedback.ports import Comment, Draft, Entry, Issue, Ledger, Record, Tracker
from meshscope.feedback.settings import Settings
from meshscope.feedback.state import AlertState, Incident, read_alert, read_incident
from meshscope.findings import MeshscopeError
from meshscope.web.server import Running, application
from meshscope.wiring.agent import engaged
from meshscope.wiring.agent_settings import Configuration
from meshscope.wiring.bundles import Bundle

Fault = tuple[str, int]
WRITE = "write"
_MOST = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Orders:
    """How the agent is to run: its files are in ``folder``, the groups of processes in ``groups``."""

    folder: Path
    groups: Path
    known: Catalog
    settings: Settings
    fault: Fault | None = None
    """At which passing of which step (from 1) it gets ``number``."""
    number: int = signal.SIGKILL
    alertmanagers: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    """Where it takes alerts over HTTP; None: from the pipe alone."""
    unbounded: bool = False
    """Whether cards bound nothing, as they would after twenty acts an hour."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the agent's ledger has, and whether something is under way."""

    busy: bool
    alerts: Sequence[AlertState]
    incidents: Sequence[Incident]
    steps: Sequence[str]
    bare: Sequence[str]
    """Calls that change the world and were not announced."""
    failures: Sequence[str]
    """What its parts say went wrong last."""


class Steps:
    """Every step that is passed, in order; at the chosen one the process gets its signal."""

    def __init__(self, fault: Fault | None, number: int) -> None:
        self.passed: list[str] = []
        self.bare: list[str] = []
        self._fault = fault
        self._number = number
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._mine = threading.local()

    def __call__(self, name: str) -> None:
        """The agent's own steps."""
        self._mine.last = name
        self.mark(name)

    def mark(self, name: str) -> None:
        """A step of the ports below, which announces nothing."""
        with self._lock:
            self._counts[name] += 1
            self.passed.append(name)
            hit = self._fault == (name, self._counts[name])
        if hit:
            os.kill(os.getpid(), self._number)

    def changes(self, call: str, *announced: str) -> None:
        """The world is about to be changed by ``call``: the last step of this thread has to have said so."""
        last = getattr(self._mine, "last", "nothing")
        if last not in announced:
            self.bare.append(f"{call} after {last}")


class WatchedHand:
    """A hand whose calls must be announced."""

    def __init__(self, inner: Hand, steps: Steps) -> None:
        self._inner, self._steps = inner, steps

    def apply(self, change: Change) -> Receipt:
        self._steps.changes(f"{change.verb} of {change.subject}", f"{change.verb}:before")
        return self._inner.apply(change)


class WatchedTracker:
    """A tracker whose calls must be announced, and which can be cut between two calls of one step."""

    def __init__(self, inner: Tracker, steps: Steps) -> None:
        self._inner, self._steps = inner, steps

    @property
    def lag(self) -> float:
        return self._inner.lag

    def find(self, where: str, key: str) -> Issue | None:
        return self._inner.find(where, key)

    def open(self, draft: Draft) -> Issue:
        self._steps.changes(f"open {draft.key}", "issue:before")
        return self._inner.open(draft)

    def comment(self, issue: Issue, comment: Comment) -> Issue:
        self._steps.changes(f"comment {issue.key}", "comment:before", "close:before")
        found = self._inner.comment(issue, comment)
        self._steps.mark("tracker comment:after")
        return found

    def close(self, issue: Issue) -> Issue:
        self._steps.changes(f"close {issue.key}", "close:before")
        return self._inner.close(issue)


class WatchedLedger:
    """A ledger each of whose writes is a step: it is on disk, and nobody has heard of it yet."""

    def __init__(self, inner: Ledger, steps: Steps) -> None:
        self._inner, self._steps = inner, steps

    def append(self, entries: Sequence[Entry]) -> Future[Sequence[Record]]:
        written = self._inner.append(entries)
        written.add_done_callback(lambda _: self._steps.mark(WRITE))
        return written

    def history(self, subject: str) -> Sequence[Record]:
        return self._inner.history(subject)

    def heads(self, kind: str, **more: object) -> Sequence[Record]:
        return self._inner.heads(kind, **more)  # type: ignore[arg-type]

    def records(self, after: int, limit: int = 1000) -> Sequence[Record]:
        return self._inner.records(after, limit)


def run(orders: Orders, pipe: Connection) -> None:
    """Be the agent until the pipe says otherwise, or its other end is gone."""
    os.setsid()
    with (orders.folder / "agent.log").open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    steps = Steps(orders.fault, orders.number)
    read = Bundle(catalog=orders.known, scale=Fraction(1))
    with ExitStack() as ends:
        try:
            ready = ends.enter_context(engaged(read, configured(orders), steps))
        except MeshscopeError as error:
            pipe.send(f"{error.finding.code}: {error.finding.title}; {error.finding.why}")
            return
        agent = ready.agent
        _watch(agent, steps)
        if orders.unbounded:
            agent.tools.actions = {
                name: replace(one, card=replace(one.card, an_hour=_MOST)) for name, one in agent.tools.actions.items()
            }
        if orders.port is not None:
            app = application(agent, Credentials(orders.folder / "credentials.toml"), None, telemetry=ready.telemetry)
            ends.enter_context(Running(app, port=orders.port))
        agent.start_parts()
        pipe.send("")
        _serve(agent, steps, pipe)


def configured(orders: Orders) -> Configuration:
    """The configuration that such an agent would have been given."""
    folder = orders.folder
    return Configuration(
        state=folder / "state", credentials=folder / "credentials.toml", people=folder / "people.toml",
        groups=orders.groups, issues=folder / "issues", settings=orders.settings, prometheus="",
        alertmanagers=orders.alertmanagers,
    )  # fmt: skip


def _watch(agent: Agent, steps: Steps) -> None:
    agent.tools.hands = {verb: WatchedHand(hand, steps) for verb, hand in agent.tools.hands.items()}
    agent.teller.tracker = agent.teller.storms.tracker = WatchedTracker(agent.teller.tracker, steps)
    agent.book.ledger = WatchedLedger(agent.book.ledger, steps)


def _serve(agent: Agent, steps: Steps, pipe: Connection) -> None:
    while True:
        try:
            order, *rest = pipe.recv()
        except (EOFError, OSError):
            return
        match order:
            case "send":
                try:
                    answer: object = agent.accept(*rest, b"{}").result(timeout=10)
                except MeshscopeError as error:
                    answer = error.finding.code
            case "look":
                answer = looked(agent, steps)
            case "busy":
                answer = busy(agent)
            case "stop":
                answer = agent.stop(*rest, by="ada", why="drill")
            case _:
                return
        pipe.send(answer)


def busy(agent: Agent) -> bool:
    """Whether something is under way."""
    at_work = agent._queue or agent._later or agent.intake.pending or agent.decider.ending
    with agent.book.lock:
        return bool(at_work or agent.book.dirty)


def looked(agent: Agent, steps: Steps) -> Look:
    """How far it is."""
    ledger = agent.book.ledger
    return Look(
        busy=busy(agent),
        alerts=[read_alert(record) for record in ledger.heads("alert", limit=_MOST)],
        incidents=[read_incident(record) for record in ledger.heads("incident", limit=_MOST)],
        steps=list(steps.passed), bare=list(steps.bare),
        failures=[f"{part.name}: {part.error}" for part in agent.parts() if part.error],
    )  # fmt: skip
