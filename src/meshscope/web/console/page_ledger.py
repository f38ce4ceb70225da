"""The ledger: every record, by number, by kind or by subject; and one record as it is."""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode

from starlette.responses import Response

from meshscope.feedback.ports import Record
from meshscope.feedback.state import INCIDENT
from meshscope.web.console.board import KINDS
from meshscope.web.console.rendering import pretty
from meshscope.web.console.visible import outside
from meshscope.web.console.visit import PER_PAGE, Visit

_LONGEST_SHOWN = 150_000


def ledger(visit: Visit) -> Response:
    """The records, the newest first."""
    kind, subject, before = visit.asked("kind"), visit.asked("subject"), visit.number("before")
    kind = kind if kind in KINDS else ""
    books = visit.room.desk.ledger
    if subject:
        found = [one for one in reversed(books.history(subject)) if not before or one.number < before][: PER_PAGE + 1]
    elif kind:
        found = list(books.heads(kind, before=before, limit=PER_PAGE + 1))
    else:
        last = before - 1 if before else visit.room.board.newest
        found = list(reversed(books.records(max(0, last - PER_PAGE - 1), PER_PAGE + 1)))
        found = [one for one in found if one.number <= last]
    asked = {name: value for name, value in (("kind", kind), ("subject", subject)) if value}
    older = f"/ledger?{urlencode({**asked, 'before': found[PER_PAGE - 1].number})}" if len(found) > PER_PAGE else ""
    return visit.page(
        "ledger.html", records=found[:PER_PAGE], kind=kind, subject=subject, kinds=KINDS, older=older,
        first=f"/ledger?{urlencode(asked)}" if before else "", size=_size,
    )  # fmt: skip


def _size(record: Record) -> str:
    size = len(record.entry.body)
    return f"{size} B" if size < 1024 else f"{size / 1024:.1f} KiB"


def record(visit: Visit) -> Response:
    """One record: what was written, when, and its digest."""
    number = visit.request.path_params["number"]
    found = visit.room.desk.ledger.records(number - 1, 1) if number > 0 else ()
    if not found or found[0].number != number:
        return visit.missing("There is no such record.", "The ledger has no record of that number.", "/ledger")
    one = found[0]
    text = outside(pretty(one.entry.body), _LONGEST_SHOWN)
    return visit.page(
        "record.html", record=one, text=text, digest=hashlib.sha256(one.entry.body).hexdigest(),
        masked=text != pretty(one.entry.body), size=_size(one), incident=_incident(one),
    )  # fmt: skip


def _incident(one: Record) -> str:
    return one.entry.subject.removeprefix("incident:") if one.entry.kind == INCIDENT else ""
