"""One thing that fails keeps nothing else waiting: not another issue, not another service, not a start."""

import threading
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest

from meshscope.adapters.memory.tracker import MemoryTracker
from meshscope.build.discovery.store import Answer, Question
from meshscope.deploy.plan import Instance
from meshscope.feedback.ports import Draft, Issue
from meshscope.feedback.state import Act
from meshscope.model.services import Identity
from tests.feedback.world import NAMES, Gauges, Pods, World, alert, catalog, world

# Nothing calls anything, so that each service has its own incident.
APART = replace(catalog(), calls=())


@dataclass
class Picky(MemoryTracker):
    """A tracker that breaks on the issues of some services, in a way that no port declares."""

    broken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(secret=b"secret")

    def _breaks(self, key: str) -> None:
        if key.rpartition("-")[0] in self.broken:
            raise ValueError("a character that it can't take")

    def open(self, draft: Draft) -> Issue:
        self._breaks(draft.key)
        return super().open(draft)

    def find(self, where: str, key: str) -> Issue | None:
        self._breaks(key)
        return super().find(where, key)


class Sick(Pods):
    """Instances of which those of some services can't be listed, for a reason that no port declares."""

    broken: set[str] = set()  # noqa: RUF012 - each test gives its own

    def instances(self, service: Identity) -> tuple[Instance, ...]:
        if service.name in self.broken:
            raise KeyError("items")
        return super().instances(service)


def error(it: World, part: str) -> str:
    return next(one.error for one in it.agent.parts() if one.name == part)


def told(it: World, name: str) -> bool:
    issue = it.incident(name).issue
    return issue is not None and issue.open


def fire(it: World, *awaited: str) -> None:
    """Have every service's budget burn, and wait for the issues of those that are ``awaited``."""
    for name in NAMES:
        it.send(alert("ErrorBudgetBurn", name))
    it.settled()
    for name in awaited:
        it.until(lambda name=name: told(it, name))


@pytest.mark.parametrize("broken", NAMES)
def test_an_incident_that_the_tracker_cant_take_stops_no_other(tmp_path: Path, broken: str) -> None:
    tracker = Picky(broken={broken})
    with world(tmp_path, known=APART, tracker=tracker) as it:
        fire(it, *(name for name in NAMES if name != broken))
        it.until(lambda: "a character that it can't take" in error(it, "tell"))
        assert it.incident(broken).id in error(it, "tell")
        tracker.broken = set()
        it.until(lambda: told(it, broken), 30.0)
        it.until(lambda: error(it, "tell") == "")


def test_an_issue_that_cant_be_read_hides_no_answer_under_another(tmp_path: Path) -> None:
    tracker = Picky()
    with world(tmp_path, known=APART, tracker=tracker) as it:
        fire(it, *NAMES)
        tracker.broken = {"checkout"}
        for name in ("ledger", "payment"):
            tracker.forge.say("markdown:payments", it.incident(name).id, "ada", "/noise a test")
        for name in ("ledger", "payment"):
            it.until(lambda name=name: it.incident(name).noise == "a test")
        it.until(lambda: "a character that it can't take" in error(it, "listen"))


@pytest.mark.parametrize("broken", ["payment", "checkout"])
def test_a_service_that_cant_be_seen_stops_the_watcher_for_no_other(tmp_path: Path, broken: str) -> None:
    pods = Sick(list(APART.services.values()))
    with world(tmp_path, known=APART, pods=pods) as it:
        for name in (broken, "ledger"):
            first, *_ = it.pods.names(name)
            it.gauges.failing[first] = 1.0
            it.send(alert("LoneFailingInstance", name, pod=first))
        it.until(lambda: len(it.pods.killed) == 2)
        pods.broken = {broken}
        it.until(lambda: "items" in error(it, "watch"))
        it.pods.begin("ledger")
        it.until(lambda: it.incident("ledger").acts[0].replaced_at is not None)
        it.clock.ahead += 60.0
        it.until(lambda: it.incident("ledger").acts[0].effect)
        assert it.incident(broken).id in error(it, "watch")


def test_an_intent_that_cant_be_looked_after_stops_no_start(tmp_path: Path) -> None:
    pods = Sick(list(APART.services.values()))
    with world(tmp_path, known=APART, pods=pods) as it:
        for name in ("payment", "ledger"):
            it.send(alert("ErrorBudgetBurn", name))
        it.settled()
        for name in ("payment", "ledger"):
            incident = it.incident(name)
            act = Act(
                key=name, action="kill_instance", target="x", uid="gone", at=it.clock.now(), deadline=0.0, alert="x/y/1"
            )
            incident.acts.append(act)
            it.agent.book.save(incident).result()
    pods.broken = {"payment"}
    with world(tmp_path, known=APART, pods=pods) as it:
        it.until(lambda: it.incident("ledger").acts[0].outcome == "gone")
        assert it.incident("payment").acts[0].outcome == ""
        it.until(lambda: "items" in error(it, "watch") or "items" in error(it, "decide"))


@dataclass
class Hanging:
    """A store that does not come back about one service before it is let go."""

    gauges: Gauges
    service: str
    go: threading.Event = field(default_factory=threading.Event)
    asked: int = 0

    def ask(self, question: Question, now: Decimal) -> Answer:
        if next(one.value for one in question.where if one.label == "service") == self.service and not self.go.is_set():
            self.asked += 1
            self.go.wait(30.0)
        return self.gauges.ask(question, now)


def test_a_store_that_hangs_for_one_service_holds_up_no_other(tmp_path: Path) -> None:
    with world(tmp_path, known=APART) as it:
        store = Hanging(it.gauges, "ledger")
        it.agent.tools.metrics = store
        for name in ("ledger", "payment"):
            first = it.pods.names(name)[0]
            it.gauges.failing[first] = 1.0
            for number in range(3 if name == "ledger" else 1):
                it.send(alert("LoneFailingInstance", name, pod=first, fingerprint=f"{name}-{number}"))
            it.until(lambda: store.asked)
        it.until(lambda: it.alert("payment-0").terminal == "acted", 5.0)
        assert len(it.pods.killed) == 1
        assert store.asked == 1
        assert error(it, "decide") == ""
        store.go.set()
        it.until(lambda: len(it.pods.killed) == 2)
        it.settled()
