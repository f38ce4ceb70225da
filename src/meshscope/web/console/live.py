"""Live pages: one look at the ledger a second, in one place, told to everybody who listens."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from meshscope.findings import MeshscopeError
from meshscope.web.console.board import Board

_LOG = logging.getLogger("meshscope.web")
_MOST_LISTENERS = 1_000
_MOST_SUBJECTS = 100
_BEAT = 15.0
_LONGEST = 600.0


@dataclass(eq=False)
class _Listener:
    """Somebody's page: what it is still to be told."""

    woken: asyncio.Event = field(default_factory=asyncio.Event)
    subjects: set[str] = field(default_factory=set)
    trouble: str = ""


class Live:
    """Tells pages what changed. It looks only while somebody listens."""

    def __init__(self, board: Board, *, every: float = 1.0) -> None:
        """Nobody listens."""
        self._board = board
        self._every = every
        self._listeners: set[_Listener] = set()
        self._watch: asyncio.Task[None] | None = None
        self._needs = -1
        self._told = -1
        self._trouble = ""

    @property
    def full(self) -> bool:
        """Whether no more listeners are taken."""
        return len(self._listeners) >= _MOST_LISTENERS

    async def stream(self, stays: Callable[[], Awaitable[bool]]) -> AsyncIterator[str]:
        """Events for one page, until ``stays`` says that its person has left, or for ten minutes: it comes again."""
        listener = _Listener()
        self._listeners.add(listener)
        if self._watch is None or self._watch.done():
            self._told = self._board.newest or -1
            self._watch = asyncio.create_task(self._look())
        loop = asyncio.get_running_loop()
        ends = loop.time() + _LONGEST
        try:
            yield f"retry: 2000\n{self._event('hello', (), '')}"
            while loop.time() < ends and await stays():
                with suppress(TimeoutError):
                    await asyncio.wait_for(listener.woken.wait(), _BEAT)
                if listener.woken.is_set():
                    listener.woken.clear()
                    subjects, listener.subjects = listener.subjects, set()
                    yield self._event("trouble" if listener.trouble else "change", subjects, listener.trouble)
                else:
                    yield ": beat\n\n"
            if not await stays():
                yield "event: bye\ndata: {}\n\n"
        finally:
            self._listeners.discard(listener)

    def _event(self, name: str, subjects: set[str] | tuple[str, ...], trouble: str) -> str:
        told = sorted(subjects) if len(subjects) <= _MOST_SUBJECTS else ["*"]
        number, needs = self._board.newest, self._board.needs
        data = json.dumps({"number": number, "needs": needs, "subjects": told, "trouble": trouble})
        return f"id: {number}\nevent: {name}\ndata: {data}\n\n"

    async def _look(self) -> None:
        while self._listeners:
            trouble = ""
            try:
                await run_in_threadpool(self._board.look)
            except MeshscopeError as error:
                trouble = error.finding.title
            except Exception:
                # Pages must not go on saying that they are live.
                _LOG.exception("what changed can't be told")
                trouble = "this page can't be brought up to date"
            self._tell(trouble)
            await asyncio.sleep(self._every)

    def _tell(self, trouble: str) -> None:
        subjects = self._board.since(self._told) if self._told >= 0 else frozenset()
        # An approval ends by itself: then nothing was written, and yet the page is another.
        needs = self._board.needs
        same = not subjects and needs == self._needs and trouble == self._trouble
        self._told, self._needs, self._trouble = self._board.newest, needs, trouble
        if same:
            return
        for listener in self._listeners:
            listener.subjects |= subjects
            listener.trouble = trouble
            listener.woken.set()
