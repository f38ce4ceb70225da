"""The agent's HTTP server: one application, one socket, and an end that loses nothing that was taken."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType

import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from meshscope.feedback.credentials import Credentials
from meshscope.feedback.desk import Desk
from meshscope.feedback.telemetry import Telemetry
from meshscope.findings import MeshscopeError
from meshscope.web.answers import answer_json
from meshscope.web.bounds import BOUNDS, Bounds
from meshscope.web.connection import Connection
from meshscope.web.listening import BACKLOG, Tls, is_here, listen, no_tls
from meshscope.web.probes import HEALTH, METRICS, READY, Probes
from meshscope.web.receive import PREFIX, Receiving

_LOG = logging.getLogger("meshscope.web")
_LOOK_SECONDS = 0.1
_STREAMS_SECONDS = 1.0
_HANDSHAKE_SECONDS = 10.0
_START_SECONDS = 30.0


class Application:
    """Everything that the agent answers: senders and probes here, the rest by ``console``."""

    def __init__(self, receiving: Receiving, probes: Probes, console: ASGIApp | None) -> None:
        self._receiving = receiving
        self._probes = probes
        self._console = console

    def drain(self) -> None:
        """From now on nothing new is taken."""
        self._receiving.draining = self._probes.draining = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(PREFIX):
            await self._receiving(scope, receive, send)
        elif scope["type"] == "http" and path in (HEALTH, READY, METRICS):
            await self._probe(scope, receive, send)
        elif self._console is not None:
            await self._console(scope, receive, send)
        elif scope["type"] == "http":
            await answer_json(
                send, 404, {"refused": f"there is nothing here but {PREFIX}, {HEALTH}, {READY}, {METRICS}"}
            )

    async def _probe(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._probes(scope, receive, send)
        except Exception:
            _LOG.exception("a probe can't be answered")
            await answer_json(send, 503, {"status": "the agent can't say how it is"})


def application(
    desk: Desk,
    credentials: Credentials,
    console: ASGIApp | None = None,
    *,
    telemetry: Telemetry | None = None,
    bounds: Bounds = BOUNDS,
    now: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> Application:
    """The agent's application. ``now`` is seconds since 1970, ``monotonic`` the clock of the desk's parts."""
    told = telemetry or Telemetry()
    return Application(
        Receiving(desk, credentials, told, bounds, now), Probes(desk, credentials, told, monotonic), console
    )


def serve(
    app: Application,
    listening: socket.socket,
    *,
    stop: threading.Event,
    tls: Tls | None = None,
    bounds: Bounds = BOUNDS,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve ``app`` until ``stop`` is set; then finish what is in flight. In any thread; closes ``listening``.

    The signals are the caller's: a handler of SIGTERM sets ``stop``. Raises `MeshscopeError` for a TLS file that can't
    be used, or a socket that others can reach without TLS.
    """
    with listening:
        host = str(listening.getsockname()[0])
        if tls is None and not is_here(host):
            raise MeshscopeError(no_tls(host))
        context = tls.context() if tls is not None else None
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_Serving(app, listening, context, bounds).run(stop, on_ready))


class _Serving:
    """The connections of one socket, from the first to the last."""

    def __init__(
        self, app: Application, listening: socket.socket, context: ssl.SSLContext | None, bounds: Bounds
    ) -> None:
        self._app = app
        self._listening = listening
        self._context = context
        self._bounds = bounds
        self._state = ServerState()

    async def run(self, stop: threading.Event, on_ready: Callable[[], None]) -> None:
        """Listen until ``stop``, then end."""
        loop = asyncio.get_running_loop()
        config = Config(
            self._app, http=Connection, ws="none", lifespan="off", interface="asgi3", log_config=None,
            access_log=False, proxy_headers=False, server_header=False, date_header=False,
        )  # fmt: skip
        config.load()
        secured = {"ssl": self._context, "ssl_handshake_timeout": _HANDSHAKE_SECONDS} if self._context else {}
        server = await loop.create_server(
            lambda: Connection(config, self._state, {}, self._bounds, loop),
            sock=self._listening, backlog=BACKLOG, **secured,
        )  # type: ignore[call-overload]  # fmt: skip
        on_ready()
        while not stop.is_set():
            await asyncio.sleep(_LOOK_SECONDS)
            self._look(loop.time())
        self._app.drain()
        await self._drain(loop)
        server.close()
        await self._end()

    def _look(self, now: float) -> None:
        for one in self._connections():
            if one.deadline < now:
                one.overdue()

    def _connections(self) -> list[Connection]:
        return [one for one in self._state.connections if isinstance(one, Connection)]

    async def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let requests in flight be answered. Meanwhile new ones are told to come back."""
        began = loop.time()
        while self._state.tasks and loop.time() - began < self._bounds.grace_seconds:
            for one in self._connections():
                one.leave()
                # A page that is told what happens, as it happens, would never be over.
                if (
                    loop.time() - began > _STREAMS_SECONDS
                    and one.busy
                    and not one.cycle.scope["path"].startswith(PREFIX)
                ):
                    one.hang_up()
            self._look(loop.time())
            await asyncio.sleep(_LOOK_SECONDS / 4)

    async def _end(self) -> None:
        for task in list(self._state.tasks):
            task.cancel()
        for one in self._connections():
            one.leave()
        until = time.monotonic() + 1.0
        while self._state.connections and time.monotonic() < until:
            await asyncio.sleep(_LOOK_SECONDS / 10)
        for one in self._connections():
            one.abort()


class Running:
    """A server in a thread of its own; leaving the context ends it."""

    def __init__(
        self,
        app: Application,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: Tls | None = None,
        bounds: Bounds = BOUNDS,
    ) -> None:
        """Bind; raises `MeshscopeError` where that can't be."""
        self._listening = listen(host, port, tls)
        self.host, self.port = host, int(self._listening.getsockname()[1])
        self.url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._stop = threading.Event()
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve, args=(app, tls, bounds), name="meshscope-web", daemon=True)

    def __enter__(self) -> Running:
        self._thread.start()
        self._ready.result(timeout=_START_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Take nothing new, finish what is in flight, and be gone."""
        self._stop.set()
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    def _serve(self, app: Application, tls: Tls | None, bounds: Bounds) -> None:
        try:
            serve(
                app, self._listening, stop=self._stop, tls=tls, bounds=bounds,
                on_ready=lambda: self._ready.set_result(None),
            )  # fmt: skip
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)
