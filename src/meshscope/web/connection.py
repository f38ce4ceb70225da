"""A connection that ends: uvicorn's, with a time for headers, for a body, for silence, and a size for headers.

uvicorn alone waits for ever for the rest of a header, a body or a reader. Whatever is due is looked at a few times a
second for all connections at once, so that a request pays for no timer.
"""

from __future__ import annotations

import asyncio
import math
from enum import Enum
from http import HTTPStatus
from typing import Any, cast

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from meshscope.web.bounds import Bounds
from meshscope.web.strangers import KNOWN, TELL

_MOST_HEADERS = 100
_CLOSING_SECONDS = 2.0
_REFUSED = "refused by the server"


class _Phase(Enum):
    """What is read now."""

    IDLE = "nothing"
    HEADERS = "headers"
    BODY = "a body"
    CLOSING = "nothing any more"


class _Unacceptable(Exception):
    """A request that is not read on; raised inside the parser, which stops at it."""


class _Together:
    """A transport that writes once in a turn of the loop: an answer's head and its body go out as one.

    What is written when the other side is gone is dropped.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def _flush(self) -> None:
        held, self._held = self._held, []
        if held and not self._transport.is_closing():
            self._transport.write(b"".join(held))


class Connection(HttpToolsProtocol):
    """One connection. `overdue` is called from outside when `deadline` (of the loop's clock) has passed."""

    def __init__(
        self,
        config: Config,
        state: ServerState,
        app_state: dict[str, Any],
        bounds: Bounds,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(config, state, app_state, loop)
        self.bounds = bounds
        self.deadline = math.inf
        self.since = 0.0
        self.stranger = True
        """Whether nobody has shown yet on it who they are."""
        self._phase = _Phase.IDLE
        self._after_writing = math.inf
        self._size = self._number = self._partial = 0
        self._refusal = 400
        self._answering: RequestResponseCycle = None  # type: ignore[assignment]

    @property
    def busy(self) -> bool:
        """Whether a request was read as far as its headers, and waits for its answer."""
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, if there is room, or can be."""
        super().connection_made(cast(asyncio.Transport, _Together(transport, self.loop)))
        self.since = self.loop.time()
        # The first request has no longer than any other one, however late its first byte comes.
        self.deadline = self.since + self.bounds.header_seconds
        if len(self.connections) > self.bounds.connections:
            self._make_room()

    def _make_room(self) -> None:
        """End a stranger's connection whose request is not whole, the oldest; else the one that is silent the longest.

        Where all are being answered, or are read for callers that are known, it is this one.
        """
        others = [one for one in self.connections if one is not self and isinstance(one, Connection)]
        open_ = [one for one in others if one._phase is not _Phase.CLOSING]
        partial = [one for one in open_ if one.stranger and not (one.busy and one._phase is _Phase.IDLE)]
        if gone := partial or [one for one in open_ if not one.busy]:
            min(gone, key=lambda one: one.since).abort()
        else:
            self._refuse(503)

    def _known(self) -> None:
        self.stranger = False

    def abort(self) -> None:
        """End it at once."""
        self._phase, self.deadline = _Phase.CLOSING, math.inf
        self.connections.discard(self)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on, unless the headers are too large."""
        if self._phase is _Phase.CLOSING:
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Nothing else is spoken here. The request is answered as any other one, and what follows is not read.
            self._end_after_answer()
        except httptools.HttpParserError:
            self._refuse(self._refusal)
        else:
            if self._phase is _Phase.HEADERS:
                # What is not complete yet is in none of the parser's calls.
                self._partial += len(data)
                if self._partial > self.bounds.header_bytes:
                    self._refuse(431)

    def on_message_begin(self) -> None:
        """A request's first byte."""
        super().on_message_begin()
        self.scope["extensions"] = {KNOWN: {TELL: self._known}}
        self._phase = _Phase.HEADERS
        self._size = self._number = self._partial = 0
        self.deadline = self.loop.time() + self.bounds.header_seconds

    def on_url(self, url: bytes) -> None:
        """A piece of the address."""
        self._size += len(url)
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header that is complete."""
        self._size += len(name) + len(value) + 4
        self._number += 1
        if self._size > self.bounds.header_bytes or self._number > _MOST_HEADERS:
            self._refusal = 431
            raise _Unacceptable
        if self._phase is _Phase.BODY:
            # A trailer. It comes after all that was decided by headers, and is none of them.
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """All headers are there: the request begins."""
        if len(self.pipeline) >= self.bounds.pipelined:
            raise _Unacceptable
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if version not in ("1.0", "1.1") or hosts > 1 or (version == "1.1" and not hosts):
            raise _Unacceptable
        self._phase = _Phase.BODY
        self.deadline = self.loop.time() + self.bounds.body_seconds
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        """All of a request is there."""
        super().on_message_complete()
        self._phase = _Phase.IDLE
        self._rest()

    def on_response_complete(self) -> None:
        """An answer was written: the next request's turn."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._phase, self.deadline = _Phase.CLOSING, self.loop.time() + _CLOSING_SECONDS
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._phase is _Phase.BODY:
            # Answered before its body was there. The rest is passed over, for a while: a connection that is closed
            # with something unread is reset, and its sender never sees why.
            self.deadline = min(self.deadline, self.loop.time() + self.bounds.linger_seconds)
        else:
            self._rest()

    def _rest(self) -> None:
        """Wait for an answer for as long as it takes, or for the next request for as long as is allowed."""
        if self._phase is _Phase.IDLE:
            self.since = self.loop.time()
            self.deadline = math.inf if self.busy or self.pipeline else self.since + self.bounds.idle_seconds

    def pause_writing(self) -> None:
        """Its reader does not read."""
        super().pause_writing()
        self._after_writing, self.deadline = self.deadline, self.loop.time() + self.bounds.write_seconds

    def resume_writing(self) -> None:
        """Its reader reads again."""
        super().resume_writing()
        self.deadline = self._after_writing

    def overdue(self) -> None:
        """The time is over: say so where that helps, and end it."""
        if self._phase is _Phase.CLOSING or self.flow.write_paused:
            self.abort()
        elif self._phase is _Phase.IDLE or not self._unanswered():
            self._close()
        else:
            self._refuse(408)

    def leave(self) -> None:
        """End it when its answer is written; at once where none is due."""
        self.shutdown()
        if self.transport.is_closing():
            self._phase, self.deadline = _Phase.CLOSING, self.loop.time() + _CLOSING_SECONDS

    def hang_up(self) -> None:
        """End it although its answer goes on."""
        self._close()
        self._disconnect()

    def _unanswered(self) -> bool:
        """Whether the request that is being read has no answer, so that one can be written."""
        return self._phase is _Phase.HEADERS or self.cycle is None or not self.cycle.response_started

    def _refuse(self, status: int) -> None:
        """Answer without asking the application, and end it; what was asked before is answered before."""
        unread = self._phase is _Phase.BODY
        if unread and self.pipeline and self.pipeline[0][0] is self.cycle:
            # It waits for its turn, which never comes.
            self.pipeline.popleft()
            self.cycle, unread = (self.pipeline[0][0] if self.pipeline else self._answering), False
        if self.busy and not unread:
            self._end_after_answer()
            return
        if not self.busy or not self.cycle.response_started:
            self.transport.write(_answer(status))
        self._close()
        self._disconnect()

    def _end_after_answer(self) -> None:
        if not self.busy:
            self._close()
            return
        self._phase, self.deadline = _Phase.CLOSING, math.inf
        self.cycle.keep_alive = False

    def _disconnect(self) -> None:
        if self.busy:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _close(self) -> None:
        self._phase, self.deadline = _Phase.CLOSING, self.loop.time() + _CLOSING_SECONDS
        self.transport.close()


def _answer(status: int) -> bytes:
    body = f'{{"refused":"{HTTPStatus(status).phrase.lower()}"}}'
    retry = "retry-after: 1\r\n" if status == 503 else ""
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n{retry}connection: close\r\n\r\n{body}"
    ).encode()
