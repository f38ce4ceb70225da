"""Who is signed in: a random id in a cookie, everything else here, in memory; and what a form must carry."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from meshscope.feedback.people import People, Person

_MOST = 10_000
_MOST_OF_ONE = 20
_MOST_NOTICES = 5
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a person is told on the next page: ``kind`` done, refused or news."""

    kind: str
    text: str
    why: str = ""


@dataclass(kw_only=True)
class Session:
    """One person at one browser. ``form`` stands in each form and is known to nobody else."""

    person: Person
    began: float
    seen: float
    form: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    notices: list[Notice] = field(default_factory=list)

    def tell(self, notice: Notice) -> None:
        """Have something told on the next page."""
        self.notices = [*self.notices, notice][-_MOST_NOTICES:]

    def told(self) -> list[Notice]:
        """What is to be told, once."""
        notices, self.notices = self.notices, []
        return notices


class Sessions:
    """Everybody who is signed in. A restart signs everybody out."""

    def __init__(
        self, people: People, *, lasts: float = 12 * 3600.0, idle: float = 3600.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """A session ends after ``lasts`` seconds, or ``idle`` seconds after its person's last step."""
        self.people = people
        self.lasts = lasts
        self.idle = idle
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}

    def open(self, person: Person) -> str:
        """Begin a session; its id, which stands only in the cookie."""
        now = self._monotonic()
        identifier = secrets.token_urlsafe(32)
        with self._lock:
            self._open = {key: one for key, one in self._open.items() if self._lives(one, now)}
            mine = sorted((one.seen, key) for key, one in self._open.items() if one.person.name == person.name)
            for _, key in mine[: max(0, len(mine) - _MOST_OF_ONE + 1)]:
                del self._open[key]
            while len(self._open) >= _MOST:
                del self._open[min(self._open, key=lambda key: self._open[key].seen)]
            self._open[_digest(identifier)] = Session(person=person, began=now, seen=now)
        return identifier

    def find(self, identifier: str, *, touch: bool = True) -> Session | None:
        """The session of a cookie; None where there is none any more. ``touch`` when its person did something."""
        now = self._monotonic()
        with self._lock:
            session = self._open.get(_digest(identifier)) if identifier else None
        if session is None:
            return None
        person = self.people.person(session.person.name)
        # Who is gone, or has another password or role, signs in anew.
        if person is None or person.stamp != session.person.stamp or not self._lives(session, now):
            self.close(identifier)
            return None
        if touch:
            session.seen = now
        return session

    def close(self, identifier: str) -> None:
        """End a session."""
        with self._lock:
            self._open.pop(_digest(identifier), None)

    def _lives(self, session: Session, now: float) -> bool:
        return now - session.began < self.lasts and now - session.seen < self.idle


def _digest(identifier: str) -> str:
    # Who reads this memory, or times a look-up, learns no id.
    return hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two secrets are the same, in constant time; never for an empty one."""
    return bool(one) and hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def from_our_page(connection: HTTPConnection, *, insecure_loopback: bool) -> bool:
    """Whether a form was sent from a page of ours: browsers say so in a header that no page can forge."""
    origin, host = connection.headers.get("origin", ""), connection.headers.get("host", "")
    if connection.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    try:
        parts = urlsplit(origin)
        name = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.netloc.lower() != host.lower():
        return False
    return parts.scheme == "https" or (insecure_loopback and parts.scheme == "http" and name in _LOOPBACK)


def known_host(connection: HTTPConnection, *, insecure_loopback: bool) -> bool:
    """Whether the name it was asked under is fit: without TLS only this machine's own, so that no other name is it."""
    if not insecure_loopback:
        return True
    try:
        return urlsplit(f"//{connection.headers.get('host', '')}").hostname in _LOOPBACK
    except ValueError:
        return False
