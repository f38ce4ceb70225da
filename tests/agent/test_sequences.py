"""Whatever happens in whatever order: no floor and no cap is passed, and nothing that is over is acted on.

The whole agent over twins in memory, one turn at a time, by a clock that the test holds.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from meshscope.adapters.memory.ledger import MemoryLedger
from meshscope.adapters.memory.tracker import MemoryTracker
from meshscope.deploy.plan import Change, Receipt, Verb
from meshscope.feedback.agent import Agent, Engagement
from meshscope.feedback.casebook import Casebook
from meshscope.feedback.guards import fewest
from meshscope.feedback.settings import Caps
from meshscope.feedback.state import Received, read_alert, read_incident
from meshscope.feedback.telemetry import Telemetry
from meshscope.feedback.tools import Tools
from meshscope.findings import MeshscopeError
from meshscope.model.modes import Mode
from meshscope.wiring.actions import found_actions
from tests.feedback.world import FAST, TENANT, Gauges, Pods, alert, catalog, identity, service

SERVICES = {
    "frontend": service("frontend", replicas=4),
    "checkout": service("checkout", replicas=3),
    "ledger": service("ledger", replicas=3),
    "payment": service("payment", replicas=2, owner="platform", mode=Mode.ASK),
    "cart": service("cart", replicas=1),
    "mail": service("mail", replicas=3, mode=Mode.OBSERVE),
    "store": service("store", replicas=3, stateful=True),
}
MAY = ("frontend", "checkout", "ledger", "payment")
KNOWN = replace(catalog(list(SERVICES.values())), calls=())
FREE = Caps(service=9, owner=9, mesh=9, floor=0.5, every_seconds=60.0, cool_down_seconds=0.0, strikes=9)
CAPS = (
    replace(FREE, service=2), replace(FREE, owner=2), replace(FREE, mesh=3),
    replace(FREE, floor=0.7, strikes=2, cool_down_seconds=120.0),
)  # fmt: skip
SETTINGS = replace(
    FAST, settle_seconds=100.0, gap_seconds=30.0, approval_seconds=300.0, reopen_seconds=900.0, tell_seconds=10.0
)
HOUR = 3600.0
_STEPS = Counter[str]()


class Hands:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.passed, self.turned = 0.0, 0.0

    def now(self) -> float:
        return 1_800_000_000.0 + self.passed + self.turned

    def monotonic(self) -> float:
        return 1000.0 + self.passed


@dataclass(frozen=True)
class Done:
    """Something that was done to an instance, and when by the true clock."""

    at: float
    service: str
    verb: Verb
    uid: str


@dataclass
class Referee:
    """The hand that acts, and whoever watches it: all that must hold is looked at before the act."""

    machine: Sequences
    done: list[Done] = field(default_factory=list)

    def apply(self, change: Change) -> Receipt:
        assert change.service is not None
        name = change.service.name
        try:
            self._allowed(name, change)
        except AssertionError as foul:
            # The agent would take it for a fault of the target, and try again.
            self.machine.fouls.append(str(foul))
        receipt = self.machine.pods.apply(change)
        self.done.append(Done(self.machine.clock.passed, name, change.verb, change.precondition))
        return receipt

    def _allowed(self, name: str, change: Change) -> None:
        machine, now, caps = self.machine, self.machine.clock.passed, self.machine.caps
        known = SERVICES[name]
        assert name in MAY, f"{name} may not be acted on"
        assert not machine.stopped, "it was stopped"
        running = machine.pods.running(name)
        ready = sum(1 for one in running if one.ready and not one.quarantined and one.uid != change.precondition)
        chosen = next((one for one in running if one.uid == change.precondition), None)
        if chosen is not None:
            assert ready >= fewest(known.replicas, caps.floor), f"{name} falls below its floor: {ready} are left"
            # One that was tried before and is there still is the same act.
            recent = {(one.verb, one.uid): one.service for one in self.done if now - one.at < HOUR}
            recent[change.verb, change.precondition] = name
            owners = Counter(SERVICES[one].owner for one in recent.values())
            assert Counter(recent.values())[name] <= caps.service, f"the cap of {name}"
            assert owners[known.owner] <= caps.owner, f"the cap of {known.owner}"
            assert len(recent) <= caps.mesh, "the cap of the mesh"
            alike = [one.at for one in self.done if (one.service, one.verb) == (name, change.verb)
                     and one.uid != change.precondition]  # fmt: skip
            assert not alike or now - max(alike) >= caps.every_seconds, "too soon after the last one"
        machine.fires(change)


class Sequences(RuleBasedStateMachine):
    """Anything that can happen to an agent."""

    sent = Bundle("sent")

    @initialize(caps=st.sampled_from(CAPS))
    def begin(self, caps: Caps) -> None:
        self.caps = caps
        self.clock = Hands()
        self.pods = Pods(list(SERVICES.values()), self.clock.now)
        self.pods._faults = self._lost
        self.gauges = Gauges(pods=lambda name: self.pods.names(name))
        self.ledger = MemoryLedger(clock=self.clock)
        self.tracker = MemoryTracker(secret=b"secret", clock=self.clock.monotonic)
        self.referee = Referee(self)
        self.status: dict[str, str] = {}
        self.stopped = False
        self.lost: list[str] = []
        self.fouls: list[str] = []
        self.numbers = 0
        self.start()

    def start(self) -> None:
        tools = Tools(
            catalog=KNOWN, book=Casebook(self.ledger, self.clock), actions=found_actions(), target=self.pods,
            hands={Verb.KILL: self.referee, Verb.QUARANTINE: self.referee}, metrics=self.gauges,
            settings=replace(SETTINGS, caps=self.caps),
            telemetry=Telemetry(), new_token=self._token,
        )  # fmt: skip
        self.agent = Agent(Engagement(tools=tools, tracker=self.tracker, secret=b"secret"))
        self.agent.recoverer.recover()
        self.agent.watcher.catch_up()
        self.agent._queue.extend(self.agent.book.alerts)
        self.turn()

    def _token(self) -> str:
        self.numbers += 1
        return f"token-{self.numbers}"

    def _lost(self, where: str) -> None:
        if where in self.lost:
            self.lost.remove(where)
            raise TimeoutError("no answer came")

    def turn(self) -> None:
        """Every part has its turn."""
        self.agent._decide()
        self.agent.recoverer.recover(late=True)
        self.agent.watcher.look()
        self.agent.teller.look()

    def fires(self, change: Change) -> None:
        """Whoever is acted on, an alert about it fires."""
        acts = [act for one in self.agent.book.incidents.values() for act in one.acts if act.uid == change.precondition]
        assert acts, "there is no intent"
        named = {act.alert.split("/")[1] for act in acts if not act.outcome}
        assert named, "there is no intent without an end"
        assert {self.status[mark] for mark in named} == {"firing"}, "what it is about is over"

    # What may happen

    @rule(target=sent, name=st.sampled_from(sorted(SERVICES)), number=st.integers(0, 5), fails=st.booleans(),
          kind=st.sampled_from(["lone", "lone", "lone", "burn", "shell", "own", "stranger"]))  # fmt: skip
    def fire(self, name: str, number: int, fails: bool, kind: str) -> tuple[str, Received]:
        names = self.pods.names(name)
        pod = names[number] if number < len(names) else f"{name}-gone"
        if fails:
            self.gauges.failing = {pod: 1.0}
        title = {"lone": "LoneFailingInstance", "burn": "ErrorBudgetBurn", "own": "MeshscopeAgentSilent"}
        if kind == "shell":
            labels = {"alertname": "Terminal shell in container", "namespace": "shop", "pod": pod}
            one = Received(source="falco", fingerprint=f"falco-{pod}", status="firing", labels=labels)
            return self.tell("falco", one)
        return self.tell(TENANT, alert(title.get(kind, "NobodyKnowsThis"), name, pod="" if kind == "burn" else pod))

    @rule(target=sent, name=st.sampled_from(MAY), number=st.integers(0, 3))
    def fails_alone(self, name: str, number: int) -> tuple[str, Received]:
        names = self.pods.names(name) or [f"{name}-gone"]
        pod = names[number % len(names)]
        self.gauges.failing = {pod: 1.0}
        return self.tell(TENANT, alert("LoneFailingInstance", name, pod=pod))

    @rule(target=sent, name=st.sampled_from(MAY), number=st.integers(0, 3), seconds=st.sampled_from([61.0, 131.0]))
    def fails_alone_later(self, name: str, number: int, seconds: float) -> tuple[str, Received]:
        self.clock.passed += seconds
        self.turn()
        return self.fails_alone(name, number)

    @rule(name=st.sampled_from(MAY), number=st.integers(0, 3))
    def fails_alone_and_is_over(self, name: str, number: int) -> None:
        tenant, one = self.fails_alone(name, number)
        self.tell(tenant, _with(one, "resolved"))

    def tell(self, tenant: str, one: Received) -> tuple[str, Received]:
        self.status[one.fingerprint] = one.status
        self.agent.accept(tenant, [one], b"{}").result(0)
        self.turn()
        return tenant, one

    @rule(one=consumes(sent))
    def resolve(self, one: tuple[str, Received]) -> None:
        self.tell(one[0], _with(one[1], "resolved"))

    @rule(target=sent, one=sent)
    def say_again(self, one: tuple[str, Received]) -> tuple[str, Received]:
        return self.tell(one[0], _with(one[1], "firing"))

    @rule(one=sent)
    def end_before_it_is_decided(self, one: tuple[str, Received]) -> None:
        for status in ("firing", "resolved"):
            self.status[one[1].fingerprint] = status
            self.agent.accept(one[0], [_with(one[1], status)], b"{}").result(0)
        self.turn()

    @rule(seconds=st.sampled_from([1.0, 5.0, 20.0, 31.0, 61.0, 101.0, 121.0, 301.0, 901.0, 1801.0]))
    def wait(self, seconds: float) -> None:
        self.clock.passed += seconds
        self.turn()

    @rule(seconds=st.sampled_from([0.0, HOUR, 2 * HOUR]))
    def turn_the_clock(self, seconds: float) -> None:
        self.clock.turned = seconds
        self.turn()

    @rule()
    def restart(self) -> None:
        # A clock that is wrong when the agent starts is one that nobody can know to be.
        self.clock.turned = 0.0
        self.start()

    @rule(yes=st.booleans(), number=st.integers(0, 3))
    def answer(self, yes: bool, number: int) -> None:
        asked = [(one, approval) for one in self.agent.book.incidents.values() for approval in one.approvals]
        if not asked:
            return
        incident, approval = asked[number % len(asked)]

        def say() -> None:
            try:
                self.agent.answer(incident.id, approval.token, yes=yes, by="ada")
            except MeshscopeError:
                _STEPS["answered too late"] += 1

        talking = threading.Thread(target=say)
        talking.start()
        while talking.is_alive():
            self.agent._decide()
            talking.join(0.001)
        self.turn()

    @rule(name=st.sampled_from(MAY), number=st.integers(0, 3))
    def an_instance_ends(self, name: str, number: int) -> None:
        with self.pods.world.lock:
            running = self.pods.world.running[identity(name)]
            if running:
                running.remove(running[number % len(running)])

    @rule(name=st.sampled_from(MAY))
    def an_instance_begins(self, name: str) -> None:
        if len(self.pods.running(name)) < SERVICES[name].replicas:
            self.pods.begin(name)
        self.turn()

    @rule(where=st.sampled_from(["kill:before", "kill:after", "quarantine:before", "quarantine:after"]))
    def lose_an_answer(self, where: str) -> None:
        self.lost.append(where)

    @rule(name=st.sampled_from(MAY), number=st.integers(0, 3))
    def nobody_can_be_asked_for_a_while(self, name: str, number: int) -> None:
        self.pods.down = self.gauges.down = True
        self.fails_alone(name, number)
        self.pods.down = self.gauges.down = False
        self.turn()

    @rule(name=st.sampled_from(MAY), number=st.integers(0, 3), again=st.booleans())
    def stopped_for_a_while(self, name: str, number: int, again: bool) -> None:
        self.stopped = True
        self.agent.stop("all", by="ada", why="drill")
        self.fails_alone(name, number)
        if again:
            self.restart()
        self.agent.start("all", by="ada")
        self.stopped = False
        self.turn()

    # What must hold

    @invariant()
    def nothing_is_done_that_may_not_be(self) -> None:
        assert self.fouls == []

    @invariant()
    def every_death_has_one_intent(self) -> None:
        acts = [act for one in self.ledger.heads("incident", limit=10_000) for act in read_incident(one).acts]
        # An intent that ended without having been carried out is none any more.
        intents = Counter((act.action, act.uid) for act in acts if act.outcome in ("", "done", "gone", "unknown"))
        assert all(count == 1 for count in intents.values()), intents
        assert set(self.pods.killed) <= {act.uid for act in acts}
        assert len(set(self.pods.killed)) == len(self.pods.killed)

    @invariant()
    def every_alert_has_an_end_or_waits_for_a_person(self) -> None:
        waiting = {
            approval.alert
            for one in self.agent.book.incidents.values()
            for approval in one.approvals
            if not approval.answer
        }
        for record in self.ledger.heads("alert", limit=10_000):
            state = read_alert(record)
            assert state.terminal or state.key in waiting, state

    def teardown(self) -> None:
        _STEPS["sequences"] += 1
        _STEPS["acts"] += len(self.referee.done) if hasattr(self, "referee") else 0


def _with(one: Received, status: str) -> Received:
    fields = {name: getattr(one, name) for name in one.__struct_fields__}
    return Received(**{**fields, "status": status})


@pytest.mark.fault("F25")
def test_no_sequence_passes_a_floor_or_a_cap_or_acts_on_what_is_over(figure: Callable[[str], None]) -> None:
    _STEPS.clear()
    run_state_machine_as_test(
        Sequences,
        settings=settings(
            max_examples=100, stateful_step_count=40, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
    assert _STEPS["acts"] > 20, "there is something that could have been too much"
    figure(f"{_STEPS['sequences']} sequences of 40 steps, {_STEPS['acts']} acts: no floor, cap or end passed")
