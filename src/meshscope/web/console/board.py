"""What is open now, in the order in which it needs a person: followed along the ledger, and never read twice.

The first look reads the open incidents; from then on only what was written since. What is over is left to the ledger.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import msgspec

from meshscope.feedback.catalog import Catalog
from meshscope.feedback.chain import EPOCH
from meshscope.feedback.ports import Ledger, Record
from meshscope.feedback.state import ALERT, DELIVERY, INCIDENT, PERSON, STOP, STORM, Key, Phase
from meshscope.feedback.unreadable import UNREADABLE

_PAGE = 1000
_PAGES_AT_ONCE = 20
_RECENT = 4000
KINDS = (INCIDENT, ALERT, STORM, STOP, PERSON, DELIVERY, UNREADABLE, EPOCH)
"""Every kind of record that the ledger has."""


class Group(IntEnum):
    """How much an incident needs a person now, the most first."""

    WAITING = 0
    """The agent asks, and waits for a yes or a no."""
    HURTS = 1
    """A page fires: users are hurt, or somebody is in."""
    AGENT = 2
    """The agent has acted just now, and what came of it does not show yet."""
    CAUSE = 3
    """It is quiet after an act, and the cause is still there."""
    LATER = 4
    """It fires, but can wait for daylight; or a person has set it aside."""
    OVER = 5
    """It is over."""


class SeenMember(msgspec.Struct):
    """What the board keeps of an alert."""

    name: str
    severity: str
    since: float = 0.0
    until: float | None = None
    victim: bool = False
    stage: str = ""
    slo: str = ""
    summary: str = ""


class SeenApproval(msgspec.Struct):
    """What the board keeps of an approval."""

    token: str
    until: float
    answer: str = ""


class SeenAct(msgspec.Struct):
    """What the board keeps of an act."""

    action: str
    target: str
    at: float
    outcome: str = ""
    effect: str = ""
    effect_at: float | None = None
    done_at: float | None = None


class Seen(msgspec.Struct):
    """What the board keeps of an incident."""

    id: str
    service: Key
    owner: str
    opened: float
    phase: Phase = Phase.OPEN
    folded_into: str = ""
    security: bool = False
    quiet_since: float | None = None
    members: list[SeenMember] = []
    approvals: list[SeenApproval] = []
    acts: list[SeenAct] = []
    victims: list[Key] = []
    noise: str = ""
    snoozed_until: float | None = None

    @property
    def began(self) -> float:
        """When its first alert began."""
        own = [one.since for one in self.members if not one.victim and one.since > 0]
        return min(own, default=self.opened)

    def waits_until(self, now: float) -> float | None:
        """When the first approval that it waits for ends; None where it waits for none."""
        return min((one.until for one in self.approvals if not one.answer and one.until > now), default=None)


_read = msgspec.json.Decoder(Seen).decode


def read_seen(record: Record) -> Seen | None:
    """What the board keeps of an incident's record; None for a body that is none."""
    try:
        return _read(record.entry.body)
    except msgspec.MsgspecError:
        return None


@dataclass(frozen=True, kw_only=True)
class Row:
    """An open incident and the number of its newest record."""

    number: int
    seen: Seen
    text: str
    """What a search looks at, in lower case."""

    def group(self, now: float, page: str) -> Group:
        """How much it needs a person; ``page`` is the word for a page in the label ``severity``."""
        return group(self.seen, now, page)


def group(seen: Seen, now: float, page: str) -> Group:
    """How much an incident needs a person at ``now``."""
    if seen.phase in (Phase.RESOLVED, Phase.CLOSED):
        return Group.OVER
    if seen.waits_until(now) is not None:
        return Group.WAITING
    aside = bool(seen.noise) or (seen.snoozed_until or 0.0) > now
    if aside:
        return Group.LATER
    if seen.phase is Phase.MITIGATED:
        return Group.CAUSE
    pages = [one for one in seen.members if one.until is None and not one.victim and one.severity == page]
    if not pages and not (seen.security and any(one.until is None for one in seen.members)):
        return Group.LATER
    last = max(seen.acts, key=lambda one: one.at, default=None)
    works = last is not None and last.outcome in ("", "done", "gone") and not last.effect
    return Group.AGENT if works and not seen.security else Group.HURTS


def searched(seen: Seen) -> str:
    """What a search for words looks at."""
    words = [seen.id, str(seen.service), seen.owner]
    words += [word for one in seen.members[:50] for word in (one.name, one.slo, one.summary)]
    words += [one.target for one in seen.acts[:50]]
    return " ".join(word[:200] for word in words).lower()


@dataclass(kw_only=True)
class Board:
    """The open incidents, one small row each."""

    ledger: Ledger
    catalog: Callable[[], Catalog]
    now: Callable[[], float]
    rest: float = 0.1
    """How long a look is good for, in seconds."""
    rows: dict[str, Row] = field(default_factory=dict)
    newest: int = 0
    unread: dict[str, int] = field(default_factory=dict)
    """Incidents whose newest record is none that can be read, with its number."""
    _recent: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _sorted: tuple[tuple[int, int], Mapping[Group, Sequence[Row]]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _loaded: bool = False
    _looked: float = 0.0

    def look(self) -> None:
        """Take in what was written since the last look. Raises `LedgerError`."""
        with self._lock:
            if self._loaded and time.monotonic() - self._looked < self.rest:
                return
            if not self._loaded:
                self._load()
                self._loaded = True
            self._catch_up()
            self._looked = time.monotonic()

    def expire(self) -> None:
        """Have the next look be a real one: something was written just now."""
        self._looked = -self.rest

    def since(self, number: int) -> frozenset[str]:
        """Whose records were written after ``number``; ``*`` where that is too long ago to be known."""
        recent = list(self._recent)
        if number < self.newest and (not recent or recent[0][0] > number + 1):
            return frozenset(("*",))
        return frozenset(subject for at, subject in recent if at > number)

    def _load(self) -> None:
        # What is written while this reads is read once more from here on.
        self.newest = max((one.number for kind in KINDS for one in self.ledger.heads(kind, limit=1)), default=0)
        rows: dict[str, Row] = {}
        before = 0
        while True:
            page = self.ledger.heads(INCIDENT, open=True, before=before, limit=_PAGE)
            for record in page:
                _put(rows, self.unread, record)
            if len(page) < _PAGE:
                break
            before = page[-1].number
        self.rows = rows

    def _catch_up(self) -> None:
        for _ in range(_PAGES_AT_ONCE):
            page = self.ledger.records(self.newest, _PAGE)
            for record in page:
                self._recent.append((record.number, record.entry.subject))
                if record.entry.kind == INCIDENT:
                    _put(self.rows, self.unread, record)
            if page:
                self.newest = page[-1].number
            if len(page) < _PAGE:
                break

    def grouped(self, wanted: Callable[[Row], bool] | None = None) -> Mapping[Group, Sequence[Row]]:
        """The rows by group, each group in its order: what ends first, what is most important, what is newest."""
        every = self._standing()
        return every if wanted is None else {one: [row for row in rows if wanted(row)] for one, rows in every.items()}

    def _standing(self) -> Mapping[Group, Sequence[Row]]:
        now, catalog = self.now(), self.catalog()
        # Good until something is written, and for a second: approvals and snoozes end by themselves.
        key = (self.newest, int(now))
        if self._sorted is not None and self._sorted[0] == key:
            return self._sorted[1]
        found: dict[Group, list[Row]] = {one: [] for one in Group}
        for row in list(self.rows.values()):
            found[row.group(now, catalog.page)].append(row)
        for one, rows in found.items():
            by_time = one in (Group.LATER, Group.OVER)
            rows.sort(key=lambda row: (0.0, -row.seen.began) if by_time else _rank(row, now, catalog))
        self._sorted = key, found
        return found

    @property
    def needs(self) -> int:
        """How many incidents need a person now."""
        every = self._standing()
        return len(every[Group.WAITING]) + len(every[Group.HURTS])

    def of_service(self, key: Key) -> Sequence[Row]:
        """The incidents that go on and are about a service, and after them those whose victim it is."""
        rows = [row for one, some in self.grouped().items() if one is not Group.OVER for row in some]
        own = [row for row in rows if row.seen.service == key]
        return own + [row for row in rows if row.seen.service != key and key in row.seen.victims]

    def counts(self) -> Mapping[Key, int]:
        """How many incidents of each service go on."""
        found: dict[Key, int] = {}
        for row in list(self.rows.values()):
            if row.seen.phase in (Phase.OPEN, Phase.MITIGATED):
                found[row.seen.service] = found.get(row.seen.service, 0) + 1
        return found


def _rank(row: Row, now: float, catalog: Catalog) -> tuple[float, float]:
    until = row.seen.waits_until(now)
    if until is not None:
        return until, 0.0
    service = catalog.services.get(row.seen.service)
    return float(service.tier if service else 9), -row.seen.began


def _put(rows: dict[str, Row], unread: dict[str, int], record: Record) -> None:
    seen = read_seen(record)
    if seen is None:
        # One that can't be read must not hide the others; the page says which it is.
        unread[record.entry.subject] = record.number
        return
    unread.pop(record.entry.subject, None)
    # One that is over for good stays open in the ledger until its issue says so: that is no person's matter.
    if record.entry.open and seen.phase is not Phase.CLOSED:
        rows[seen.id] = Row(number=record.number, seen=seen, text=searched(seen))
    else:
        rows.pop(seen.id, None)


def words(text: str) -> Callable[[str], bool]:
    """Whether a text holds every word of ``text``."""
    wanted = text.lower().split()
    return lambda told: all(word in told for word in wanted)
