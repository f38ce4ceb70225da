"""Judge a ledger as it lies there: read only, while an agent writes it or on a copy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from meshscope.adapters.ledgers import failures, schema
from meshscope.adapters.ledgers.anchors import read_anchors
from meshscope.adapters.ledgers.connections import reader
from meshscope.feedback.chain import EPOCH, Link, Verification, Verified, Verifier, read_epoch, trusted
from meshscope.findings import Finding, Level

_PAGE = 2000
_SECONDS = 5.0
_LISTED = 20
_LOWEST = -(1 << 63)


def verify(
    path: Path,
    *,
    anchors: Path | None,
    key: Verifier | None,
    tell: Callable[[str], object] = lambda _: None,
) -> Verified:
    """Look at every record, anchor and head of the ledger at ``path``; ``tell`` is told how far it is.

    What is wrong is in the findings. Raises `MeshscopeError` where there is no ledger, or it can't be opened.
    """
    if not path.exists():
        raise failures.none_there(path)
    if path.stat().st_size == 0:
        raise failures.empty(path)
    # Before the records: what was signed until now is in what is read from now on.
    told = read_anchors(anchors) if anchors is not None else None
    good, wrong = trusted(told.anchors if told is not None else (), key)
    judge = Verification(good)
    for finding in (*(told.findings if told is not None else ()), *wrong):
        judge.find(finding)
    if told is None or not told.anchors:
        judge.find(_unanchored(anchors))
    heads = 0
    try:
        with closing(reader(path, _SECONDS, lenient=True)) as connection:
            schema.standing(connection, path)
            try:
                for finding in _structure(connection, path):
                    judge.find(finding)
                _walk(connection, judge, tell)
                tell("comparing the heads")
                for finding in _heads(connection):
                    judge.find(finding)
                heads = connection.execute("SELECT count(*) FROM heads").fetchone()[0]
            except sqlite3.DatabaseError as error:
                if not failures.is_corrupt(error):
                    raise
                judge.find(failures.corrupt(path, str(error)).finding)
    except sqlite3.Error as error:
        raise failures.of(error, path) from error
    return replace(judge.end(), heads=heads)


def _walk(connection: sqlite3.Connection, judge: Verification, tell: Callable[[str], object]) -> None:
    """Show every record to the judge; in pages, so that a living ledger's log does not grow meanwhile."""
    end = schema.last(connection).number
    query = f"SELECT {schema.COLUMNS} FROM records WHERE number > ? AND number <= ? ORDER BY number LIMIT ?"  # noqa: S608
    after = _LOWEST
    while rows := connection.execute(query, (after, end, _PAGE)).fetchall():
        for row in rows:
            judge.see(_link(row))
        after = rows[-1][0]
        tell(f"{after:,} of {end:,} records")


def _link(row: schema.Row) -> Link:
    number, digest = row[0], row[-1]
    try:
        record = schema.record_of(row)
    except ValueError:
        record = None
    return Link(
        number=number if isinstance(number, int) else 0,
        hash=digest if isinstance(digest, bytes) else b"",
        record=record,
    )


def _structure(connection: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    """What SQLite itself says of the file, and whether the tables and what guards them are as they were made."""
    for (said,) in connection.execute(f"PRAGMA integrity_check({_LISTED})"):
        if said != "ok":
            yield failures.corrupt(path, said).finding
    made = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'"))
    version, _ = schema.standing(connection, path)
    if version == schema.known():
        for name in sorted({*made, *schema.TABLES}):
            if made.get(name) != schema.TABLES.get(name):
                yield _other_schema(name)


def _heads(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Subjects whose head is not their newest record."""
    stale = (
        "SELECT newest.subject FROM (SELECT subject, max(number) AS number FROM records GROUP BY subject) AS newest "
        "LEFT JOIN heads ON heads.subject = newest.subject WHERE heads.number IS NOT newest.number LIMIT ?"
    )
    wrong = (
        "SELECT heads.subject FROM heads LEFT JOIN records ON records.number = heads.number "
        "WHERE records.subject IS NOT heads.subject OR records.kind IS NOT heads.kind "
        "OR records.about IS NOT heads.about OR records.open IS NOT heads.open LIMIT ?"
    )
    subjects = {str(row[0]) for query in (stale, wrong) for row in connection.execute(query, (_LISTED,))}
    for subject in sorted(subjects):
        yield _head_differs(subject)
    # One statement, one moment: an agent may start meanwhile.
    query = (
        f"SELECT (SELECT value FROM meta WHERE key = 'epoch'), {schema.COLUMNS} FROM records "  # noqa: S608 - constants
        "WHERE subject = ? ORDER BY number DESC LIMIT 1"
    )
    row = connection.execute(query, (EPOCH,)).fetchone()
    if row is not None and row[0] != _written_epoch(row[1:]):
        yield _head_differs(EPOCH)


def _written_epoch(row: schema.Row) -> int | None:
    try:
        return read_epoch(schema.record_of(row)).number
    except ValueError:
        return None


def _head_differs(subject: str) -> Finding:
    return Finding(
        code="ledger/heads-differ",
        title=f"the state of `{subject}` is not its newest record",
        why="the table of states is derived from the records, and says something else: the agent would act on it",
        help="run `meshscope ledger rebuild STATE_DIR`, and find out who could write the file",
        subject=subject,
    )


def _other_schema(name: str) -> Finding:
    return Finding(
        code="ledger/schema-changed",
        title=f"`{name}` of the ledger's tables is not as meshscope made it",
        why="what keeps records from being changed or removed was taken away or something was added",
        help="find out who could write the file, and `meshscope ledger restore` a backup",
        subject=name,
    )


def _unanchored(anchors: Path | None) -> Finding:
    where = f"`{anchors}` holds no anchor" if anchors is not None else "no file of anchors is given"
    return Finding(
        code="ledger/unanchored",
        title=f"{where}, so nothing of this ledger is protected",
        why="whoever can rewrite the file can rewrite every hash in it",
        help="give the agent's file of anchors with --anchors",
        level=Level.WARNING,
    )
