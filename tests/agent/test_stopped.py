"""The agent's process stands still for longer than its calls may take, in the middle of each: nothing is done twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from meshscope.feedback.state import Phase
from tests.agent.stage import QUICK, Actor, Troupe, filed, lone, orders, shop, sound
from tests.waiting import until

STEPS = ("intent:before", "intent:after", "kill:before", "kill:after", "receipt:before", "issue:before", "issue:after")
NAMES = tuple(f"svc{number}" for number in range(len(STEPS)))
SHOP = shop(*NAMES)
SHORT = replace(QUICK, call_seconds=0.5)


@dataclass(frozen=True)
class Outcome:
    """What a stop at a step came to."""

    stopped_seconds: float
    refused: str
    """What a second agent on the same ledger was told meanwhile."""
    dead: set[str]
    started: int
    issues: int


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def stopped(folder: Path, troupe: Troupe, name: str, step: str) -> Outcome:
    before, number = troupe.running(name), troupe.started()[name]
    bad = min(before)
    given = orders(folder, troupe, SHOP, fault=(step, 1), number=signal.SIGSTOP, settings=SHORT)
    actor = Actor(given)
    pid = actor.process.pid
    assert pid is not None
    sending = threading.Thread(target=lambda: actor.send(lone(name, bad)))
    try:
        sending.start()
        until(lambda: state_of(pid) == "T", f"it stops at {step}")
        began = time.monotonic()
        second = Actor(replace(given, fault=None))
        second.gone()
        time.sleep(max(0.0, began + 3 * SHORT.call_seconds - time.monotonic()))
        seconds = time.monotonic() - began
        os.kill(pid, signal.SIGCONT)
        sending.join(20)
        actor.until(
            lambda look: (
                [one.terminal for one in look.alerts] == ["acted"]
                and look.incidents[0].phase is Phase.OPEN
                and look.incidents[0].issue.ref
                and look.incidents[0].acts[0].replaced_at
            ),
            f"it goes on after {step}",
        )
    finally:
        os.kill(pid, signal.SIGCONT)
        actor.end()
    until(lambda: troupe.full(name), "three run again")
    sound(folder)
    return Outcome(
        stopped_seconds=seconds, refused=str(second.refused), dead=set(before) - set(troupe.running(name)),
        started=troupe.started()[name] - number, issues=len(filed(folder)),
    )  # fmt: skip


@pytest.mark.fault("F06")
def test_stopped_in_the_middle_of_a_call_it_does_nothing_twice(tmp_path: Path, figure: Callable[[str], None]) -> None:
    with Troupe(tmp_path / "groups", NAMES) as troupe, ThreadPoolExecutor(len(STEPS)) as pool:
        bad = {name: min(troupe.running(name)) for name in NAMES}
        ends = list(pool.map(lambda pair: stopped(tmp_path / pair[0], troupe, *pair), zip(NAMES, STEPS, strict=True)))
    for name, step, end in zip(NAMES, STEPS, ends, strict=True):
        assert (end.dead, end.started, end.issues) == ({bad[name]}, 1, 1), step
        assert "ledger" in end.refused, "one writer: the one that stands still holds it"
    shortest = min(end.stopped_seconds for end in ends)
    figure(
        f"stopped at {len(STEPS)} steps for {shortest:.1f} s and more where a call has {SHORT.call_seconds:g} s: "
        f"{sum(len(end.dead) for end in ends)} deaths, {sum(end.issues for end in ends)} issues, 0 doubled; "
        f"{len(ends)} second agents refused"
    )
