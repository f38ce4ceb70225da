"""One request of one person: who they are, what they sent, and the page that they get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from meshscope.feedback.desk import Desk
from meshscope.feedback.people import People, Person
from meshscope.model.modes import Mode
from meshscope.web.console.board import Board
from meshscope.web.console.gate import Gate
from meshscope.web.console.live import Live
from meshscope.web.console.rendering import Pages
from meshscope.web.console.sessions import Notice, Session, Sessions

PER_PAGE = 50
_LONGEST_VALUE = 200
_MOST_NAMED = 5


@dataclass(kw_only=True)
class Room:
    """What all pages share."""

    desk: Desk
    people: People
    board: Board
    live: Live
    sessions: Sessions
    gate: Gate
    pages: Pages
    now: Callable[[], float]
    insecure_loopback: bool

    @property
    def cookie(self) -> str:
        """The cookie's name: with TLS one that no other host can set."""
        return "meshscope" if self.insecure_loopback else "__Host-meshscope"


@dataclass(kw_only=True)
class Visit:
    """A request, with the session that it belongs to."""

    room: Room
    request: Request
    session: Session
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def person(self) -> Person:
        """Who asks."""
        return self.session.person

    def asked(self, name: str) -> str:
        """A value of the address, cut to a sane length."""
        return self.request.query_params.get(name, "").strip()[:_LONGEST_VALUE]

    def number(self, name: str) -> int:
        """A number of the address; 0 where there is none."""
        text = self.asked(name)
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page with everything that surrounds it."""
        room, desk = self.room, self.room.desk
        stops, unreadable = tuple(desk.stops()), desk.unreadable()
        held = {one.number for one in unreadable}
        surroundings = {
            "person": self.person, "form": self.session.form, "now": room.now(), "needs": room.board.needs,
            "catalog": desk.catalog, "stops": stops,
            "stopped": next((one for one in stops if one.scope == "all"), None),
            "restored": desk.restored, "here": self.request.url.path, "address": self._address(), "Mode": Mode,
            "notices": [] if is_live(self.request) else self.session.told(), "newest": room.board.newest,
            "unreadable": unreadable, "unread": sorted(set(room.board.unread.values()) - held)[:_MOST_NAMED],
            "people_error": room.people.error if self.person.may_start else None,
        }  # fmt: skip
        return HTMLResponse(room.pages.render(template, surroundings | context), status_code=status)

    def missing(self, what: str, why: str, back: str) -> Response:
        """The page that says that there is no such thing."""
        return self.page("missing.html", status=404, what=what, why=why, back=back)

    def _address(self) -> str:
        query = self.request.url.query
        return f"{self.request.url.path}?{query}" if query else self.request.url.path

    def back(self, path: str, notice: Notice) -> Response:
        """Go to ``path`` and tell something there."""
        self.session.tell(notice)
        self.room.board.expire()
        return RedirectResponse(path, status_code=303)


def is_live(request: Request) -> bool:
    """Whether a page brings itself up to date, and no person asked."""
    return request.headers.get("x-meshscope-live") == "1"


def our_path(text: str, otherwise: str = "/incidents") -> str:
    """``text`` where it is a path of ours, so that nobody is led elsewhere; ``otherwise`` else."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return otherwise
    fit = text.startswith("/") and not text.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return text if fit and text.isprintable() and "\\" not in text and len(text) < 1_000 else otherwise


def sign_in_path(request: Request) -> str:
    """Where somebody who isn't signed in goes, to come back to the page that they asked for."""
    query = request.url.query
    wanted = f"{request.url.path}?{query}" if query else request.url.path
    return f"/sign-in?next={quote(our_path(wanted), safe='/')}"
