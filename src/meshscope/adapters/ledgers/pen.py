"""The one connection that writes a ledger, and checkpoints it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from meshscope.adapters.ledgers import failures, schema
from meshscope.adapters.ledgers.connections import begin, writer
from meshscope.adapters.ledgers.lock import Lock, boot
from meshscope.adapters.ledgers.scribe import Job, Written
from meshscope.adapters.ledgers.start import Standing
from meshscope.feedback.chain import START, Epoch, Head, chained, epoch_entry
from meshscope.feedback.ports import Entry, Record

_START_SECONDS = 5.0


class Pen:
    """Writes the ledger at ``path`` in an epoch of its own, as long as no other writer begins one.

    Raises `MeshscopeError` where it can't be written as it must.
    """

    def __init__(self, path: Path, lock: Lock, standing: Standing, *, at: float, most_pages: int | None) -> None:
        self.path = path
        self.head = standing.head
        self._lock = lock
        self._most_pages = most_pages
        self._sick = False
        self.epoch = Epoch(
            number=standing.epoch.number + 1,
            why=START,
            pid=os.getpid(),
            boot=boot(),
            started=at,
            schema=schema.known(),
            restored=standing.epoch.restored,
        )
        self._connection = self._connected()
        try:
            self._begin(standing, at)
        except BaseException:
            self._connection.close()
            raise

    def write(self, jobs: Sequence[Job], at: float, until: float) -> Written:
        """Write all jobs in one commit; a lock is waited for ``until`` a monotonic time. Raises `LedgerError`."""
        try:
            if self._sick:
                self._connection.close()
                self._connection = self._connected()
                self._sick = False
            begin(self._connection, until)
            try:
                if schema.meta(self._connection, "epoch") != self.epoch.number:
                    raise failures.taken_over(self.path)
                entries = [entry for job in jobs for entry in job.entries]
                stored = [one for job in jobs for one in job.stored]
                if not entries:
                    # Somebody asks whether it can be written: a page is, for an empty commit is none to a full disk.
                    self._connection.execute("UPDATE meta SET value = value WHERE key = 'epoch'")
                records, head = put(self._connection, entries, stored, at)
                self._connection.execute("COMMIT")
            except BaseException:
                self._undo()
                raise
        except sqlite3.Error as error:
            raise failures.of(error, self.path) from error
        self._wrote(head)
        answers = iter(records)
        return [tuple(next(answers) for _ in job.entries) for job in jobs]

    def close(self) -> None:
        """Move what is in the write-ahead log into the file, where nobody holds it, and let go."""
        with suppress(sqlite3.Error):
            # What can't be moved stays in the log, where the next one finds it.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def _connected(self) -> sqlite3.Connection:
        try:
            return writer(self.path, most_pages=self._most_pages)
        except sqlite3.Error as error:
            raise failures.of(error, self.path) from error

    def _begin(self, standing: Standing, at: float) -> None:
        """Begin the epoch, and bring an older schema to the newest, all or nothing."""
        try:
            begin(self._connection, time.monotonic() + _START_SECONDS)
            try:
                if standing.schema < schema.known():
                    schema.migrate(self._connection, standing.schema)
                _, head = put_epoch(self._connection, self.epoch, at)
                self._connection.execute("COMMIT")
            except BaseException:
                self._undo()
                raise
        except sqlite3.Error as error:
            raise failures.of(error, self.path) from error
        self._wrote(head)

    def _wrote(self, head: Head) -> None:
        self.head = head
        self._lock.note(head)

    def _undo(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            # The next write begins with a new connection.
            self._sick = True


def put(
    connection: sqlite3.Connection, entries: Sequence[Entry], stored: Sequence[tuple[bool, bytes]], at: float
) -> tuple[list[Record], Head]:
    """Append entries, with their bodies as they are stored, in the transaction of the caller."""
    links, head = chained(schema.last(connection), at, entries)
    rows: list[schema.Row] = []
    newest: dict[str, schema.Row] = {}
    for (record, digest), (is_packed, body) in zip(links, stored, strict=True):
        entry = record.entry
        rows.append((record.number, at, entry.kind, entry.subject, entry.about, entry.open, is_packed, body, digest))
        newest[entry.subject] = (entry.subject, entry.kind, entry.about, entry.open, record.number)
    schema.insert(connection, rows)
    schema.upsert(connection, list(newest.values()))
    return [record for record, _ in links], head


def put_epoch(connection: sqlite3.Connection, epoch: Epoch, at: float) -> tuple[list[Record], Head]:
    """Begin ``epoch`` with a record of it, in the transaction of the caller."""
    connection.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (epoch.number,))
    entry = epoch_entry(epoch)
    return put(connection, [entry], [schema.packed(entry.body)], at)
