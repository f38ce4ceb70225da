"""The console as an application: its addresses, who may ask for them, and the headers of every answer."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meshscope.feedback.desk import Desk
from meshscope.feedback.people import People
from meshscope.feedback.ports import LedgerError
from meshscope.findings import MeshscopeError
from meshscope.web.console import (
    deeds,
    page_actions,
    page_agent,
    page_incident,
    page_incidents,
    page_ledger,
    page_services,
)
from meshscope.web.console.board import Board
from meshscope.web.console.gate import Gate
from meshscope.web.console.live import Live
from meshscope.web.console.rendering import Pages, badge
from meshscope.web.console.sessions import Notice, Session, Sessions, from_our_page, known_host, same
from meshscope.web.console.signing import Door
from meshscope.web.console.visit import Room, Visit, is_live, sign_in_path
from meshscope.web.strangers import known

_LOG = logging.getLogger("meshscope.web")
_LONGEST_FORM = 16 * 1024
_DIGITS = 12
_NOT_OURS = "This form did not come from a page of this console."
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With `no-referrer` browsers would no longer say which page a form came from.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
Look = Callable[[Visit], Response]


def console(
    desk: Desk, people: People, *, insecure_loopback: bool = False, now: Callable[[], float] = time.time
) -> ASGIApp:
    """The console of ``desk``; with ``insecure_loopback`` without TLS, for this machine's own addresses alone."""
    board = Board(ledger=desk.ledger, catalog=lambda: desk.catalog, now=now)
    room = Room(
        desk=desk, people=people, board=board, live=Live(board), sessions=Sessions(people), gate=Gate(),
        pages=Pages(), now=now, insecure_loopback=insecure_loopback,
    )  # fmt: skip
    served = Served(room)
    looks: Mapping[str, Look] = {
        "/incidents": page_incidents.incidents,
        "/incidents/{incident}": page_incident.incident,
        "/services": page_services.services,
        "/services/{cluster}/{namespace}/{name}": page_services.service,
        "/actions": page_actions.actions,
        "/ledger": page_ledger.ledger,
        "/ledger/{number:int}": page_ledger.record,
        "/agent": page_agent.agent,
    }
    tells: Mapping[str, Look] = {
        "/incidents/{incident}/answer": deeds.answer,
        "/incidents/{incident}/close": deeds.close,
        "/agent/stop": deeds.stop,
        "/agent/start": deeds.start,
        "/agent/clear-restored": deeds.clear_restored,
        "/agent/clear-unreadable": deeds.clear_unreadable,
    }
    routes = [Route(path, served.look(look), methods=["GET"]) for path, look in looks.items()]
    routes += [Route(path, served.tell(tell), methods=["POST"]) for path, tell in tells.items()]
    routes += [
        Route("/", lambda _: RedirectResponse("/incidents"), methods=["GET"]),
        Route("/sign-in", served.sign_in, methods=["GET", "POST"]),
        Route("/sign-out", served.sign_out, methods=["POST"]),
        Route("/live", served.live, methods=["GET"]),
        Route("/badge/{needs:int}.svg", served.badge, methods=["GET"]),
        Route("/static/{edition}/{name}", served.file, methods=["GET"]),
        Route("/{path:path}", served.look(_nothing), methods=["GET"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Headers, insecure_loopback=insecure_loopback)])


class Headers:
    """Says with every answer what a browser must not do, and answers to no name that is not fit."""

    def __init__(self, app: ASGIApp, *, insecure_loopback: bool) -> None:
        """Stand before ``app``."""
        self._app = app
        self._insecure_loopback = insecure_loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        if not known_host(Request(scope), insecure_loopback=self._insecure_loopback):
            told = "Without TLS this answers to this machine's own names alone: 127.0.0.1 and localhost.\n"
            await PlainTextResponse(told, status_code=421)(scope, receive, sent)
            return
        try:
            await self._app(scope, receive, sent)
        except ClientDisconnect:
            # Whoever asked is gone before all of it was here: nobody is to be told.
            return


class Served:
    """Answers requests: finds who asks, and has a page made or a deed done in a thread."""

    def __init__(self, room: Room) -> None:
        """Serve ``room``."""
        self._room = room
        self._door = Door(room)

    def _session(self, request: Request) -> Session | None:
        touch = not is_live(request) and request.url.path != "/live"
        found = self._room.sessions.find(request.cookies.get(self._room.cookie, ""), touch=touch)
        if found is not None:
            known(request.scope)
        return found

    def look(self, page: Look) -> Callable[[Request], Awaitable[Response]]:
        """A page that signed in people see."""

        async def endpoint(request: Request) -> Response:
            session = self._session(request)
            if session is None:
                return RedirectResponse(sign_in_path(request), status_code=303)
            visit = Visit(room=self._room, request=request, session=session)
            return await run_in_threadpool(_seen, visit, page)

        return endpoint

    def tell(self, deed: Look) -> Callable[[Request], Awaitable[Response]]:
        """A deed: the form is from a page of ours, of this session."""

        async def endpoint(request: Request) -> Response:
            # Whatever can be known of it is asked before its body is read: a stranger's may never end.
            if not self._fits(request):
                return _refused(_NOT_OURS)
            session = self._session(request)
            if session is None:
                return RedirectResponse("/sign-in", status_code=303)
            form = await read_form(request)
            if form is None:
                return _refused(_NOT_OURS)
            if not same(form.get("form", ""), session.form):
                return _refused("This form is of another session. Go back, load the page again, and send it anew.")
            visit = Visit(room=self._room, request=request, session=session, form=form)
            return await run_in_threadpool(_told, visit, deed)

        return endpoint

    async def sign_in(self, request: Request) -> Response:
        """The sign-in page, and what it sends."""
        if request.method == "POST":
            form = await read_form(request) if self._fits(request) else None
            if form is None:
                return _refused(_NOT_OURS)
            return await self._door.enter(request, form)
        if self._session(request) is not None:
            return RedirectResponse("/incidents", status_code=303)
        return self._door.page(request)

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        session = self._session(request)
        if session is not None:
            form = await read_form(request) if self._fits(request) else None
            if form is None or not same(form.get("form", ""), session.form):
                return _refused(_NOT_OURS)
        return self._door.leave(request)

    def _fits(self, request: Request) -> bool:
        """Whether a form can be one of ours, by its headers alone: its origin, its kind and its length."""
        length = request.headers.get("content-length", "0")
        return (
            from_our_page(request, insecure_loopback=self._room.insecure_loopback)
            and re.match(r"application/x-www-form-urlencoded\b", request.headers.get("content-type", "")) is not None
            and length.isascii()
            and length.isdecimal()
            and int(length[:_DIGITS]) <= _LONGEST_FORM
        )

    async def live(self, request: Request) -> Response:
        """What changes, as it changes."""
        identifier = request.cookies.get(self._room.cookie, "")
        if self._session(request) is None:
            # 204 tells an EventSource to stay away.
            return Response(status_code=204)
        if self._room.live.full:
            return PlainTextResponse("Too many pages listen.\n", status_code=503, headers={"retry-after": "30"})

        async def stays() -> bool:
            return self._room.sessions.find(identifier, touch=False) is not None

        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._room.live.stream(stays), media_type="text/event-stream", headers=headers)

    async def badge(self, request: Request) -> Response:
        """The page's icon."""
        text = badge(min(request.path_params["needs"], 999))
        return Response(text, media_type="image/svg+xml", headers={"cache-control": "public, max-age=86400"})

    async def file(self, request: Request) -> Response:
        """Style and program; their address changes when they do."""
        found = self._room.pages.files.get(request.path_params["name"])
        if found is None or request.path_params["edition"] != self._room.pages.edition:
            return PlainTextResponse("There is no such file.\n", status_code=404)
        data, kind = found
        return Response(data, headers={"content-type": kind, "cache-control": "public, max-age=31536000, immutable"})


def _seen(visit: Visit, page: Look) -> Response:
    try:
        visit.room.board.look()
        return page(visit)
    except LedgerError as error:
        return visit.page("trouble.html", status=503, finding=error.finding)
    except Exception:
        _LOG.exception("the page %s can't be made", visit.request.url.path)
        return visit.page("broken.html", status=500)


def _told(visit: Visit, deed: Look) -> Response:
    try:
        return deed(visit)
    except MeshscopeError as error:
        finding = error.finding
        if finding.code == deeds.NOT_ALLOWED:
            return visit.page("refused.html", status=403, finding=finding, back=deeds.whence(visit))
        why = f"{finding.why[:1].upper()}{finding.why[1:]}." if finding.why else ""
        notice = Notice(kind="refused", text=f"{finding.title[:1].upper()}{finding.title[1:]}.", why=why)
        return visit.back(deeds.whence(visit), notice)


def _nothing(visit: Visit) -> Response:
    return visit.missing("There is no such page.", "The address is none of this console.", "/incidents")


def _refused(why: str) -> Response:
    return PlainTextResponse(f"Refused. {why} Nothing was done.\n", status_code=403)


async def read_form(request: Request) -> Mapping[str, str] | None:
    """What a form sent; None for what is no form, or too long."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_FORM:
            return None
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict"))
    except ValueError:
        return None
