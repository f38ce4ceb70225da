"""The list of incidents: what needs a person first, and all the others by their number in the ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from meshscope.feedback.catalog import Catalog
from meshscope.feedback.ports import Record
from meshscope.feedback.state import INCIDENT, Key
from meshscope.web.console.board import Group, Row, group, read_seen, searched, words
from meshscope.web.console.reading import read
from meshscope.web.console.rendering import short
from meshscope.web.console.told import Line, line
from meshscope.web.console.visit import PER_PAGE, Visit, is_live

_SHOWN = 20
_SHOWN_OVER = 5
_SCAN = 200
_LONGEST_SCAN = 0.35
_STATES: Mapping[str, Group | None] = {
    "": None, "waiting": Group.WAITING, "firing": Group.HURTS, "agent": Group.AGENT, "cause": Group.CAUSE,
    "later": Group.LATER, "over": None, "all": None,
}  # fmt: skip
TITLES: Mapping[Group, tuple[str, str]] = {
    Group.WAITING: ("Waits for a yes or a no", "The agent has a plan, and does nothing until somebody says yes."),
    Group.HURTS: ("Hurts users now", "A page fires, and the agent has not helped or may not act."),
    Group.AGENT: ("The agent has acted", "What came of it does not show yet. Take over if users suffer."),
    Group.CAUSE: ("Quiet, but the cause is still there", "Users are well. Whatever it was can come back any time."),
    Group.LATER: ("Can wait for daylight", "Tickets, and what a person has set aside."),
    Group.OVER: ("Over", ""),
}
WORDS: Mapping[Group, str] = {
    Group.WAITING: "asks", Group.HURTS: "firing", Group.AGENT: "acted", Group.CAUSE: "cause open",
    Group.LATER: "can wait", Group.OVER: "over",
}  # fmt: skip
NAMES: Mapping[str, str] = {
    "": "Now", "waiting": "Asks", "firing": "Firing", "agent": "Acted", "cause": "Cause open",
    "later": "Can wait", "over": "Over", "all": "All",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Section:
    """A group as the page shows it: the first lines, how many there are, and where the others are."""

    group: Group
    title: str
    teaches: str
    lines: Sequence[Line]
    total: int
    more: str


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What somebody looks for."""

    state: str
    owner: str
    service: str
    text: str

    def address(self, **other: object) -> str:
        """The address of the list with these filters, some of them changed."""
        asked = {"state": self.state, "owner": self.owner, "service": self.service, "q": self.text, **other}
        kept = {name: value for name, value in asked.items() if value not in ("", None, 0)}
        return f"/incidents?{urlencode(kept)}" if kept else "/incidents"

    @property
    def narrow(self) -> bool:
        """Whether they leave anything out."""
        return bool(self.owner or self.service or self.text)

    def keeps(self, key: Key, owner: str, text: str) -> bool:
        """Whether an incident is among what is looked for."""
        if self.owner and owner != self.owner:
            return False
        if self.service and self.service not in (key.name, short(key), str(key)):
            return False
        return not self.text or words(self.text)(text)


def incidents(visit: Visit) -> Response:
    """The list; or, from an alert's own link, the one incident that it is about."""
    if visit.asked("namespace") and visit.asked("service"):
        return _from_alert(visit)
    state = visit.asked("state")
    filters = Filters(
        state=state if state in _STATES else "", owner=visit.asked("owner"), service=visit.asked("service"),
        text=visit.asked("q"),
    )  # fmt: skip
    if filters.state in ("over", "all"):
        return _past(visit, filters)
    return _present(visit, filters)


def _from_alert(visit: Visit) -> Response:
    """What ``incident_url`` of an alert leads to: cluster, namespace and service as the alert's labels have them."""
    catalog = visit.room.desk.catalog
    labels = {name: visit.asked(name) for name in ("cluster", "namespace", "service")}
    known = catalog.service_of(labels)
    key = known.key if known else Key(labels["cluster"], labels["namespace"], labels["service"])
    found = visit.room.board.of_service(key)
    if found and not is_live(visit.request):
        return RedirectResponse(f"/incidents/{found[0].seen.id}", status_code=303)
    return _past(visit, Filters(state="all", owner="", service=str(key), text=""), alert=key)


def _present(visit: Visit, filters: Filters) -> Response:
    grouped = visit.room.board.grouped(
        (lambda row: filters.keeps(row.seen.service, row.seen.owner, row.text)) if filters.narrow else None
    )
    chosen = _STATES[filters.state]
    start = visit.number("from") if chosen is not None else 0
    sections = []
    for one, rows in grouped.items():
        if (chosen is not None and one is not chosen) or not rows:
            continue
        shown = PER_PAGE if chosen is not None else _SHOWN_OVER if one is Group.OVER else _SHOWN
        title, teaches = TITLES[one]
        sections.append(
            Section(group=one, title=title, teaches=teaches, lines=list(_lines(visit, rows[start : start + shown])),
                    total=len(rows), more=_more(filters, one, chosen, start, shown, len(rows)))
        )  # fmt: skip
    counts = {one: len(rows) for one, rows in grouped.items()}
    return visit.page("incidents.html", sections=sections, counts=counts, **_around(visit, filters),
                      past=None, alert=None)  # fmt: skip


def _more(filters: Filters, one: Group, chosen: Group | None, start: int, shown: int, total: int) -> str:
    if start + shown >= total:
        return ""
    if chosen is not None:
        return filters.address(**{"from": start + shown})
    state = "over" if one is Group.OVER else next(name for name, which in _STATES.items() if which is one)
    return filters.address(state=state)


def _lines(visit: Visit, rows: Sequence[Row]) -> Iterator[Line]:
    now, page = visit.room.now(), visit.room.desk.catalog.page
    for row in rows:
        for record in visit.room.desk.ledger.records(row.number - 1, 1):
            if record.number == row.number:
                yield line(read(record), visit.room.desk.catalog, row.group(now, page), now)


@dataclass(frozen=True, kw_only=True)
class Past:
    """Incidents by their number, the newest first: ``looked`` how many were looked through for them."""

    lines: Sequence[Line]
    older: str
    looked: int
    newer: str


def _past(visit: Visit, filters: Filters, alert: Key | None = None) -> Response:
    before = visit.number("before")
    found, last, looked = found_in_ledger(visit, filters, before, PER_PAGE)
    address = filters.address
    past = Past(
        lines=found, looked=looked, older=address(before=last) if last else "", newer=address() if before else ""
    )
    counts = {one: len(rows) for one, rows in visit.room.board.grouped().items()}
    return visit.page("incidents.html", sections=[], counts=counts, **_around(visit, filters), past=past, alert=alert)


def found_in_ledger(visit: Visit, filters: Filters, before: int, most: int) -> tuple[list[Line], int, int]:
    """Lines of at most ``most`` incidents before a number, where to go on (0: nowhere), and how many were looked at.

    It looks no longer than a moment, and says how far it came.
    """
    catalog, now = visit.room.desk.catalog, visit.room.now()
    found: list[Line] = []
    looked = 0
    ends = time.monotonic() + _LONGEST_SCAN
    size = _SCAN if filters.narrow or filters.state == "over" else most
    while True:
        page = _page(visit, filters, before, size)
        for record in page:
            looked += 1
            before = record.number
            if (made := _kept(visit, record, filters, catalog, now)) is not None:
                found.append(made)
                if len(found) >= most:
                    return found, before, looked
        if len(page) < size:
            return found, 0, looked
        if time.monotonic() > ends:
            return found, before, looked


def _page(visit: Visit, filters: Filters, before: int, size: int) -> Sequence[Record]:
    about = filters.service if filters.service.count("/") == 2 else ""
    return visit.room.desk.ledger.heads(INCIDENT, about=about, before=before, limit=size)


def _kept(visit: Visit, record: Record, filters: Filters, catalog: Catalog, now: float) -> Line | None:
    seen = read_seen(record)
    if seen is None:
        visit.room.board.unread[record.entry.subject] = record.number
        return None
    which = group(seen, now, catalog.page)
    if filters.state == "over" and which is not Group.OVER:
        return None
    if filters.narrow and not filters.keeps(seen.service, seen.owner, searched(seen)):
        return None
    return line(read(record), catalog, which, now)


def _around(visit: Visit, filters: Filters) -> dict[str, Any]:
    desk = visit.room.desk
    limits = desk.limits()
    return {
        "filters": filters, "everything": {one: len(rows) for one, rows in visit.room.board.grouped().items()},
        "names": NAMES, "states": _STATES, "words": WORDS, "Group": Group,
        "owners": sorted(desk.catalog.owners),
        "parts": desk.parts(), "monotonic": time.monotonic(),
        "mesh_limit": next((one for one in limits if one.what == "the mesh"), None),
    }  # fmt: skip
