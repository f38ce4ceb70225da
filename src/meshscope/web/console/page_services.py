"""The services of the mesh, and one of them with those whom it calls and who call it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from meshscope.feedback.catalog import KnownService
from meshscope.feedback.desk import Limits
from meshscope.feedback.state import INCIDENT, Key
from meshscope.model.modes import Mode
from meshscope.web.console.board import Group, SeenAct, read_seen, words
from meshscope.web.console.page_incidents import WORDS, Filters, found_in_ledger
from meshscope.web.console.visit import PER_PAGE, Visit

_LOOKED_BACK = 3
_MOST_NEIGHBOURS = 60


@dataclass(frozen=True, kw_only=True)
class ServiceLine:
    """A service as the list shows it."""

    service: KnownService
    mode: Mode
    open: int
    group: Group | None
    act: SeenAct | None


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A service that calls this one or that it calls, and how it stands."""

    key: Key
    known: bool
    group: Group | None


def services(visit: Visit) -> Response:
    """The list: what has an open incident first, then what matters most."""
    catalog, board = visit.room.desk.catalog, visit.room.board
    text, owner = visit.asked("q"), visit.asked("owner")
    open_ones = board.counts()
    wanted = words(text)
    chosen = [
        one
        for one in catalog.services.values()
        if (not owner or catalog.owner_of(one) == owner) and (not text or wanted(f"{one.key} {one.owner}".lower()))
    ]
    chosen.sort(key=lambda one: (-open_ones.get(one.key, 0), one.tier, one.key))
    start = visit.number("from")
    standing = _standing(visit)
    lines = [_line(visit, one, open_ones, standing) for one in chosen[start : start + PER_PAGE]]
    asked = {name: value for name, value in (("q", text), ("owner", owner)) if value}
    more = f"/services?{urlencode({**asked, 'from': start + PER_PAGE})}" if start + PER_PAGE < len(chosen) else ""
    return visit.page(
        "services.html", lines=lines, total=len(chosen), every=len(catalog.services), start=start, text=text,
        owner=owner, owners=sorted(catalog.owners), more=more, first=f"/services?{urlencode(asked)}", words=WORDS,
    )  # fmt: skip


def _standing(visit: Visit) -> Mapping[Key, Group]:
    """How each service with something open stands: the worst of its incidents."""
    found: dict[Key, Group] = {}
    for which, rows in visit.room.board.grouped().items():
        for row in rows:
            found.setdefault(row.seen.service, which)
    return found


def _line(visit: Visit, one: KnownService, open_ones: Mapping[Key, int], standing: Mapping[Key, Group]) -> ServiceLine:
    which = standing.get(one.key)
    return ServiceLine(
        service=one, mode=visit.room.desk.mode_of(str(one.key)), open=open_ones.get(one.key, 0),
        group=which if which is not Group.OVER else None, act=_last_act(visit, one.key),
    )  # fmt: skip


def _last_act(visit: Visit, key: Key) -> SeenAct | None:
    """The last act on a service, as far as its latest incidents tell."""
    records = visit.room.desk.ledger.heads(INCIDENT, about=str(key), limit=_LOOKED_BACK)
    seen = [read_seen(record) for record in records]
    acts = [act for one in seen if one is not None for act in one.acts]
    return max(acts, key=lambda act: act.at, default=None)


def service(visit: Visit) -> Response:
    """The page of one service."""
    parts = [visit.request.path_params[name] for name in ("cluster", "namespace", "name")]
    key = Key(*("" if part == "-" else part for part in parts))
    catalog, desk = visit.room.desk.catalog, visit.room.desk
    known = catalog.services.get(key)
    if known is None:
        return visit.missing(
            "There is no such service.", "The model that the agent was given has none of that name.", "/services"
        )
    standing = _standing(visit)
    owner = catalog.owner_of(known)
    filters = Filters(state="all", owner="", service=str(key), text="")
    lines, older, _ = found_in_ledger(visit, filters, visit.number("before"), 20)
    scope = f"{key.namespace}/{key.name}"
    return visit.page(
        "service.html", service=known, owner=owner, mode=desk.mode_of(str(key)), standing=standing.get(key),
        callers=_neighbours(visit, catalog.callers.get(key, ()), standing),
        callees=_neighbours(visit, catalog.callees.get(key, ()), standing),
        lines=lines, older=f"?before={older}" if older else "", limits=_limits(desk.limits(), str(key), owner),
        scope=scope, stop=next((one for one in desk.stops() if one.scope == scope), None), words=WORDS, Group=Group,
        act=_last_act(visit, key), where=catalog.where(known), monotonic=time.monotonic(),
    )  # fmt: skip


def _neighbours(visit: Visit, keys: Sequence[Key], standing: Mapping[Key, Group]) -> Sequence[Neighbour]:
    catalog = visit.room.desk.catalog
    found = [Neighbour(key=one, known=one in catalog.services, group=standing.get(one)) for one in keys]
    found.sort(key=lambda one: (one.group if one.group is not None else Group.OVER, one.key))
    return found[:_MOST_NEIGHBOURS]


def _limits(limits: Sequence[Limits], key: str, owner: str) -> Sequence[Limits]:
    names = (f"service {key}", f"owner {owner}", "the mesh")
    return [one for name in names for one in limits if one.what == name]
