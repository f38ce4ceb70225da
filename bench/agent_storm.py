"""Ten thousand alerts of a thousand services at once: none is lost, none is told twice, and all are decided soon."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.agent import PATH, Running, bundle, running
from bench.agent_alerts import alerts, body
from bench.figures import Figure, Goal
from bench.mesh import shape
from bench.talk import Talk
from meshscope.feedback.state import ALERT, INCIDENT, Incident, read_alert, read_incident

LOST = Goal(name="storm_10000_lost", unit="alerts", goal=0)
DOUBLED = Goal(name="storm_10000_duplicate_issues", unit="issues", goal=0)
SECONDS = Goal(name="storm_10000_seconds", unit="seconds", goal=60)
RESIDENT = Goal(name="agent_rss_mib", unit="MiB", goal=200)

_SERVICES = 1_000
_IN_A_BODY = 50
_SENDERS = 8
_PATIENCE_SECONDS = 600.0
_TELLING_SECONDS = 300.0
_POLL_SECONDS = 0.5
_PAUSE = 0.2


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a storm: ``lost`` alerts that have no end, issues that tell of a trouble that another tells of."""

    sent: int
    lost: int
    doubled: int
    untold: int
    seconds: float
    told_seconds: float
    used_seconds: float
    """Of the processors, by the agent itself."""
    incidents: int
    issues: int
    resident_mib: float
    ends: Counter[str]


def stormed(talk: Talk) -> list[Figure]:
    """What a storm comes to."""
    with bundle(_SERVICES) as (tree, folder), running(folder / "agent", tree) as agent:
        outcome = storm(agent, _SERVICES, talk)
    return figures(outcome)


def figures(outcome: Outcome) -> list[Figure]:
    """The figures of a storm."""
    ends = ", ".join(f"{count:,} {end}" for end, count in outcome.ends.most_common())
    what = (
        f"{outcome.sent:,} alerts of {_SERVICES:,} services, ten each, all different, in bodies of {_IN_A_BODY} over "
        f"{_SENDERS} connections to one `meshscope agent` with its defaults and a tracker of Markdown in git; {ends}"
    )
    return [
        LOST.measured(outcome.lost, f"{what}; accepted, and without a terminal record in the ledger at the end"),
        DOUBLED.measured(
            outcome.doubled,
            f"{what}; files of issues, and lines of the storm's issue, beyond one for each of {outcome.incidents:,} "
            f"incidents that are not part of another, and incidents beyond one a service; {outcome.untold} untold, "
            f"{outcome.issues:,} files, all told after {outcome.told_seconds:.1f} s",
        ),
        SECONDS.measured(
            outcome.seconds,
            f"{what}; from the first byte to the last terminal record in the ledger; the agent itself used "
            f"{outcome.used_seconds:.1f} s of a processor, telling included",
        ),
        RESIDENT.measured(outcome.resident_mib, f"{what}; VmRSS of the agent when all is decided and told"),
    ]


def storm(agent: Running, services: int, talk: Talk) -> Outcome:
    """Send the alerts of so many services, wait until all is decided and told, and count."""
    every = [one for node in shape(services).services for one in alerts(node)]
    talk.say(f"agent: a storm of {len(every):,} alerts")
    followed = _Followed(agent)
    began, before = time.time(), agent.cpu_seconds()
    _send(agent, [body(every[first : first + _IN_A_BODY]) for first in range(0, len(every), _IN_A_BODY)])
    talk.say(f"agent: all {len(every):,} are accepted, after {time.time() - began:.1f} s")
    wanted = {str(one["fingerprint"]) for one in every}
    followed.wait(lambda: wanted <= followed.ended.keys(), _PATIENCE_SECONDS)
    seconds = max(followed.ended.values(), default=time.time()) - began
    talk.say(f"agent: {len(followed.ended):,} are decided, after {seconds:.1f} s")
    followed.wait(lambda: all(map(_is_told, followed.incidents.values())), _TELLING_SECONDS)
    told_seconds = time.time() - began
    incidents = list(followed.incidents.values())
    files = Counter(path.stem for path in agent.issues.rglob("*.md"))
    return Outcome(
        sent=len(every),
        lost=len(wanted - followed.ended.keys()),
        doubled=doubled(incidents, files),
        untold=sum(1 for one in incidents if not _is_told(one)),
        seconds=seconds,
        told_seconds=told_seconds,
        used_seconds=agent.cpu_seconds() - before,
        incidents=sum(1 for one in incidents if not one.folded_into),
        issues=files.total(),
        resident_mib=agent.resident_mib(),
        ends=followed.ends,
    )


def doubled(incidents: Sequence[Incident], files: Mapping[str, int]) -> int:
    """How often a trouble is told again: ``files`` has the names of issues, and how many files have each.

    An incident has one issue, or a line in a storm's, and a service one incident; what is part of a deeper incident
    has no open issue of its own.
    """
    own = [one for one in incidents if not one.folded_into]
    tellings = [files.get(one.id, 0) + _is_in_a_storm(one) for one in own]
    services = Counter((one.service, one.security) for one in own)
    left_open = sum(1 for one in incidents if one.folded_into and one.issue is not None and one.issue.open)
    again = sum(max(0, count - 1) for count in (*tellings, *services.values()))
    return again + left_open


def _is_in_a_storm(incident: Incident) -> bool:
    return incident.issue is not None and incident.issue.ref.startswith("storm:")


def _is_told(incident: Incident) -> bool:
    if incident.folded_into:
        return incident.issue is None or not incident.issue.open
    return incident.issue is not None and bool(incident.issue.ref)


def _send(agent: Running, bodies: Sequence[bytes]) -> None:
    """Post every body until it is taken, as Alertmanager does, over a few connections at once."""

    def post(some: Sequence[bytes]) -> None:
        connection = agent.connection()
        try:
            for one in some:
                while not _is_taken(connection, one, agent):
                    time.sleep(_PAUSE)
        finally:
            connection.close()

    with ThreadPoolExecutor(_SENDERS) as threads:
        list(threads.map(post, [bodies[first::_SENDERS] for first in range(_SENDERS)]))


def _is_taken(connection: http.client.HTTPConnection, sent: bytes, agent: Running) -> bool:
    connection.request("POST", PATH, sent, dict(agent.headers))
    answer = connection.getresponse()
    said = answer.read()
    if answer.status not in (200, 503):
        raise SystemExit(f"the agent answers {answer.status}: {said[:500]!r}")
    return answer.status == 200


class _Followed:
    """What the agent writes, read as it grows: when each alert came to its end, and each incident as it is now."""

    def __init__(self, agent: Running) -> None:
        self.ended: dict[str, float] = {}
        """By fingerprint, when the ledger wrote its first terminal record."""
        self.ends: Counter[str] = Counter()
        self.incidents: dict[str, Incident] = {}
        self._agent = agent
        self._after = {ALERT: 0, INCIDENT: 0}

    def wait(self, holds: Callable[[], bool], seconds: float) -> None:
        """Read on until it holds, or nobody would wait any more."""
        until = time.monotonic() + seconds
        while self._look() or not holds():
            if time.monotonic() > until:
                return
            self._agent.look()
            time.sleep(_POLL_SECONDS)

    def _look(self) -> bool:
        """Read what is new; whether there was anything."""
        before = dict(self._after)
        for record in self._agent.records(ALERT, self._after[ALERT]):
            state = read_alert(record)
            if state.terminal and state.received.fingerprint not in self.ended:
                self.ended[state.received.fingerprint] = record.at
                self.ends[f"{state.terminal} ({state.code})"] += 1
            self._after[ALERT] = record.number
        for record in self._agent.records(INCIDENT, self._after[INCIDENT]):
            incident = read_incident(record)
            self.incidents[incident.id] = incident
            self._after[INCIDENT] = record.number
        return before != self._after
