"""What an hour allows is allowed once, whoever asks and however often the agent begins anew; observing does nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from meshscope.deploy.plan import Verb
from meshscope.feedback.catalog import Catalog, Wanted
from meshscope.feedback.settings import Caps
from meshscope.feedback.state import Received
from meshscope.model.modes import Mode
from tests.feedback.world import FAST, Clock, Hand, Pods, World, alert, catalog, service, world

SERVICES = tuple(f"svc{number}" for number in range(10))
FREE = Caps(every_seconds=0.0, cool_down_seconds=0.0, strikes=10**6)


@pytest.mark.fault("F25")
@pytest.mark.parametrize("scope", ["service", "owner", "mesh"])
def test_a_budget_is_spent_once_and_a_new_start_does_not_refill_it(
    tmp_path: Path, figure: Callable[[str], None], scope: str
) -> None:
    cap = 4
    caps = replace(FREE, **{"service": 10**6, "owner": 10**6, "mesh": 10**6, scope: cap})
    names = SERVICES[:1] if scope == "service" else SERVICES
    owners = {name: "payments" if scope == "owner" or number % 2 else "platform" for number, name in enumerate(names)}
    known = replace(catalog([service(name, owner=owner) for name, owner in owners.items()]), calls=())
    settings, clock = replace(FAST, caps=caps), Clock()
    pods = Pods(list(known.services.values()), clock.now)
    dead, codes = [], Counter[str]()

    def again(count: int) -> None:
        with world(tmp_path, known=known, settings=settings, clock=clock, pods=pods) as it:
            for number in range(count):
                name = names[number % len(names)]
                pod = it.pods.names(name)[0]
                it.gauges.failing = {pod: 1.0}
                it.send(alert("LoneFailingInstance", name, pod=pod, fingerprint=f"{len(dead)}-{number}"))
                it.settled()
                it.until(lambda: all(act.replaced_at for one in it.incidents() for act in one.acts))
            codes.update(one.code for one in it.alerts())
            dead.append(len(pods.killed))

    again(50)
    again(50)
    clock.ahead += 3600.0
    again(20)
    assert dead == [cap, cap, 2 * cap]
    assert codes[f"cap_{scope}"]
    figure(
        f"120 alerts, 2 starts within an hour, 1 after it; {cap} an hour for the {scope}: {dead} acts after each start"
    )


RESPONSES = tuple(
    Wanted(action=action, name=name)
    for action, name in (("kill_instance", ""), ("quarantine", ""), ("run_command", "drain"), ("webhook", "pipeline"))
)


def observing(mesh: Mode, own: Mode | None) -> Catalog:
    """A mesh whose alerts ask for everything, and which may do nothing."""
    known = catalog([service(name, mode=own) for name in ("frontend", "checkout", "ledger", "payment")], mode=mesh)
    every = {name: replace(one, responses=RESPONSES) for name, one in known.alerts.items()}
    rules = {name: replace(one, responses=RESPONSES) for name, one in known.rules.items()}
    return replace(known, alerts=every, rules=rules)


@contextmanager
def watched(folder: Path, known: Catalog, hands: dict[Verb, Hand]) -> Iterator[World]:
    settings = replace(FAST, caps=replace(FREE, service=10**6, owner=10**6, mesh=10**6))
    with world(folder, known=known, settings=settings, hands=hands) as it:
        yield it


@pytest.mark.fault("F34")
@pytest.mark.parametrize(
    ("mesh", "own"),
    [(Mode.OBSERVE, Mode.ACT), (Mode.ACT, Mode.OBSERVE), (Mode.OBSERVE, None), (Mode.PROPOSE, Mode.ACT)],
)
def test_who_only_observes_changes_nothing_and_says_what_would_have_been_done(
    tmp_path: Path, figure: Callable[[str], None], mesh: Mode, own: Mode | None
) -> None:
    hands = {verb: Hand() for verb in Verb}
    with watched(tmp_path, observing(mesh, own), hands) as it:
        sent: list[Received] = []
        for name in it.pods.world.running:
            for pod in it.pods.names(name.name):
                it.gauges.failing[pod] = 1.0
                told = ("firing", "resolved", "firing")
                sent += [alert("LoneFailingInstance", name.name, pod=pod, status=status) for status in told]
                labels = {"alertname": "Terminal shell in container", "namespace": "shop", "pod": pod}
                shell = Received(source="falco", fingerprint=f"falco-{pod}", status="firing", labels=labels)
                it.agent.accept("falco", [shell]).result(5)
            sent.append(alert("ErrorBudgetBurn", name.name))
        for one in sent:
            it.send(one)
        it.settled()
        it.until(lambda: all(one.issue and one.issue.ref for one in it.incidents() if not one.folded_into))
        plans = [line for one in it.incidents() for decision in one.decisions for line in decision.plan]
        calls = sum(len(hand.changes) for hand in hands.values())
        assert calls == 0
        assert it.pods.killed == []
        assert all(len(it.pods.running(name.name)) == 3 for name in it.pods.world.running)
        assert plans
    figure(f"mesh {mesh}, services {own or 'say nothing'}: {len(sent)} alerts, {len(plans)} plans told, {calls} calls")
