"""A target in memory whose answers get lost, and that hangs."""

import threading

import pytest

from meshscope.adapters.memory.target import MemoryTarget, MemoryWorld
from meshscope.deploy.plan import Outcome
from tests.targets.conftest import LEDGER, kill


@pytest.mark.parametrize(("at", "dead"), [("kill:before", False), ("kill:after", True)])
def test_a_call_that_gets_lost_is_unknown_whether_it_took_effect_or_not(at: str, dead: bool) -> None:
    def faults(place: str) -> None:
        if place == at:
            raise TimeoutError("lost")

    world = MemoryWorld()
    target = MemoryTarget(world, faults=faults)
    chosen = target.start(LEDGER)
    receipt = target.apply(kill(chosen))
    assert (receipt.outcome, receipt.said) == (Outcome.UNKNOWN, "lost")
    assert world.killed == ([chosen.uid] if dead else [])
    again = MemoryTarget(world).apply(kill(chosen))
    assert again.outcome is (Outcome.GONE if dead else Outcome.DONE)
    assert world.killed == [chosen.uid]


def test_a_call_hangs_for_as_long_as_it_is_told_to() -> None:
    go_on = threading.Event()
    target = MemoryTarget(faults=lambda place: go_on.wait(10) and None if place == "kill:before" else None)
    chosen = target.start(LEDGER)
    outcomes: list[Outcome] = []
    calling = threading.Thread(target=lambda: outcomes.append(target.apply(kill(chosen)).outcome))
    calling.start()
    assert target.instances(LEDGER) == (chosen,)
    go_on.set()
    calling.join(10)
    assert outcomes == [Outcome.DONE]


def test_without_replacement_none_comes() -> None:
    target = MemoryTarget(replaces=False)
    chosen = target.start(LEDGER)
    target.apply(kill(chosen))
    assert target.instances(LEDGER) == ()
