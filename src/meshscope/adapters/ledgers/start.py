"""What is looked at before a ledger is written: is it there, whole, of a known schema, and as new as it should be."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from meshscope.adapters.ledgers import failures
from meshscope.adapters.ledgers.anchors import read_anchors, sync_folder
from meshscope.adapters.ledgers.connections import reader, uri
from meshscope.adapters.ledgers.schema import COLUMNS, create, last, record_of, standing
from meshscope.feedback.chain import EPOCH, GENESIS, Anchor, Epoch, Head, digest, read_epoch
from meshscope.feedback.ports import LedgerError
from meshscope.findings import MeshscopeError

_CHECKED = 1000
_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a ledger is before its writer starts: its schema, its end, its last epoch, and the highest one signed."""

    schema: int
    head: Head
    epoch: Epoch
    signed_epoch: int = 0


def made(path: Path, mark: Head | None, anchors: Path | None) -> None:
    """Make a new ledger at ``path``, whole or not at all. Raises `MeshscopeError` where there was one."""
    if mark is not None:
        raise failures.absent(path, f"record {mark.number} was written to it")
    if anchors is not None and read_anchors(anchors).anchors:
        raise failures.absent(path, f"`{anchors}` holds anchors of it")
    if path.with_name(f"{path.name}-wal").exists():
        raise failures.absent(path, "its write-ahead log is still there")
    making = path.with_name(f".{path.name}.making")
    try:
        making.unlink(missing_ok=True)
        making.touch(0o600)
        with closing(sqlite3.connect(uri(making, "rw"), uri=True, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            create(connection)
            connection.execute("COMMIT")
        making.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise failures.unwritable(path, error) from error
    except sqlite3.Error as error:
        raise failures.of(error, path) from error


def sound(path: Path, mark: Head | None, anchors: Path | None) -> Standing:
    """Look at the ledger at ``path`` and change nothing. Raises `MeshscopeError` where it must not be written."""
    told = read_anchors(anchors).anchors if anchors is not None else ()
    try:
        if path.stat().st_size == 0:
            raise failures.empty(path)
        with closing(reader(path, _SECONDS)) as connection:
            schema, epoch = standing(connection, path)
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if said != "ok":
                raise failures.corrupt(path, said)
            head = last(connection)
            _chained(connection, path, head)
            _as_new(connection, path, head, mark, told)
            written = _epoch(connection, path, epoch)
    except FileNotFoundError as error:
        raise failures.none_there(path) from error
    except OSError as error:
        raise failures.unwritable(path, error) from error
    except sqlite3.Error as error:
        raise failures.of(error, path) from error
    return Standing(schema=schema, head=head, epoch=written, signed_epoch=max((one.epoch for one in told), default=0))


def _chained(connection: sqlite3.Connection, path: Path, head: Head) -> None:
    """Raise unless the last records are a chain, and each subject of theirs has its newest one as its head."""
    first = max(head.number - _CHECKED, 0)
    before = connection.execute("SELECT hash FROM records WHERE number = ?", (first,)).fetchone()
    previous = bytes(before[0]) if before else GENESIS
    number = first
    newest: dict[str, tuple[object, ...]] = {}
    query = f"SELECT {COLUMNS} FROM records WHERE number > ? ORDER BY number"  # noqa: S608 - a constant
    for row in connection.execute(query, (first,)):
        number += 1
        try:
            record = record_of(row)
        except ValueError as error:
            raise failures.corrupt(path, str(error)) from error
        if record.number != number or digest(previous, record) != row[-1]:
            raise failures.corrupt(path, f"record {number} does not follow from the one before it")
        previous = bytes(row[-1])
        entry = record.entry
        newest[entry.subject] = (entry.kind, entry.about, int(entry.open), number)
    for subject, expected in newest.items():
        query = "SELECT kind, about, open, number FROM heads WHERE subject = ?"
        if connection.execute(query, (subject,)).fetchone() != expected:
            raise failures.heads_differ(path, subject)


def _as_new(
    connection: sqlite3.Connection, path: Path, head: Head, mark: Head | None, anchors: Sequence[Anchor]
) -> None:
    """Raise unless the ledger holds the last record that was acknowledged, and the last that was signed."""
    known = [(mark, "its lock file")] if mark is not None else []
    if anchors:
        known.append((Head(number=anchors[-1].number, hash=anchors[-1].hash), "its last anchor"))
    for told, who in known:
        if told.number > head.number:
            raise failures.lost(path, head.number, told.number, who)
        row = connection.execute("SELECT hash FROM records WHERE number = ?", (told.number,)).fetchone()
        if told.number and (row is None or row[0] != told.hash):
            raise failures.other_chain(path, told.number, who)


def _epoch(connection: sqlite3.Connection, path: Path, number: int) -> Epoch:
    query = f"SELECT {COLUMNS} FROM records WHERE subject = ? ORDER BY number DESC LIMIT 1"  # noqa: S608 - a constant
    row = connection.execute(query, (EPOCH,)).fetchone()
    try:
        epoch = read_epoch(record_of(row)) if row else Epoch(number=0, why="")
    except ValueError as error:
        raise failures.corrupt(path, "its last epoch can't be read") from error
    if epoch.number != number:
        raise failures.corrupt(path, f"its epoch is {number}, and its records say {epoch.number}")
    return epoch


def living(path: Path, mark: Head | None, anchors: Path | None) -> bool:
    """Whether a ledger that could be written is at ``path``. Raises `LedgerError` where that can't be said now."""
    try:
        sound(path, mark, anchors)
    except LedgerError as error:
        if error.finding.code == "ledger/locked":
            raise
        return False
    except MeshscopeError:
        return False
    return True
