"""The agent itself: whether it lives, what it has used up, and how to stop it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import msgspec
from starlette.responses import Response

from meshscope.feedback.ports import Record
from meshscope.feedback.state import PERSON
from meshscope.web.console.visible import outside
from meshscope.web.console.visit import Visit

_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What a person did last."""

    at: float
    number: int
    by: str
    what: str
    about: str


def agent(visit: Visit) -> Response:
    """The page of the agent."""
    desk = visit.room.desk
    people = desk.ledger.heads(PERSON, limit=_SHOWN)
    scope = visit.asked("scope")
    return visit.page(
        "agent.html", parts=sorted(desk.parts(), key=lambda one: one.name), monotonic=time.monotonic(),
        limits=desk.limits(), scopes=sorted(f"{key.namespace}/{key.name}" for key in desk.catalog.services)
        if len(desk.catalog.services) <= 500 else [],
        scope=scope, deeds=[_deed(one) for one in people],
        admins=visit.room.people.who(lambda person: person.may_start),
    )  # fmt: skip


def _deed(record: Record) -> Deed:
    try:
        found = msgspec.json.decode(record.entry.body, type=dict[str, object])
    except msgspec.DecodeError:
        found = {}
    by, what, about = (outside(str(found.get(name) or ""), 200) for name in ("by", "what", "about"))
    return Deed(at=record.at, number=record.number, by=by, what=what, about=about)
