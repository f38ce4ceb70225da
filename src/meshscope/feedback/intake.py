"""Taking alerts in: each is stored once, and answered for when it is on disk."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime

import msgspec
from msgspec import structs

from meshscope.feedback.casebook import Casebook, Fingerprint
from meshscope.feedback.ports import Entry, Record
from meshscope.feedback.reconciling import HELD_BACK, SOURCE
from meshscope.feedback.state import DELIVERY, AlertState, Received, alert_entry
from meshscope.feedback.waiting import Waiting


class Intake:
    """Stores what is new, puts it into ``queue`` when it is on disk, and sets ``work`` then."""

    def __init__(self, book: Casebook, queue: Waiting, work: threading.Event, *, gap_seconds: float) -> None:
        """What fires again within ``gap_seconds`` of its end is the same episode."""
        self.book = book
        self.pending: dict[Fingerprint, Future[Sequence[Record]]] = {}
        """What is on its way to the disk."""
        self._lost: dict[int, tuple[AlertState, AlertState | None]] = {}
        """By identity, what did not get to the disk while more of that alert was on its way, and what was before."""
        self._queue = queue
        self._work = work
        self._gap = gap_seconds

    def accept(self, tenant: str, received: Sequence[Received], raw: bytes = b"", truncated: int = 0) -> Future[int]:
        """Store a sender's alerts; how many were new, once they are on disk. The future may hold `LedgerError`."""
        now = self.book.clock.now()
        answer: Future[int] = Future()
        with self.book.lock:
            fresh: list[AlertState] = []
            before: dict[tuple[str, str], AlertState | None] = {}
            waits: list[Future[Sequence[Record]]] = []
            for one in received:
                key = tenant, one.fingerprint
                state = self._episode(tenant, one, now)
                if state is not None:
                    before.setdefault(key, self.book.alerts.get(key))
                    self.book.alerts[key] = state
                    fresh.append(state)
                elif key in self.pending:
                    waits.append(self.pending[key])
            entries = [alert_entry(state) for state in fresh]
            if raw and fresh:
                entries.insert(0, _delivery(tenant, raw, truncated, now))
            written = self.book.write(entries) if entries else None
            if written is not None:
                for key in before:
                    self.pending[key] = written
        if written is None:
            _after(waits, answer, 0)
            return answer
        written.add_done_callback(lambda done: self._stored(done, fresh, before, waits, answer))
        return answer

    def _stored(
        self,
        done: Future[Sequence[Record]],
        fresh: list[AlertState],
        before: Mapping[tuple[str, str], AlertState | None],
        waits: list[Future[Sequence[Record]]],
        answer: Future[int],
    ) -> None:
        error = done.exception()
        with self.book.lock:
            if error is not None:
                self._lost |= {id(state): (state, before[state.tenant, state.received.fingerprint]) for state in fresh}
            for key, was in before.items():
                if self.pending.get(key) is done:
                    del self.pending[key]
                if error is None:
                    self._queue.append(key)
                elif self.book.alerts.get(key) in fresh:
                    # It is not on disk, so it was not accepted: its sender sends it again.
                    kept = self._kept(was)
                    if kept is None:
                        self.book.alerts.pop(key, None)
                    else:
                        self.book.alerts[key] = kept
            if not self.pending:
                self._lost.clear()
        if error is not None:
            answer.set_exception(error)
            return
        if not self._work.is_set():
            self._work.set()
        _after(waits, answer, len(fresh))

    def _kept(self, state: AlertState | None) -> AlertState | None:
        """``state``, or what was before it where it is not on disk either."""
        while state is not None and id(state) in self._lost:
            _, state = self._lost[id(state)]
        return state

    def _episode(self, tenant: str, one: Received, now: float) -> AlertState | None:
        """What is new in ``one``: an episode that begins, goes on after a gap, or ends; None for what is known."""
        known = self.book.alerts.get((tenant, one.fingerprint))
        if one.status == "resolved":
            if known is None:
                return _state(tenant, one, now, terminal="superseded", code="resolved_first", resolved_at=now)
            if known.resolved_at is not None:
                return None
            told = structs.replace(known.received, ends_at=one.ends_at)
            return structs.replace(known, resolved_at=now, received=told)
        if known is None:
            return _state(tenant, one, now)
        if known.resolved_at is None:
            return None
        soon = now - known.resolved_at < self._gap
        if known.code == "resolved_first":
            # What comes out of its order is no news: it was over when it was told.
            return None if soon and _was_over(one, known.received) else _state(tenant, one, now, after=known.episode)
        if known.terminal and not soon:
            return _state(tenant, one, now, after=known.episode)
        # Back within the gap: the same episode, which was ended too early. It keeps its terminal record.
        return structs.replace(known, resolved_at=None, received=structs.replace(known.received, ends_at=""))


def _state(
    tenant: str, one: Received, now: float, *, after: int = 0, terminal: str = "", code: str = "",
    resolved_at: float | None = None,
) -> AlertState:  # fmt: skip
    episode = max(int(now * 1000), after + 1)
    return AlertState(
        key=f"{tenant}/{one.fingerprint}/{episode}", tenant=tenant, episode=episode, received=one, at=now,
        terminal=terminal, code=code, resolved_at=resolved_at, ended_at=now if terminal else None,
    )  # fmt: skip


def _was_over(one: Received, over: Received) -> bool:
    """Whether what ``one`` says began before the end that is known. Who was asked just now is always right."""
    began, ended = _moment(one.starts_at), _moment(over.ends_at)
    return one.source not in (SOURCE, HELD_BACK) and began is not None and ended is not None and began <= ended


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _delivery(tenant: str, raw: bytes, truncated: int, now: float) -> Entry:
    digest = hashlib.sha256(raw).hexdigest()
    body = msgspec.json.encode({"tenant": tenant, "truncated": truncated, "sha256": digest, "body": msgspec.Raw(raw)})
    # In the order of time, so that the ledger's indexes grow at their ends alone.
    return Entry(kind=DELIVERY, subject=f"delivery:{int(now * 1000)}-{digest[:16]}", body=body)


def _after(waits: list[Future[Sequence[Record]]], answer: Future[int], stored: int) -> None:
    """Answer when everything that was on its way already is on disk, too."""
    waiting = [one for one in waits if not one.done() or one.exception() is not None]
    if not waiting:
        answer.set_result(stored)
        return
    first, *others = waiting

    def then(done: Future[Sequence[Record]]) -> None:
        error = done.exception()
        if error is not None:
            answer.set_exception(error)
        else:
            _after(others, answer, stored)

    first.add_done_callback(then)
