"""A process that posts alerts as fast as they are taken: ``python -m bench.agent_load``, what to do as JSON on stdin.

Each connection is kept, and posts the next body when the last one is answered; each body has an alert that nobody has
seen. What was answered within the time goes to stdout as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import uvloop

from bench.agent import LOOPBACK, PATH
from bench.agent_alerts import alert, body
from bench.agent_ranks import ranked
from bench.mesh import Node, shape

_PLACE = "f" * 16
_APART = 0x9E3779B97F4A7C15
_ANSWER_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Task:
    """Post alerts of ``services`` services to ``port``; ``warm_seconds`` don't count, then ``seconds`` do."""

    port: int
    token: str
    services: int
    connections: int
    warm_seconds: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What was answered in the time that counts, by status, and the waits in seconds; ``accepted`` is of all time."""

    statuses: Mapping[str, int]
    p50_seconds: float
    p99_seconds: float
    accepted: int


@dataclass(kw_only=True)
class _Load:
    statuses: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    accepted: int = 0

    def told(self) -> Answered:
        return Answered(
            statuses={str(status): count for status, count in sorted(self.statuses.items())},
            p50_seconds=ranked(self.waits, 0.5), p99_seconds=ranked(self.waits, 0.99), accepted=self.accepted,
        )  # fmt: skip


class _Posting:
    """Every connection at work."""

    def __init__(self, task: Task) -> None:
        self.load = _Load()
        self._task = task
        self._requests = [_halves(task, node) for node in shape(task.services).services]
        self._number = 0
        self._begin = self._end = 0.0

    async def run(self) -> None:
        """Post until the time is over."""
        self._begin = time.perf_counter() + self._task.warm_seconds
        self._end = self._begin + self._task.seconds
        async with asyncio.TaskGroup() as group:
            for _ in range(self._task.connections):
                group.create_task(self._post())

    async def _post(self) -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, self._task.port)
        try:
            while (began := time.perf_counter()) < self._end:
                self._number += 1
                before, after = self._requests[self._number % len(self._requests)]
                # As a sender's own are: no two are near each other.
                writer.write(b"%b%016x%b" % (before, self._number * _APART % (1 << 64), after))
                async with asyncio.timeout(_ANSWER_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(_length(head))
                self._answered(int(head[9:12]), began)
        finally:
            writer.close()

    def _answered(self, status: int, began: float) -> None:
        now = time.perf_counter()
        self.load.accepted += status == 200
        # What is answered too late is no part of what was managed in the time.
        if self._begin <= now <= self._end:
            self.load.statuses[status] += 1
            self.load.waits.append(now - began)


def _halves(task: Task, node: Node) -> tuple[bytes, bytes]:
    """A request before and after the fingerprint, which alone tells one alert of a service from the next."""
    labels = {"alertname": "ErrorBudgetBurn", "slo": "availability", "severity": "page", "kind": "symptom"}
    text = body([alert(node, labels, fingerprint=_PLACE)])
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {LOOPBACK}:{task.port}\r\nAuthorization: Bearer {task.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    before, _, after = (head.encode() + text).partition(_PLACE.encode())
    return before, after


def _length(head: bytes) -> int:
    """How long the answer's body is."""
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    if not found:
        raise SystemExit(f"an answer says not how long it is: {head[:200]!r}")
    return int(rest.partition(b"\r\n")[0])


def main() -> None:
    """Do what stdin says."""
    posting = _Posting(Task(**json.load(sys.stdin)))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(posting.run())
    json.dump(asdict(posting.load.told()), sys.stdout)


if __name__ == "__main__":
    main()
