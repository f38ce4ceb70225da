"""Connections to a ledger: one that writes and checkpoints, and others that only read.

SQLite 3.7.0 to 3.51.2 can lose data when two connections write or checkpoint at the same time as the write-ahead log
is reset. So only one ever does: readers are opened to read, and never checkpoint.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from meshscope.adapters.ledgers import failures
from meshscope.adapters.ledgers.schema import Row

_KEPT = 8
_FULL = 2
# 32 MB of a write-ahead log: subjects lie anywhere in the indexes, and the more of their pages meet in it, the fewer
# are written twice.
_CHECKPOINT_PAGES = 8000
_CACHE_KIB = 32_768
_PAUSE = 0.005


def writer(path: Path, *, most_pages: int | None = None) -> sqlite3.Connection:
    """The connection that writes: WAL, each commit synced. Raises `MeshscopeError` where it can't be had so."""
    connection = sqlite3.connect(uri(path, "rw"), uri=True, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        if most_pages is not None:
            connection.execute(f"PRAGMA max_page_count={most_pages:d}")
        synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
        if mode != "wal":
            raise failures.settings(path, "journal_mode", "WAL", mode)
        if synchronous != _FULL:
            raise failures.settings(path, "synchronous", "FULL", synchronous)
    except BaseException:
        connection.close()
        raise
    return connection


def reader(path: Path, seconds: float, *, lenient: bool = False) -> sqlite3.Connection:
    """A connection that only reads, and waits up to ``seconds`` for a lock.

    ``lenient`` reads texts that are none. Where the folder can't be written and there is no write-ahead log, the file
    is taken for one that doesn't change. Raises `sqlite3.Error`.
    """
    try:
        return _reader(uri(path, "ro"), seconds, lenient)
    except sqlite3.OperationalError as error:
        wal = path.with_name(f"{path.name}-wal")
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CANTOPEN or not path.is_file() or wal.exists():
            raise
        return _reader(uri(path, "ro") + "&immutable=1", seconds, lenient)


def _reader(address: str, seconds: float, lenient: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=seconds, isolation_level=None, check_same_thread=False)
    try:
        if lenient:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("PRAGMA query_only=ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except UnicodeDecodeError as error:
        # What SQLite says of a schema that is torn repeats its bytes, which are no text.
        connection.close()
        torn = sqlite3.DatabaseError("its schema is torn")
        torn.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise torn from error
    except BaseException:
        connection.close()
        raise
    return connection


def uri(path: Path, mode: str) -> str:
    """The address under which SQLite opens the file at ``path``, and makes none."""
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def begin(connection: sqlite3.Connection, until: float) -> None:
    """Begin to write, as soon as the lock is free, ``until`` a time of the monotonic clock. Raises `sqlite3.Error`."""
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not failures.is_busy(error) or time.monotonic() >= until:
                raise
            time.sleep(_PAUSE)
        else:
            return


class Readers:
    """Connections that read the ledger at ``path``: each is used by one thread at a time, some are kept."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._lock = threading.Lock()
        self._free: list[sqlite3.Connection] = []
        self._closed = False

    def rows(self, query: str, values: Sequence[object]) -> list[Row]:
        """What a query answers, all of it from one moment. Raises `LedgerError`."""
        try:
            with self._one() as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise failures.of(error, self._path) from error

    @contextmanager
    def _one(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._closed:
                raise failures.closed(self._path)
            connection = self._free.pop() if self._free else None
        if connection is None:
            connection = reader(self._path, self._seconds)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            if len(self._free) < _KEPT and not self._closed:
                self._free.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Let nobody read any more."""
        with self._lock:
            self._closed = True
            while self._free:
                self._free.pop().close()
