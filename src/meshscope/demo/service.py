"""One process of the demo: the pods of a service (or gateway, waypoint, outside), each behind its own proxy.

Requests are real and go over loopback; what the proxies would count is counted where they would stand: the caller's
at the caller, the callee's at the callee.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.trace import Span

from meshscope.demo.directions import Followed
from meshscope.demo.instrument import Sending, Voice
from meshscope.demo.script import NEEDED, Player, Script, chance_of
from meshscope.demo.sidecar import FAILED, OK, UNREACHED, Answer, Sidecar
from meshscope.demo.wire import Address, Caller, Request, serve
from meshscope.model.services import Identity

_PATH = "x-demo-path"
_FROM = "x-demo-from"
# One answered request in so many is worth a line in the log.
_LOGGED = 10
# How long an answer is waited for, as a proxy would; one that stands still never gives any.
_PATIENCE = 1.0


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What every process knows: the script, where each pod listens, and where telemetry goes."""

    script: Script
    pods: Mapping[str, Address]
    collector: str
    time_scale: float
    directions: Path


class Pod:
    """One instance behind its proxy."""

    def __init__(
        self, player: Player, name: str, stage: Stage, sending: Sending, sidecar: Sidecar, directions: Followed
    ) -> None:
        """Well, and ready to answer."""
        self.player = player
        self.name = name
        self.failed_first = 0.0
        self._directions = directions
        self.sidecar = sidecar
        self._stage = stage
        self._voice = Voice(player, name, sending)
        self._caller = Caller()
        self._dice = random.Random(name)  # noqa: S311 - dice, not a secret
        # Each caller goes round its callee's pods, beginning with any of them.
        self._turns = {
            callee: cycle(self._dice.sample(stage.script.cast[callee].pods, len(stage.script.cast[callee].pods)))
            for callee in (*stage.script.calls.get(player.identity, {}), *stage.script.waypoints)
        }

    async def scrape(self, request: Request) -> tuple[int, bytes]:
        """What the proxy says at its scrape port."""
        return (200, self.sidecar.text()) if request.path == "/stats/prometheus" else (404, b"")

    async def answer(self, request: Request) -> tuple[int, bytes]:
        """Answer a request that arrived at the proxy."""
        begun = time.perf_counter()
        if self.player.reports == "waypoint":
            answer = await self._forward(request)
        else:
            with self._voice.answering(request.path, request.headers) as (span, context):
                answer = await self._work(request, span, context)
        source = self._stage.script.cast.get(_identity(request.headers.get(_FROM, "")))
        if self.player.reports and self.player.reports != "waypoint":
            self.sidecar.count(self.player.reports, source, self.player, answer, _since(begun))
        return answer.code, b"ok" if answer.code < 500 else b"failed"

    async def visit(self) -> None:
        """One visitor from outside comes in here."""
        with self._voice.answering("/", {}) as (span, context):
            await self._work(Request("/", {}), span, context)

    async def _work(self, request: Request, span: Span, context: Context) -> Answer:
        await asyncio.sleep(self.player.work * self._dice.uniform(0.6, 1.6) / 1000)
        if self._dice.random() < self._directions.share(self.player.name, self.player.version, self.name):
            self.failed_first = self.failed_first or time.time()
            print(_line(f"ERROR {request.path} failed: the connection pool is exhausted"), flush=True)  # noqa: T201 - its log
            self._voice.failed(span, "the connection pool is exhausted")
            self._voice.log(context, f"{request.path} failed: the connection pool is exhausted", error=True)
            return FAILED
        path = (*map(_identity, filter(None, request.headers.get(_PATH, "").split(","))), self.player.identity)
        for callee, usual in self._stage.script.calls.get(self.player.identity, {}).items():
            chance = chance_of(callee, usual, path)
            if self._dice.random() >= chance:
                continue
            if (await self._call(callee, path, context)).code >= 500 and chance >= NEEDED:
                self._voice.failed(span, f"{callee.name} failed")
                return FAILED
        if self._dice.randrange(_LOGGED) == 0:
            self._voice.log(context, f"{request.path} answered")
        return OK

    async def _call(self, callee: Identity, path: tuple[Identity, ...], context: Context) -> Answer:
        called = self._stage.script.cast[callee]
        waypoint = self._stage.script.waypoints.get(callee)
        pod = self._stage.script.cast[waypoint].pods[0] if waypoint else next(self._turns[callee])
        begun = time.perf_counter()
        with self._voice.calling(called.host, context) as (span, headers):
            told = {**headers, _PATH: ",".join(map(_text, path)), _FROM: _text(self.player.identity)}
            answer = await self._ask(pod, f"/{callee.name}", {**told, "x-demo-to": _text(callee)})
            if answer.code >= 500:
                self._voice.failed(span, "")
        if self.player.counts_calls:
            self.sidecar.count("source", self.player, called, answer, _since(begun))
        return answer

    async def _forward(self, request: Request) -> Answer:
        """As a waypoint: pass a request on to its service, and count it."""
        callee = self._stage.script.cast[_identity(request.headers["x-demo-to"])]
        source = self._stage.script.cast.get(_identity(request.headers.get(_FROM, "")))
        begun = time.perf_counter()
        answer = await self._ask(next(self._turns[callee.identity]), request.path, request.headers)
        self.sidecar.count("waypoint", source, callee, answer, _since(begun))
        return answer

    async def _ask(self, pod: str, path: str, headers: Mapping[str, str]) -> Answer:
        try:
            async with asyncio.timeout(_PATIENCE):
                return Answer(await self._caller.ask(self._stage.pods[pod], path, headers))
        except (OSError, TimeoutError):
            return UNREACHED


class Process:
    """Pods of one player, and the port at which the demo asks it what it did."""

    def __init__(self, player: Player, names: Mapping[str, str], stage: Stage, sidecars: Mapping[str, Sidecar]) -> None:
        """Made in the process that is going to serve: the SDK starts threads. ``names`` has its pods by place."""
        self._player = player
        self._script = stage.script
        self._sending = Sending(stage.collector, stage.time_scale)
        self._open = asyncio.Event()
        directions = Followed(stage.directions)
        self._pods = {
            place: Pod(player, name, stage, self._sending, sidecars[name], directions) for place, name in names.items()
        }  # fmt: skip

    async def run(
        self, listening: Mapping[str, socket.socket], scraped: Mapping[str, socket.socket], told: socket.socket
    ) -> None:
        """Serve until this process is ended; visitors come in where the script says so."""
        for name, pod in self._pods.items():
            await serve(listening[name], pod.answer)
            if name in scraped:
                await serve(scraped[name], pod.scrape)
        await serve(told, self._obey)
        self._open.set()
        if self._player.identity == self._script.entry:
            await self._visitors()
        await asyncio.Event().wait()

    async def _visitors(self) -> None:
        dice = random.Random(0)  # noqa: S311 - dice, not a secret
        doors = cycle(self._pods.values())
        visits: set[asyncio.Task[None]] = set()
        due = time.monotonic()
        while True:
            if not self._open.is_set():
                await self._open.wait()
                due = time.monotonic()
            # From when the last was due, not from when it came: a busy machine must not lower the rate.
            due += dice.uniform(0.5, 1.5) / self._script.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._sending.told.visitors += 1
            visit = asyncio.ensure_future(next(doors).visit())
            visits.add(visit)
            visit.add_done_callback(visits.discard)

    async def _obey(self, request: Request) -> tuple[int, bytes]:
        """``/failed`` says when each pod failed first, ``/told`` what was handed to the SDK, once it is sent.

        After ``/closed`` no more visitors come in, until ``/opened``.
        """
        asked = urlsplit(request.path)
        if asked.path == "/closed":
            self._open.clear()
        elif asked.path == "/opened":
            self._open.set()
        elif asked.path == "/failed":
            return 200, json.dumps({pod.name: pod.failed_first for pod in self._pods.values()}).encode()
        elif asked.path == "/told":
            await asyncio.to_thread(self._sending.flush)
            return 200, json.dumps(asdict(self._sending.told)).encode()
        return 200, b""


def _line(text: str) -> str:
    return f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {text}"


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000


def _text(identity: Identity) -> str:
    return "/".join(identity)


def _identity(text: str) -> Identity:
    parts = text.split("/")
    return Identity(*parts) if len(parts) == 3 else Identity("", "", "")
