"""A small mesh for the agent: a model, a target in memory, numbers that a test sets, a ledger and a tracker."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from meshscope.adapters.ledgers.sqlite import SqliteLedger
from meshscope.adapters.memory.target import MemoryTarget
from meshscope.adapters.memory.tracker import MemoryTracker
from meshscope.build.discovery.store import Answer, Question, Row
from meshscope.deploy.plan import Change, Instance, Outcome, Receipt, Verb
from meshscope.feedback.agent import Agent, Engagement
from meshscope.feedback.casebook import Casebook
from meshscope.feedback.catalog import Catalog, KnownAlert, KnownOwner, KnownRule, KnownService, Wanted
from meshscope.feedback.ports import Tracker
from meshscope.feedback.settings import Settings
from meshscope.feedback.state import AlertState, Incident, Key, Received, read_alert, read_incident
from meshscope.feedback.telemetry import Telemetry
from meshscope.feedback.tools import Tools
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.modes import Mode
from meshscope.model.services import Identity
from meshscope.wiring.actions import found_actions
from tests.waiting import until

TENANT = "alertmanager"
NAMES = ("frontend", "checkout", "ledger", "payment")
CALLS = (("frontend", "checkout"), ("checkout", "ledger"), ("ledger", "checkout"), ("checkout", "payment"))


def key(name: str) -> Key:
    return Key("eu-1", "shop", name)


def identity(name: str) -> Identity:
    return Identity("eu-1", "shop", name)


def service(name: str, **more: object) -> KnownService:
    known = KnownService(
        key=key(name), workload=name, owner="payments", where="markdown:payments", tier=1, replicas=3,
        stateful=False, mode=Mode.ACT, runbook=f"https://runbooks.example/{name}.md",
        definition=f"services/payments.py:{len(name)}",
    )  # fmt: skip
    return replace(known, **more)  # type: ignore[arg-type]


def catalog(services: Sequence[KnownService] = (), mode: Mode = Mode.ACT) -> Catalog:
    known = {one.key: one for one in (services or [service(name) for name in NAMES])}
    kill = (Wanted(action="open_issue"), Wanted(action="kill_instance", limits={"at_most": 1}))
    return Catalog(
        mesh="shop", environment="", cluster="eu-1", mode=mode, owner="platform", security="platform", page="page",
        addresses={"console": "https://console.example", "runbooks": "https://runbooks.example", "grafana": ""},
        owners={name: KnownOwner(name=name, issues=f"markdown:{name}") for name in ("payments", "platform")},
        services=known,
        alerts={
            "LoneFailingInstance": KnownAlert(
                name="LoneFailingInstance", scope="instance", severity="page", summary="One instance fails",
                definition="alerts/lone_failing_instance.py:6", responses=kill, siblings=True,
            ),
            "ErrorBudgetBurn": KnownAlert(
                name="ErrorBudgetBurn", scope="", severity="page", summary="burns", definition="mesh.py:1",
                responses=(Wanted(action="open_issue"),),
            ),
            "MeshscopeAgentSilent": KnownAlert(
                name="MeshscopeAgentSilent", scope="instance", severity="page", responses=kill, summary="",
                definition="",
            ),
        },
        rules={
            "Terminal shell in container": KnownRule(
                rule="Terminal shell in container", definition="alerts/shell.py:5",
                responses=(Wanted(action="quarantine"), Wanted(action="open_issue")),
            )
        },
        calls=tuple((key(one), key(two)) for one, two in CALLS if {key(one), key(two)} <= set(known)),
    )  # fmt: skip


def alert(
    name: str, on: str, *, pod: str = "", status: str = "firing", fingerprint: str = "", **labels: str
) -> Received:
    told = {"alertname": name, "cluster": "eu-1", "namespace": "shop", "service": on, "severity": "page", **labels}
    if pod:
        told["pod"] = pod
    return Received(
        source="alertmanager", fingerprint=fingerprint or f"{name}-{on}-{pod}-{labels.get('stage', '')}",
        status=status, labels=told, annotations={"summary": f"{on} fails"},
    )  # fmt: skip


@dataclass
class Gauges:
    """The metrics that the rules would have recorded; `down` makes them unreachable, `hold` has whoever asks wait."""

    failing: dict[str, float] = field(default_factory=dict)
    pods: Callable[[str], Sequence[str]] = lambda _: ()
    requests: float = 10.0
    down: bool = False
    hold: threading.Event | None = None
    waiting: int = 0

    def ask(self, question: Question, now: Decimal) -> Answer:
        if self.hold is not None:
            self.waiting += 1
            self.hold.wait(30.0)
            self.waiting -= 1
        if self.down:
            raise MeshscopeError(Finding(code="store/down", title="Prometheus does not answer"))
        name = next(one.value for one in question.where if one.label == "service")
        rows = []
        for pod in self.pods(name):
            share = self.failing.get(pod, self.failing.get(name, 0.0))
            value = self.requests * (share if question.metric.startswith("instance:failures") else 1.0)
            rows.append(Row({"pod": pod}, value))
        return Answer(rows=tuple(rows))


@dataclass
class Hand:
    """Counts what it is asked for; answers what it is told to."""

    outcome: Outcome = Outcome.DONE
    changes: list[Change] = field(default_factory=list)

    def apply(self, change: Change) -> Receipt:
        self.changes.append(change)
        return Receipt(change=change, outcome=self.outcome)


class Clock:
    """A clock that a test can move: ``ahead`` as time that passed, ``turned`` as somebody who turns its hands."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.turned = 0.0

    def now(self) -> float:
        return time.time() + self.ahead + self.turned

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class Pods(MemoryTarget):
    """Instances of these services in memory, by their services' names; `down` makes them unreachable."""

    def __init__(self, services: Sequence[KnownService], now: Callable[[], float] = time.time) -> None:
        super().__init__(clock=now)
        self.down = False
        for one in services:
            for _ in range(one.replicas):
                self.begin(one.key.name)

    def begin(self, name: str, version: str = "v1") -> Instance:
        one = self.start(identity(name), version=version)
        self.world.written[one.uid].append(f"ERROR {one.name}: the connection pool is exhausted")
        return one

    def running(self, name: str) -> Sequence[Instance]:
        return super().instances(identity(name))

    def names(self, name: str) -> list[str]:
        return [one.name for one in self.running(name)]

    def uid(self, pod: str) -> str:
        return next(one.uid for some in self.world.running.values() for one in some if one.name == pod)

    @property
    def killed(self) -> list[str]:
        return self.world.killed

    def instances(self, service: Identity) -> tuple[Instance, ...]:
        if self.down:
            raise MeshscopeError(Finding(code="target/down", title="the target does not answer"))
        return super().instances(service)

    def roll(self, name: str, version: str) -> None:
        """Replace every instance by one of another version."""
        with self.world.lock:
            old = self.running(name)
            self.world.running[identity(name)].clear()
            for _ in old:
                self.begin(name, version)


@dataclass
class World:
    """A running agent, and everything around it."""

    folder: Path
    known: Catalog
    pods: Pods
    gauges: Gauges
    tracker: Tracker
    clock: Clock
    agent: Agent
    ledger: SqliteLedger

    def send(self, *alerts: Received) -> int:
        return self.agent.accept(TENANT, alerts, b"{}").result(timeout=10)

    def incident(self, name: str) -> Incident:
        with self.agent.book.lock:
            found = [one for one in self.agent.book.incidents.values() if one.service.name == name]
        assert found, f"{name} has no incident"
        return found[-1]

    def alerts(self) -> list[AlertState]:
        return [read_alert(record) for record in self.ledger.heads("alert", limit=10_000)]

    def incidents(self) -> list[Incident]:
        return [read_incident(record) for record in self.ledger.heads("incident", limit=10_000)]

    def alert(self, fingerprint: str) -> AlertState:
        return next(one for one in self.alerts() if one.received.fingerprint == fingerprint)

    def until(self, wanted: Callable[[], object], seconds: float = 10.0) -> None:
        until(wanted, seconds=seconds)

    def settled(self) -> None:
        """Wait until every alert has its end."""
        self.until(lambda: self.alerts() and all(one.terminal for one in self.alerts()))


@dataclass
class Outside:
    """Something that is asked over the network, and that takes note of who asks it under the book's lock."""

    inner: Any
    lock: Any
    waited: list[str]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not callable(found):
            return found

        def asked(*args: Any, **more: Any) -> Any:
            if self.lock._is_owned():
                self.waited.append(f"{type(self.inner).__name__}.{name}")
            return found(*args, **more)

        return asked


FAST = Settings(
    settle_seconds=1.0, quiet_seconds=0.5, gap_seconds=0.2, tell_seconds=0.0, recur_seconds=0.0, poll_seconds=0.1,
    reconcile_seconds=0.2, tick_seconds=0.02, call_seconds=5.0, absent_seconds=0.3, approval_seconds=30.0,
)  # fmt: skip


@contextmanager
def world(
    folder: Path,
    *,
    known: Catalog | None = None,
    settings: Settings = FAST,
    pods: Pods | None = None,
    tracker: Tracker | None = None,
    hands: Mapping[Verb, Hand] | None = None,
    sources: Mapping[str, object] | None = None,
    step: Callable[[str], None] = lambda _: None,
    restored: bool = False,
    start: bool = True,
    clock: Clock | None = None,
    most_pages: int | None = None,
) -> Iterator[World]:
    known = known or catalog()
    clock = clock or Clock()
    pods = pods or Pods(list(known.services.values()), clock.now)
    gauges = Gauges(pods=lambda name: pods.names(name))
    tracker = tracker or MemoryTracker(secret=b"secret")
    folder.mkdir(parents=True, exist_ok=True)
    with SqliteLedger(
        folder / "ledger.sqlite", anchors=None, signer=None, clock=clock, most_pages=most_pages
    ) as ledger:
        book = Casebook(ledger, clock)
        waited: list[str] = []
        target, metrics, issues = (Outside(one, book.lock, waited) for one in (pods, gauges, tracker))
        tools = Tools(
            catalog=known, book=book, actions=found_actions(), target=target,
            hands={Verb.KILL: target, Verb.QUARANTINE: target, **(hands or {})}, metrics=metrics, settings=settings,
            telemetry=Telemetry(), stop_file=lambda: "a file" if (folder / "stop").is_file() else "",
            step=step, new_token=lambda: f"token-{time.monotonic_ns()}", restored=lambda: restored,
        )  # fmt: skip
        agent = Agent(Engagement(tools=tools, tracker=issues, sources=sources or {}, secret=b"secret", step=step))
        try:
            if start:
                agent.start_parts()
            yield World(folder=folder, known=known, pods=pods, gauges=gauges, tracker=tracker, clock=clock,
                        agent=agent, ledger=ledger)  # fmt: skip
        finally:
            agent.close()
        # Whoever sends alerts waits for that lock.
        assert not waited, sorted(set(waited))
