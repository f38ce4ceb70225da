"""Signing in and out."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from meshscope.web.console.sessions import same
from meshscope.web.console.visit import Room, our_path

_FLOOR = 0.35
_MOST_AT_ONCE = 50
_HASHES_AT_ONCE = 2
_WRONG = "That name and password don't belong together."


class Door:
    """The sign-in page. What it answers, and how fast, is the same for every name."""

    def __init__(self, room: Room) -> None:
        """Nobody stands before it."""
        self._room = room
        self._trying = 0
        # Each hash takes memory: so many people can be let in at a time, the others wait.
        self._hashes = anyio.CapacityLimiter(_HASHES_AT_ONCE)

    @property
    def _cookie(self) -> str:
        return f"{self._room.cookie}-form"

    def page(self, request: Request, *, name: str = "", error: str = "", status: int = 200, wait: int = 0) -> Response:
        """The form. Its secret stands in a cookie too, so that no other page can send it."""
        secret = request.cookies.get(self._cookie, "")
        secret = secret if len(secret) == 43 else secrets.token_urlsafe(32)
        mesh = self._room.desk.catalog
        text = self._room.pages.render(
            "sign_in.html",
            {"form": secret, "name": name, "error": error, "mesh": mesh.mesh, "environment": mesh.environment,
             "next": our_path(request.query_params.get("next", "")), "plain": self._room.insecure_loopback},
        )  # fmt: skip
        response = HTMLResponse(text, status_code=status)
        if wait:
            response.headers["retry-after"] = str(wait)
        self._set(response, self._cookie, secret, 3600)
        return response

    def _set(self, response: Response, name: str, value: str, age: int) -> None:
        secure = not self._room.insecure_loopback
        response.set_cookie(name, value, max_age=age, path="/", httponly=True, samesite="strict", secure=secure)

    async def enter(self, request: Request, form: Mapping[str, str]) -> Response:
        """Sign somebody in, or say that it did not go, and never which part of it."""
        began = time.monotonic()
        name, password = form.get("name", "").strip()[:64], form.get("password", "")
        if not same(form.get("form", ""), request.cookies.get(self._cookie, "")):
            return self.page(request, name=name, error="The form was too old. Please try again.", status=403)
        address = request.client.host if request.client else "unknown"
        wait = self._room.gate.turned_away(address)
        if wait > 0 or self._trying >= _MOST_AT_ONCE:
            told = f"Too many tries from here. Try again in {max(1, int(wait + 59) // 60)} min."
            return self.page(request, name=name, error=told, status=429, wait=int(wait) + 1)
        self._trying += 1
        try:
            person = await anyio.to_thread.run_sync(self._room.people.sign_in, name, password, limiter=self._hashes)
            delay = self._room.gate.delay(address, name)
            await anyio.sleep(max(0.0, _FLOOR + delay - (time.monotonic() - began)))
        finally:
            self._trying -= 1
        if person is None:
            self._room.gate.failed(address, name)
            return self.page(request, name=name, error=_WRONG, status=401)
        self._room.gate.passed(address, name)
        old = request.cookies.get(self._room.cookie, "")
        self._room.sessions.close(old)
        response = RedirectResponse(our_path(form.get("next", "")), status_code=303)
        identifier = await run_in_threadpool(self._room.sessions.open, person)
        self._set(response, self._room.cookie, identifier, int(self._room.sessions.lasts))
        response.delete_cookie(self._cookie, path="/", httponly=True, samesite="strict",
                               secure=not self._room.insecure_loopback)  # fmt: skip
        return response

    def leave(self, request: Request) -> Response:
        """Sign somebody out."""
        self._room.sessions.close(request.cookies.get(self._room.cookie, ""))
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(
            self._room.cookie, path="/", httponly=True, samesite="strict", secure=not self._room.insecure_loopback
        )
        return response
