"""From an alert that is sent until the one process that misbehaves is dead: real processes, evidence gathered first."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.agent import PATH, Running, bundle, running
from bench.agent_alerts import CLUSTER, alert, body
from bench.agent_ranks import ranked
from bench.figures import Figure, Goal
from bench.mesh import Node, shape
from bench.talk import Talk
from meshscope.deploy import groups
from meshscope.deploy.groups import Member
from meshscope.deploy.supervisor import Supervisor, Workload
from meshscope.feedback.state import INCIDENT, Incident, read_incident
from meshscope.model.services import Identity

P50 = Goal(name="agent_action_p50_seconds", unit="seconds", goal=0.1)
P99 = Goal(name="agent_action_p99_seconds", unit="seconds", goal=0.5)

_SERVICES = 1_000
_KILLS = 60
# So many the card of the action allows in an hour, whatever the configuration says.
_AN_AGENT = 20
_REPLICAS = 3
_LIMITS = "[limits]\nservice = 1000\nowner = 1000\nmesh = 1000\n"
_NUMBERS = {"instance_failing": "0.9", "siblings_failing": "0.002", "instance_requests": "3000", "siblings": "2"}
_PATIENCE = 30.0
# What the instance's log says before it sleeps: the evidence.
_PROGRAM = ("/bin/sh", "-c", 'echo "ERROR no connection to the database is left"; exec sleep 600')


@dataclass(kw_only=True)
class _Deaths:
    """Processes that are waited for in a thread of its own, so that each death is seen when it happens."""

    handle: int
    at: float = 0.0
    seen: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Wait until the process is dead."""
        if select.select([self.handle], [], [], _PATIENCE)[0]:
            self.at = time.perf_counter()
            self.seen.set()


def acted(talk: Talk) -> list[Figure]:
    """How long it takes from an alert to a death."""
    with bundle(_SERVICES) as (tree, folder):
        seconds: list[float] = []
        nodes = alone(_SERVICES)
        for first in range(0, _KILLS, _AN_AGENT):
            talk.say(f"agent: kills {first + 1} to {first + _AN_AGENT} of {_KILLS}")
            with running(folder / f"agent-{first}", tree, _LIMITS) as agent:
                seconds += killed(agent, nodes[first : first + _AN_AGENT])
    method = (
        f"from the first byte of one alert on a kept connection to the death of the process that it names, seen by a "
        f"handle of it; {_KILLS} one after another, each of another service of {_REPLICAS} processes that a "
        f"supervisor keeps, by agents that may do {_AN_AGENT} each, on {_SERVICES:,} services; the numbers come with "
        "the alert, there is no Prometheus; the ledger has evidence and intent of each before its end"
    )
    return [
        P50.measured(ranked(seconds, 0.5), f"{method}; median"),
        P99.measured(ranked(seconds, 0.99), f"{method}; nearest rank, which of {_KILLS} is the slowest"),
    ]


def alone(size: int) -> Sequence[Node]:
    """Services that call nobody, so that nothing below them can be the cause."""
    built = shape(size)
    calling = {caller for caller, _ in built.calls}
    return [node for number, node in enumerate(built.services) if number not in calling]


def killed(agent: Running, nodes: Sequence[Node]) -> list[float]:
    """Have one process of each service killed; the seconds of each. Raises SystemExit where one was not, or too late.

    Also where the ledger lacks the evidence, or has it only after the end.
    """
    seconds = []
    for node in nodes:
        with _supervised(agent.groups, node) as members:
            seconds.append(_kill(agent, node, members[0]))
    _check(agent, len(nodes))
    return seconds


@contextmanager
def _supervised(folder: Path, node: Node) -> Iterator[Sequence[Member]]:
    service = Identity(CLUSTER, node.namespace, node.name)
    workload = Workload(service=service, command=lambda _: _PROGRAM, replicas=_REPLICAS, version="v1")
    with Supervisor(folder, workload):
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            group = groups.read(folder, service)
            # A log that has a line belongs to a process that is what it will be.
            if group and len(group.instances) == _REPLICAS and all(_has_spoken(one) for one in group.instances):
                yield group.instances
                return
            time.sleep(0.01)
        raise SystemExit(f"the processes of {service} do not start")


def _has_spoken(member: Member) -> bool:
    return Path(member.log).stat().st_size > 0


def _kill(agent: Running, node: Node, member: Member) -> float:
    deaths = _Deaths(handle=os.pidfd_open(member.pid))
    watching = threading.Thread(target=deaths.wait, daemon=True)
    connection = agent.connection()
    try:
        watching.start()
        connection.connect()
        labels = {"alertname": "LoneFailingInstance", "severity": "ticket", "pod": member.name}
        sent = body([alert(node, labels, _NUMBERS)])
        began = time.perf_counter()
        connection.request("POST", PATH, sent, dict(agent.headers))
        status = connection.getresponse().status
        watching.join()
    finally:
        connection.close()
        os.close(deaths.handle)
    if status != 200 or not deaths.seen.is_set():
        raise SystemExit(f"{member.name} is not dead: {status}, {_why(agent, node)}")
    return deaths.at - began


def _why(agent: Running, node: Node) -> str:
    """What the agent's incident of the service says."""
    said: list[str] = []
    for record in agent.records(INCIDENT):
        incident = read_incident(record)
        if incident.service.name == node.name:
            said = [f"{one.action}: {one.verdict} {one.code} {one.why}" for one in incident.decisions]
    return "; ".join(said) or "nothing was decided"


def _check(agent: Running, kills: int) -> None:
    """Every act ended well, and its evidence and its intent were on disk before."""
    until = time.monotonic() + _PATIENCE
    while True:
        intended: set[str] = set()
        done: set[str] = set()
        for record in agent.records(INCIDENT):
            incident = read_incident(record)
            intended |= {act.key for act in incident.acts if not act.outcome and _has_evidence(incident, act.target)}
            done |= {act.key for act in incident.acts if act.outcome == "done" and act.key in intended}
        if len(done) == kills:
            return
        if time.monotonic() > until:
            raise SystemExit(f"of {kills} kills, {len(intended)} were intended with evidence and {len(done)} are done")
        time.sleep(0.1)


def _has_evidence(incident: Incident, target: str) -> bool:
    return any(one.instance == target and one.lines for one in incident.evidence)
