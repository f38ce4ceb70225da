"""How many alerts the agent takes in a second: over HTTP, each on disk before it is answered, while it decides."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.agent import Running, bundle, running
from bench.agent_load import Answered, Task
from bench.figures import Figure, Goal
from bench.mesh import ROOT
from bench.talk import Talk
from meshscope.feedback.state import ALERT, read_alert

PER_SECOND = Goal(name="agent_accept_per_second", unit="alerts a second", goal=3000, better="higher")

_SERVICES = 1_000
_CONNECTIONS = 64
_WARM_SECONDS = 2.0
_SECONDS = 10.0
_RUNS = 3


@dataclass(frozen=True, kw_only=True)
class _Run:
    """What one agent took: alerts a second, waits in seconds, microseconds of a processor for each."""

    per_second: float
    load: Answered
    decided: int
    used: float


def accepted(talk: Talk) -> list[Figure]:
    """What the agent takes in a second: the median of some agents, one after another, each with a new ledger."""
    with bundle(_SERVICES) as (tree, folder):
        runs = [_run(tree, folder / f"agent-{number}", number, talk) for number in range(1, _RUNS + 1)]
    runs.sort(key=lambda one: one.per_second)
    middle = runs[len(runs) // 2]
    load = middle.load
    others = {status: count for status, count in load.statuses.items() if status != "200"}
    method = (
        f"one `meshscope agent` on {_SERVICES:,} services, its SQLite ledger synced on a disk, deciding meanwhile; a "
        f"process of its own posts one new alert a body over {_CONNECTIONS} kept connections, {_SECONDS:g} s after "
        f"{_WARM_SECONDS:g} s to warm up; answers 200 within that time; median of {_RUNS} agents, "
        f"{runs[0].per_second:,.0f} and {runs[-1].per_second:,.0f} the least and the most; in the "
        f"median's run the wait for one is {load.p50_seconds:.3f} s at p50 and {load.p99_seconds:.3f} s at p99; other "
        f"answers: {others or 'none'}; the ledger had all {load.accepted:,} of them, {middle.decided:,} decided by "
        f"then, for the one that decides gives way to what comes in; {middle.used:.0f} µs of a processor for each, "
        "deciding included"
    )
    return [PER_SECOND.measured(middle.per_second, method)]


def _run(tree: Path, folder: Path, number: int, talk: Talk) -> _Run:
    talk.say(f"agent {number} of {_RUNS}: {_CONNECTIONS} connections post alerts for {_SECONDS:g} s")
    with running(folder, tree) as agent:
        before = agent.cpu_seconds()
        load = posted(agent, services=_SERVICES, connections=_CONNECTIONS, seconds=_SECONDS, warm=_WARM_SECONDS)
        used = agent.cpu_seconds() - before
        known, decided = on_disk(agent)
    if known < load.accepted:
        raise SystemExit(f"{load.accepted:,} alerts were accepted, and the ledger has {known:,}")
    return _Run(
        per_second=load.statuses.get("200", 0) / _SECONDS, load=load, decided=decided, used=1e6 * used / load.accepted
    )


def posted(agent: Running, *, services: int, connections: int, seconds: float, warm: float) -> Answered:
    """What a process of its own gets answered that posts to the agent. Raises SystemExit where it fails."""
    task = Task(
        port=agent.port, token=agent.token, services=services, connections=connections, warm_seconds=warm,
        seconds=seconds,
    )  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-m", "bench.agent_load"],
        input=json.dumps(asdict(task)).encode(), capture_output=True, check=False, cwd=ROOT,
    )  # fmt: skip
    agent.look()
    if ended.returncode:
        raise SystemExit(f"the load ended with {ended.returncode}:\n{ended.stderr.decode(errors='replace')[-2000:]}")
    return Answered(**json.loads(ended.stdout))


def on_disk(agent: Running) -> tuple[int, int]:
    """How many different alerts the ledger has, and how many of them have an end."""
    every = [read_alert(record) for record in agent.records(ALERT)]
    return len({one.key for one in every}), len({one.key for one in every if one.terminal})
