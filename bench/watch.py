"""Watch a Prometheus evaluate rules: what every group's runs take, and what the whole process takes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from bench.prometheus import Reading, Server
from bench.talk import Talk
from bench.traffic import HOUR

CYCLE = 30

_POLL_SECONDS = 10
# The first scrape makes every series anew.
_SETTLE_SECONDS = 75
_BASELINE_SECONDS = 60
# A group that runs more rarely is asked once instead of waited for.
_RARE_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What rules cost in each 30 seconds: evaluation by group, and CPU of the whole process."""

    seconds: Mapping[str, float]
    cpu_seconds: float
    missed: float
    failures: float
    firing: float
    samples_loaded: float
    resident_bytes: float
    series: float
    elapsed: float

    @property
    def total(self) -> float:
        """Seconds of evaluation of all groups."""
        return sum(self.seconds.values())


def settle(talk: Talk) -> None:
    """Wait for the first scrapes."""
    talk.say("prometheus: the first scrapes")
    time.sleep(_SETTLE_SECONDS)


def idle(server: Server, talk: Talk) -> float:
    """The CPU seconds of each cycle while no rules are loaded."""
    before = server.reading()
    time.sleep(_BASELINE_SECONDS)
    after = server.reading()
    used = (after.cpu_seconds - before.cpu_seconds) / (after.at - before.at) * CYCLE
    talk.say(f"baseline: {used:.2f} CPU seconds in each {CYCLE} s without rules, {after.series:,.0f} series")
    return used


def watch(server: Server, talk: Talk, *, cycles: int, until_missed: bool = False) -> Cost:
    """Wait until every group ran once, then watch for ``cycles`` cycles, or until an evaluation is missed."""
    talk.say("rules: waiting until all groups ran")
    before = _warm(server)
    talk.say(f"rules: watching for {cycles * CYCLE} s")
    seen: dict[str, list[float]] = {}
    last = before
    resident = 0.0
    while last.at - before.at < cycles * CYCLE and not (until_missed and _missed(before, last)):
        time.sleep(_POLL_SECONDS)
        now = server.reading()
        for group, count in now.iterations.items():
            if count > last.iterations.get(group, 0):
                seen.setdefault(group, []).append(now.last_seconds[group])
        resident = max(resident, now.resident_bytes)
        last = now
    elapsed = last.at - before.at
    for group in last.intervals.keys() - seen.keys():
        # Of one that should have run and did not, what it took before stands; there may be thousands.
        rare = last.intervals[group] >= _RARE_SECONDS
        seen[group] = [_asked(server, group) if rare else last.last_seconds[group]]
    return Cost(
        seconds=weighted(seen, last.intervals),
        cpu_seconds=(last.cpu_seconds - before.cpu_seconds) / elapsed * CYCLE,
        missed=_missed(before, last),
        failures=last.failures,
        firing=server.number('count(ALERTS{alertstate="firing"}) or vector(0)'),
        samples_loaded=(last.samples_loaded - before.samples_loaded) / elapsed * CYCLE,
        resident_bytes=resident,
        series=last.series,
        elapsed=elapsed,
    )


def weighted(seen: Mapping[str, Sequence[float]], intervals: Mapping[str, float]) -> dict[str, float]:
    """The mean of each group's runs, as seconds in each cycle: a group with an interval of 2 min counts a quarter."""
    return {group: sum(runs) / len(runs) * CYCLE / intervals[group] for group, runs in seen.items()}


def rules_of(server: Server, group: str) -> list[dict[str, str]]:
    """The rules of a group, with what each took when it ran last."""
    found = server.api("rules?" + urlencode({"exclude_alerts": "true", "rule_group[]": group}))["groups"]
    return [rule for one in found for rule in one["rules"]]


def _missed(before: Reading, now: Reading) -> float:
    return sum(now.missed.values()) - sum(before.missed.values())


def _warm(server: Server) -> Reading:
    begun = time.monotonic()
    while True:
        time.sleep(_POLL_SECONDS)
        now = server.reading()
        usual = [group for group, length in now.intervals.items() if length < _RARE_SECONDS]
        if usual and (all(now.iterations[group] for group in usual) or now.at - begun > HOUR / 10):
            return now


def _asked(server: Server, group: str) -> float:
    """The seconds of a group that runs too rarely to be seen: each of its rules asked once."""
    begun = time.monotonic()
    for rule in rules_of(server, group):
        server.api("query?" + urlencode({"query": rule["query"]}))
    return time.monotonic() - begun
