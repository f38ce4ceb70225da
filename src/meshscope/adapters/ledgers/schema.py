"""The ledger's tables, how an older ledger becomes a newer one, and how a row becomes a record."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from meshscope.adapters.ledgers import failures
from meshscope.feedback.chain import GENESIS, Head
from meshscope.feedback.ports import Entry, Record

Row = tuple[object, ...]

FIRST = 1
TABLES = {
    "meta": "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "records": (
        "CREATE TABLE records (number INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, "
        "subject TEXT NOT NULL, about TEXT NOT NULL, open INTEGER NOT NULL, packed INTEGER NOT NULL, "
        "body BLOB NOT NULL, hash BLOB NOT NULL)"
    ),
    "records_by_subject": "CREATE INDEX records_by_subject ON records (subject)",
    "records_stay": (
        "CREATE TRIGGER records_stay BEFORE DELETE ON records BEGIN SELECT RAISE(ABORT, 'records are append-only'); END"
    ),
    "records_keep": (
        "CREATE TRIGGER records_keep BEFORE UPDATE ON records BEGIN SELECT RAISE(ABORT, 'records are append-only'); END"
    ),
    "heads": (
        "CREATE TABLE heads (subject TEXT PRIMARY KEY, kind TEXT NOT NULL, about TEXT NOT NULL, "
        "open INTEGER NOT NULL, number INTEGER NOT NULL) WITHOUT ROWID"
    ),
    "heads_by_kind": "CREATE INDEX heads_by_kind ON heads (kind, open, number)",
    "heads_by_about": "CREATE INDEX heads_by_about ON heads (about, kind, open, number)",
}
"""Everything in the newest schema by its name: what a new ledger is made of, and what `verify` expects."""

STEPS: Mapping[int, Sequence[str]] = {}
"""The statements that bring a ledger from each older schema to the next one."""

COLUMNS = "number, at, kind, subject, about, open, packed, body, hash"
_HEAD = "subject, kind, about, open, number"
NEWEST = "SELECT subject, kind, about, open, max(number) FROM records GROUP BY subject"

# Each step of a statement gives way to every other thread and waits for its turn again, so that many rows are one step.
_ROWS_AT_ONCE = 100
# Below it a compressor takes longer to be set up than the few hundred bytes are worth.
_PACKED_FROM = 2048
_MOST_BYTES = 1 << 30


def known() -> int:
    """The schema that this version writes."""
    return max(STEPS, default=FIRST - 1) + 1


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database, in the transaction of the caller."""
    for statement in TABLES.values():
        connection.execute(statement)
    connection.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", [("schema", known()), ("epoch", 0)])


def meta(connection: sqlite3.Connection, key: str) -> int:
    """A number of the ledger's own. Raises `ValueError` where there is none."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    if row is None or not isinstance(row[0], int):
        raise ValueError(key)
    return row[0]


def standing(connection: sqlite3.Connection, path: Path) -> tuple[int, int]:
    """The schema and the epoch of a ledger. Raises `MeshscopeError` for no ledger or one that is too new."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not {"meta", "records", "heads"} <= names:
        raise failures.foreign(path)
    try:
        schema, epoch = meta(connection, "schema"), meta(connection, "epoch")
    except ValueError as error:
        raise failures.foreign(path) from error
    if schema > known():
        raise failures.newer(path, schema, known())
    if schema < FIRST:
        raise failures.foreign(path)
    return schema, epoch


def migrate(connection: sqlite3.Connection, schema: int) -> None:
    """Bring the ledger to the newest schema, in the transaction of the caller."""
    for number in range(schema, known()):
        for statement in STEPS[number]:
            connection.execute(statement)
    connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (known(),))


def rebuild(connection: sqlite3.Connection) -> int:
    """Write all heads anew from the records, in the transaction of the caller; how many were other than they should."""
    wrong: int = connection.execute(
        f"SELECT (SELECT count(*) FROM (SELECT * FROM heads EXCEPT {NEWEST}))"  # noqa: S608 - constants
        f" + (SELECT count(*) FROM ({NEWEST}) AS newest WHERE subject NOT IN (SELECT subject FROM heads))"
    ).fetchone()[0]
    connection.execute("DELETE FROM heads")
    connection.execute(f"INSERT INTO heads ({_HEAD}) {NEWEST}")
    return wrong


def insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Append rows of `COLUMNS`, in the transaction of the caller."""
    _put(connection, f"INSERT INTO records ({COLUMNS})", rows)


def upsert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Make rows (subject, kind, about, open, number) the heads of their subjects, no two of one subject."""
    update = "kind = excluded.kind, about = excluded.about, open = excluded.open, number = excluded.number"
    _put(connection, f"INSERT INTO heads ({_HEAD})", rows, f"ON CONFLICT (subject) DO UPDATE SET {update}")


def _put(connection: sqlite3.Connection, into: str, rows: Sequence[Row], then: str = "") -> None:
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[first : first + _ROWS_AT_ONCE]
        marks = ", ".join([f"({', '.join('?' * len(some[0]))})"] * len(some))
        connection.execute(f"{into} VALUES {marks} {then}", [value for row in some for value in row])


def last(connection: sqlite3.Connection) -> Head:
    """The end of the chain."""
    row = connection.execute("SELECT number, hash FROM records ORDER BY number DESC LIMIT 1").fetchone()
    return Head(number=row[0], hash=bytes(row[1])) if row else Head(number=0, hash=GENESIS)


def packed(body: bytes) -> tuple[bool, bytes]:
    """The body as it is stored, and whether it is compressed: only where that makes it smaller."""
    if len(body) > _PACKED_FROM:
        small = zlib.compress(body, 1)
        if len(small) < len(body):
            return True, small
    return False, body


def record_of(row: Row) -> Record:
    """The record in a row of `COLUMNS`. Raises `ValueError` where it holds none."""
    number, at, kind, subject, about, open_, is_packed, body, _ = row
    texts = isinstance(kind, str) and isinstance(subject, str) and isinstance(about, str)
    if not (texts and isinstance(number, int) and isinstance(at, float) and isinstance(body, bytes)):
        raise ValueError(f"record {number} is of other types")
    if open_ not in (0, 1) or is_packed not in (0, 1):
        raise ValueError(f"record {number} is of other types")
    if is_packed:
        body = _unpacked(body)
    entry = Entry(kind=kind, subject=subject, about=about, open=bool(open_), body=body)  # type: ignore[arg-type]
    return Record(number=number, at=at, entry=entry)


def _unpacked(body: bytes) -> bytes:
    decompressor = zlib.decompressobj()
    try:
        whole = decompressor.decompress(body, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not decompressor.eof or decompressor.unused_data:
        raise ValueError("a compressed body is not whole")
    return whole


def records_of(rows: Iterable[Row]) -> list[Record]:
    """The records in rows of `COLUMNS`. Raises `ValueError`."""
    return [record_of(row) for row in rows]
