"""A ledger in one SQLite file: write-ahead log, each commit synced, many appends in one commit, a chain and anchors.

``records`` is append-only; ``heads`` is derived from it, and can be made anew. Each start of a writer is a record too.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType

import msgspec

from meshscope.adapters.ledgers import failures, schema
from meshscope.adapters.ledgers.anchors import Notary
from meshscope.adapters.ledgers.connections import Readers
from meshscope.adapters.ledgers.copies import Backup, copied
from meshscope.adapters.ledgers.lock import Lock
from meshscope.adapters.ledgers.pen import Pen
from meshscope.adapters.ledgers.scribe import Job, Scribe, Written
from meshscope.adapters.ledgers.start import made, sound
from meshscope.feedback.chain import CLEAR, Epoch, Head, Signer, epoch_entry, judge
from meshscope.feedback.ports import Clock, Entry, LedgerError, Record

_MOST_ENTRIES = 20_000
_MOST_BYTES = 64 << 20
_FIXED_BYTES = 200


class SqliteLedger:
    """The ledger at ``path``, made where there is none; one process writes it at a time.

    ``anchors`` is the file in a second place to which ``signer`` signs the chain's end, after each ``anchor_every``
    records, ``anchor_seconds`` after any record, and when it is closed. ``busy_seconds`` is how long a lock is waited
    for, ``most_pages`` how many pages the file may have.

    Raises `MeshscopeError` where another process writes it, and where it is damaged, cut, too new or gone.
    """

    def __init__(
        self,
        path: Path,
        *,
        anchors: Path | None,
        signer: Signer | None,
        clock: Clock,
        anchor_every: int = 1000,
        anchor_seconds: float = 60.0,
        busy_seconds: float = 1.0,
        most_pages: int | None = None,
        most_entries: int = _MOST_ENTRIES,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self.path = path
        self._clock = clock
        self._closing = threading.Lock()
        self._closed = False
        self._lock = Lock(path)
        try:
            self._pen = self._opened(anchors, most_pages)
        except BaseException:
            self._lock.release()
            raise
        self._readers = Readers(path, busy_seconds)
        self._notary = (
            Notary(
                anchors, signer, every=anchor_every, seconds=anchor_seconds, epoch=self._pen.epoch.number, now=self._now
            )
            if anchors is not None
            else None
        )
        if self._notary is not None:
            self._notary.tell(self._pen.head, now=True)
        self._scribe = Scribe(
            self._write,
            busy_seconds=busy_seconds,
            most_entries=most_entries,
            most_bytes=most_bytes,
            overloaded=lambda what: failures.waiting(path, what),
            closed=lambda: failures.closed(path),
            failed=lambda error: failures.fault(path, error),
        )

    def __enter__(self) -> SqliteLedger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def head(self) -> Head:
        """The end of the chain, as it is on disk."""
        return self._pen.head

    @property
    def epoch(self) -> Epoch:
        """The stretch that this writer writes."""
        return self._pen.epoch

    @property
    def restored(self) -> bool:
        """Whether it was restored, and nobody has said yet that it may be acted on."""
        return self._pen.epoch.restored

    @property
    def tail(self) -> int:
        """How many of the newest records no anchor of this run holds; all of them where there is no second place."""
        return self._pen.head.number - (self._notary.number if self._notary is not None else 0)

    @property
    def anchor_error(self) -> str:
        """Why the last anchor could not be written; empty where it could."""
        return self._notary.error if self._notary is not None else ""

    def append(self, entries: Sequence[Entry]) -> Future[Sequence[Record]]:
        """Write all entries or none; done when they are on disk. The future may hold `LedgerError`.

        No entries are a question: whether something could be written now.

        Raises `ValueError` for an entry that can't be written at all: a text that is none, a subject that is empty.
        """
        for entry in entries:
            judge(entry)
        stored = [schema.packed(entry.body) for entry in entries]
        size = sum(len(body) for _, body in stored) + _FIXED_BYTES * len(stored)
        job = Job(entries=tuple(entries), stored=stored, size=size)
        self._scribe.take(job)
        return job.future

    def history(self, subject: str) -> Sequence[Record]:
        """Every record of ``subject``, the oldest first. Raises `LedgerError`."""
        return self._read("SELECT {columns} FROM records WHERE subject = ? ORDER BY number", (subject,))

    def records(self, after: int, limit: int = 1000) -> Sequence[Record]:
        """Records of any kind with a number above ``after``, in order. Raises `LedgerError`."""
        values = (after, max(limit, 0))
        return self._read("SELECT {columns} FROM records WHERE number > ? ORDER BY number LIMIT ?", values)

    def heads(
        self,
        kind: str,
        *,
        open: bool | None = None,  # noqa: A002 - what the table calls it
        about: str = "",
        before: int = 0,
        limit: int = 1000,
    ) -> Sequence[Record]:
        """The newest record of each subject of ``kind``, the newest first; ``before`` a number pages on.

        ``open`` None means any, ``about`` "" any. Raises `LedgerError`.
        """
        # Each part is in the order of an index, so that none reads more than it gives.
        part = "SELECT * FROM (SELECT number FROM heads WHERE kind = ? AND open = ?{about}{before}"
        part = part.format(about=" AND about = ?" if about else "", before=" AND number < ?" if before > 0 else "")
        part += " ORDER BY number DESC LIMIT ?)"
        common = [*([about] if about else []), *([before] if before > 0 else []), max(limit, 0)]
        wanted = (0, 1) if open is None else (int(open),)
        numbers = " UNION ALL ".join([part] * len(wanted))
        values = [value for one in wanted for value in (kind, one, *common)]
        query = f"SELECT {{columns}} FROM records WHERE number IN ({numbers}) ORDER BY number DESC LIMIT ?"  # noqa: S608
        return self._read(query, (*values, max(limit, 0)))

    def backup(self, path: Path) -> Backup:
        """Copy the ledger as it is now to a new file, while it is written. Raises `MeshscopeError`."""
        return copied(self.path, path)

    def clear_restored(self, by: str) -> None:
        """A person says that it may be acted on. Raises `LedgerError` where that can't be written."""
        epoch = msgspec.structs.replace(self._pen.epoch, why=CLEAR, by=by, restored=False)
        self.append([epoch_entry(epoch)]).result()
        self._pen.epoch = epoch

    def close(self) -> None:
        """Write what waits, sign the end, and let the next writer in. May be called twice."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._scribe.close()
            if self._notary is not None:
                self._notary.close()
            self._readers.close()
            self._pen.close()
            self._lock.release()

    def _opened(self, anchors: Path | None, most_pages: int | None) -> Pen:
        if not self.path.exists():
            made(self.path, self._lock.mark, anchors)
        standing = sound(self.path, self._lock.mark, anchors)
        return Pen(self.path, self._lock, standing, at=self._now(), most_pages=most_pages)

    def _write(self, jobs: Sequence[Job], until: float) -> Written:
        written = self._pen.write(jobs, self._now(), until)
        if self._notary is not None:
            self._notary.tell(self._pen.head)
        return written

    def _now(self) -> float:
        # Zero has one form in the database, whatever its sign.
        return float(self._clock.now()) + 0.0

    def _read(self, query: str, values: Sequence[object]) -> Sequence[Record]:
        rows = self._readers.rows(query.format(columns=schema.COLUMNS), values)
        try:
            return schema.records_of(rows)
        except ValueError as error:
            raise LedgerError(failures.corrupt(self.path, str(error)).finding) from error
