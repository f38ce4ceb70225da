"""Intents whose end nobody wrote: what each class of action comes to after a restart."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from meshscope.deploy.plan import Change, Outcome, Plan, Receipt, Verb
from meshscope.feedback.cards import Action, Card, Declined, Reach, Repeat, action
from meshscope.feedback.cards import World as Seen
from meshscope.feedback.catalog import Catalog, KnownAlert, Wanted
from meshscope.feedback.state import Act, AlertState
from tests.feedback.world import World, alert, catalog, key, world


@dataclass
class Dying:
    """A hand of an agent that ends in the middle of its first calls; what it began is kept."""

    deaths: int
    begun: list[Change] = field(default_factory=list)

    def apply(self, change: Change) -> Receipt:
        self.begun.append(change)
        if len(self.begun) <= self.deaths:
            raise KeyboardInterrupt
        return Receipt(change=change, outcome=Outcome.DONE)


def made(repeat: Repeat, verb: Verb = Verb.RUN) -> Action:
    """An action that names no instance."""

    @action(
        Card(name="scale_out", does="asks for another instance", reach=Reach.WORKLOAD, undo="ask for one less",
             repeat=repeat, verb=verb)
    )  # fmt: skip
    def scale_out(one: AlertState, seen: Seen) -> Plan | Declined:
        return Plan(action="scale_out", changes=(Change(verb=verb, subject=seen.service.key.name),))

    return scale_out


def known() -> Catalog:
    """The mesh, with an alert that such an action answers."""
    whole = catalog()
    full = KnownAlert(
        name="Full", scope="", severity="page", summary="full", definition="", responses=(Wanted(action="scale_out"),)
    )
    return replace(whole, alerts={**whole.alerts, "Full": full})


def acts(it: World) -> Sequence[Act]:
    return it.incident("ledger").acts


@pytest.mark.parametrize(
    ("repeat", "over", "outcome", "calls"),
    [
        (Repeat.BY_STATE, False, "done", 2),
        (Repeat.BY_STATE, True, "unknown", 1),
        (Repeat.CONVERGES, False, "done", 2),
        (Repeat.AT_MOST_ONCE, False, "unknown", 1),
        (Repeat.BY_IDENTITY, False, "unknown", 1),
    ],
)
def test_each_class_has_its_own_recovery_and_none_says_gone_of_what_has_no_identity(
    tmp_path: Path, repeat: Repeat, over: bool, outcome: str, calls: int
) -> None:
    hand = Dying(deaths=1)
    with world(tmp_path, known=known(), hands={Verb.RUN: hand}, start=False) as it:
        it.agent.tools.actions = {**it.agent.tools.actions, "scale_out": made(repeat)}
        it.send(alert("Full", "ledger"))
        with pytest.raises(KeyboardInterrupt):
            it.agent.decider.take(next(iter(it.agent.book.alerts.values())))
        assert [one.outcome for one in acts(it)] == [""]
        if over:
            it.send(alert("Full", "ledger", status="resolved"))
    with world(tmp_path, known=known(), hands={Verb.RUN: hand}, start=False) as it:
        it.agent.tools.actions = {**it.agent.tools.actions, "scale_out": made(repeat)}
        it.agent.recoverer.recover()
        assert [one.outcome for one in acts(it)] == [outcome]
        assert len(hand.begun) == calls


def test_what_nothing_here_can_do_is_declined_before_anything_is_written(tmp_path: Path) -> None:
    with world(tmp_path, known=known()) as it:
        it.agent.tools.actions = {**it.agent.tools.actions, "scale_out": made(Repeat.BY_STATE, Verb.CALL)}
        it.send(alert("Full", "ledger"))
        it.settled()
        assert it.alerts()[0].code == "no_hand"
        assert acts(it) == []


@pytest.mark.parametrize("name", ["run_command", "webhook"])
def test_a_command_is_told_of_instances_of_the_incidents_service_alone(tmp_path: Path, name: str) -> None:
    with world(tmp_path, start=False) as it:
        mine, other = it.pods.names("ledger")[0], it.pods.names("payment")[0]
        planned = it.agent.tools.actions[name].plan
        for pod, told in ((mine, {"instance": mine}), (other, {}), ("--force", {}), ("", {})):
            it.send(alert("Full", "ledger", pod=pod, fingerprint=f"x{pod}"))
            state = next(one for one in it.agent.book.alerts.values() if one.received.labels.get("pod", "") == pod)
            wanted = Wanted(action=name, name="drain")
            seen = Seen(service=it.known.services[key("ledger")], instances=it.pods.running("ledger"), wanted=wanted)
            plan = planned(state, seen)
            assert isinstance(plan, Plan)
            assert {one: value for one, value in plan.changes[0].arguments.items() if one == "instance"} == told


def test_a_quarantine_whose_alert_is_over_is_known_by_what_it_left(tmp_path: Path) -> None:
    with world(tmp_path, start=False) as it:
        first = it.pods.running("ledger")[0]
        told = alert("LoneFailingInstance", "ledger", pod=first.name)
        it.send(told)
        it.agent.decider.take(next(iter(it.agent.book.alerts.values())))
        incident = it.incident("ledger")
        incident.acts = [
            Act(
                key="x",
                action="quarantine",
                target=first.name,
                uid=first.uid,
                at=it.clock.now(),
                deadline=0.0,
                alert="x/y/1",
            )
        ]
        it.pods.apply(Change(verb=Verb.QUARANTINE, subject=first.name, service=first.service, precondition=first.uid))
        it.agent.recoverer.recover()
        assert [one.outcome for one in acts(it)] == ["gone"]
