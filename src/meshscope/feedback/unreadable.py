"""Heads of the ledger that can't be read: they are set aside, and a person clears them.

What such a record held is unknown: acts may be in it. So its service only observes, and the budgets that it could have
spent count as spent, at every start until a person has looked and cleared it. That is kept in a record of its own: what
can't be read stays as it is, and may not be the newest of its subject for long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from meshscope.feedback.ports import Entry, Ledger, Record
from meshscope.feedback.state import INCIDENT

UNREADABLE = "unreadable"
"""The kind of the records that say what was set aside: open until a person clears it."""
_SUBJECT = f"{UNREADABLE}:"
_MOST_SAID = 300
_Read = TypeVar("_Read")


class _Said(msgspec.Struct, kw_only=True):
    """Which record of the subject can't be read, why, and who cleared it."""

    number: int
    kind: str
    why: str
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class UnreadableRecord:
    """A record that can't be read: its number, and the kind, subject and service that stand beside its body."""

    number: int
    kind: str
    subject: str
    about: str
    """The service as cluster/namespace/name; empty where it is about none."""
    why: str


def attempted(record: Record, read: Callable[[Record], _Read]) -> _Read | UnreadableRecord:
    """What ``read`` makes of ``record``, or why it can't."""
    try:
        return read(record)
    # msgspec says what is no JSON or no such object; a ValueError is text that is no UTF-8, or a number too long.
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        entry = record.entry
        return UnreadableRecord(
            number=record.number, kind=entry.kind, subject=entry.subject, about=entry.about,
            why=f"{type(error).__name__}: {error}"[:_MOST_SAID],
        )  # fmt: skip


class SetAside:
    """The records that could not be read, at this start or an earlier one, and that nobody cleared."""

    def __init__(self, ledger: Ledger, known: Iterable[Record]) -> None:
        """``known`` are the open heads of kind `UNREADABLE`."""
        self._ledger = ledger
        self._records = {one.subject: one for one in map(_read_said, known)}

    def read(self, records: Iterable[Record], read: Callable[[Record], _Read]) -> Iterator[_Read]:
        """What ``read`` makes of each of ``records``; those that it can't are set aside. Raises `LedgerError`."""
        for record in records:
            made = attempted(record, read)
            if isinstance(made, UnreadableRecord):
                self._add(made)
            else:
                yield made

    def _add(self, one: UnreadableRecord) -> None:
        said = self._ledger.history(f"{_SUBJECT}{one.subject}")
        if not said or _read_said(said[-1]).number != one.number:
            # Nobody waits for the disk: what is written later about the same subject comes after it.
            self._ledger.append([_entry(one)])
            self._records[one.subject] = one

    def __iter__(self) -> Iterator[UnreadableRecord]:
        """Each, in the order of the ledger."""
        return iter(sorted(self._records.values(), key=lambda one: one.number))

    def about(self, service: str) -> UnreadableRecord | None:
        """A record about the service called cluster/namespace/name; None where all of its records can be read."""
        return next((one for one in self if one.about == service), None)

    @property
    def services(self) -> tuple[str, ...]:
        """The services of which it is unknown what was done to them, each once: incidents alone hold acts."""
        found = {one.about for one in self._records.values() if one.kind == INCIDENT and one.about}
        return tuple(sorted(found))

    def cleared(self, by: str) -> tuple[Entry, ...]:
        """The entries that say that a person cleared all of them; `forget` them when those are on disk."""
        return tuple(_entry(one, by) for one in self)

    def forget(self) -> None:
        """They were cleared."""
        # Another one: whoever walks this one is not disturbed.
        self._records = {}


def _entry(one: UnreadableRecord, by: str | None = None) -> Entry:
    body = msgspec.json.encode(_Said(number=one.number, kind=one.kind, why=one.why, by=by or ""))
    return Entry(kind=UNREADABLE, subject=f"{_SUBJECT}{one.subject}", body=body, about=one.about, open=by is None)


def _read_said(record: Record) -> UnreadableRecord:
    """What was set aside. Where that record can't be read either, what stands beside its body has to do."""
    said = attempted(record, lambda one: msgspec.json.decode(one.entry.body, type=_Said))
    subject = record.entry.subject.removeprefix(_SUBJECT)
    if isinstance(said, UnreadableRecord):
        kind = subject.partition(":")[0]
        return UnreadableRecord(number=record.number, kind=kind, subject=subject, about=said.about, why=said.why)
    return UnreadableRecord(number=said.number, kind=said.kind, subject=subject, about=record.entry.about, why=said.why)
