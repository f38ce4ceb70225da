"""Fifty thousand alerts at once: each is answered for or to be sent again, memory is bounded, one issue tells of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from meshscope.feedback.credentials import new_credential
from meshscope.feedback.state import Received, read_alert
from meshscope.wiring.ledgers import open_ledger
from tests.agent.child import Orders
from tests.agent.posting import Poster
from tests.agent.stage import QUICK, Actor, filed, shop, sound
from tests.feedback.world import TENANT, alert
from tests.ports import free_port
from tests.receiving.conftest import write_credentials
from tests.waiting import until

ALERTS, OF_THE_MODEL, SERVICES, IN_A_BODY, SENDERS = 50_000, 20_000, 1_000, 100, 8
NAMES = [f"svc{number}" for number in range(SERVICES)]
SETTINGS = replace(QUICK, tell_seconds=2.0)
_MOST_MIB = 600


def storm() -> list[list[Received]]:
    """Every service burns, instances of it that are gone fail, and the rest is of strangers: no two are alike."""
    every = []
    for number in range(ALERTS):
        name = NAMES[number % SERVICES]
        turn = number // SERVICES
        what = "ErrorBudgetBurn" if turn == 0 else "LoneFailingInstance" if number < OF_THE_MODEL else "NobodyKnowsThis"
        pod = f"{name}-{turn}" if turn else ""
        every.append(alert(what, name, pod=pod, fingerprint=f"{number:016x}"))
    return [every[first : first + IN_A_BODY] for first in range(0, ALERTS, IN_A_BODY)]


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) / 1024


@pytest.mark.fault("F16")
def test_a_storm_is_taken_or_to_be_sent_again_and_told_in_one_issue(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    folder, port = tmp_path / "agent", free_port()
    folder.mkdir()
    token, entry = new_credential(TENANT, "alertmanager")
    write_credentials(folder / "credentials.toml", entry)
    actor = Actor(Orders(folder=folder, groups=folder / "groups", known=shop(*NAMES), settings=SETTINGS, port=port))
    statuses: Counter[int] = Counter()
    waits: list[float] = []

    def send(bodies: list[list[Received]]) -> None:
        poster = Poster(port, token)
        for one in bodies:
            status = 503
            while status == 503:
                began = time.monotonic()
                status = poster.post(*one)
                waits.append(time.monotonic() - began)
                statuses[status] += 1
                if status == 503:
                    time.sleep(0.2)
            assert status == 200
        poster.close()

    try:
        actor.look()
        bodies = storm()
        began = time.monotonic()
        with ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(send, [bodies[first::SENDERS] for first in range(SENDERS)]))
        taken = time.monotonic() - began
        until(lambda: not actor.ask("busy"), "all is decided and told", 300)
        decided = time.monotonic() - began
        pid = actor.process.pid
        assert pid is not None
        resident = resident_mib(pid)
    finally:
        actor.end()
    with open_ledger(folder / "state") as ledger:
        ends = Counter(read_alert(one).terminal for one in ledger.heads("alert", limit=2 * ALERTS))
    assert ends.total() == ALERTS
    assert set(ends) <= {"acted", "declined", "superseded"}
    sound(folder)
    issues = filed(folder)
    storms = [one for one in issues if one.key.startswith("storm-")]
    waits.sort()
    figure(
        f"{ALERTS:,} alerts of {SERVICES:,} services, {OF_THE_MODEL:,} of them of the model: "
        f"all taken in {taken:.0f} s, all decided after {decided:.0f} s; "
        f"answers {dict(statuses)}, p99 {waits[len(waits) * 99 // 100] * 1e3:.0f} ms for {IN_A_BODY} alerts, "
        f"{resident:.0f} MiB at the most, {len(storms)} issue of the storm and {len(issues) - len(storms)} others"
    )
    assert statuses.keys() <= {200, 503}
    assert len(storms) == 1
    assert len(issues) <= SETTINGS.storm_incidents + 1
    assert resident < _MOST_MIB
