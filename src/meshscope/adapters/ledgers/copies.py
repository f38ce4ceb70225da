"""Backups of a ledger, restores from them, and its derived table made anew."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from meshscope.adapters.ledgers import failures, schema
from meshscope.adapters.ledgers.anchors import read_anchors, sync_folder, write_anchor
from meshscope.adapters.ledgers.connections import begin, reader, uri, writer
from meshscope.adapters.ledgers.lock import Lock, boot
from meshscope.adapters.ledgers.pen import put_epoch
from meshscope.adapters.ledgers.start import living, sound
from meshscope.adapters.ledgers.verify import verify
from meshscope.feedback.chain import RESTORE, Epoch, Head, Signer, anchored
from meshscope.feedback.ports import Clock

_SECONDS = 5.0
_MOST_EPOCH = 1 << 53


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A copy of a ledger: its end, the epoch in which it was made, and its size in bytes."""

    path: Path
    head: Head
    epoch: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a restore did: the backup's last record, the epoch it began, the files it set aside.

    ``lost`` counts the records after it that are known to have been written once.
    """

    base: int
    head: Head
    epoch: int
    lost: int
    aside: tuple[Path, ...]


def copied(source: Path, target: Path) -> Backup:
    """Copy the ledger at ``source``, which may be written meanwhile, to a new file. Raises `MeshscopeError`."""
    if not source.exists():
        raise failures.none_there(source)
    if target.exists():
        raise failures.in_the_way(target)
    with _making(target, source) as making:
        _copy(source, making)
        standing = sound(making, None, None)
        _placed(making, target)
    return Backup(path=target, head=standing.head, epoch=standing.epoch.number, size=target.stat().st_size)


def restored(
    backup: Path, path: Path, *, anchors: Path | None, signer: Signer | None, clock: Clock, by: str
) -> Restored:
    """Put a copy of ``backup`` in the place of ``path``, where it begins a new epoch in which nothing is acted on yet.

    Damaged files that are there are set aside. Raises `MeshscopeError` for a ledger that lives, and for a backup whose
    records are not whole.
    """
    if not backup.exists():
        raise failures.none_there(backup)
    lock = Lock(path)
    try:
        mark = lock.mark
        if path.exists() and living(path, mark, anchors):
            raise failures.alive(path)
        told = read_anchors(anchors).anchors if anchors is not None else ()
        signed = max((anchor.epoch for anchor in told if anchor.epoch < _MOST_EPOCH), default=0)
        with _making(path, path) as making:
            _copy(backup, making)
            base, epoch, head = _marked(making, backup, signed, clock.now(), by)
            if anchors is not None:
                write_anchor(anchors, anchored(head, at=clock.now(), epoch=epoch, signer=signer))
            aside = tuple(_set_aside(path))
            _placed(making, path)
            lock.note(head)
    except OSError as error:
        raise failures.unwritable(path, error) from error
    finally:
        lock.release()
    known = max([anchor.number for anchor in told] + ([mark.number] if mark is not None else []), default=0)
    return Restored(base=base, head=head, epoch=epoch, lost=max(known - base, 0), aside=aside)


def rebuilt(path: Path) -> int:
    """Make the derived table of a ledger that nobody writes anew; how many of its rows were wrong.

    Raises `MeshscopeError`.
    """
    if not path.exists():
        raise failures.none_there(path)
    lock = Lock(path)
    try:
        with closing(reader(path, _SECONDS)) as looking:
            schema.standing(looking, path)
        with closing(writer(path)) as connection, _transaction(connection):
            connection.execute("REINDEX")
            return schema.rebuild(connection)
    except sqlite3.Error as error:
        raise failures.of(error, path) from error
    finally:
        lock.release()


def _copy(source: Path, making: Path) -> None:
    """Copy a database as it is at one moment into one file that needs no other."""
    try:
        with closing(reader(source, _SECONDS)) as old:
            schema.standing(old, source)
            with closing(sqlite3.connect(uri(making, "rw"), uri=True, isolation_level=None)) as new:
                old.backup(new)
        with closing(sqlite3.connect(uri(making, "rw"), uri=True, isolation_level=None)) as new:
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise failures.of(error, source) from error


def _marked(making: Path, backup: Path, signed: int, at: float, by: str) -> tuple[int, int, Head]:
    """Begin the epoch of a restored ledger in the copy: its last record before, the epoch, its end."""
    found = verify(making, anchors=None, key=None)
    wrong = [finding for finding in found.findings if finding.code in failures.RECORDS]
    if wrong:
        raise failures.bad_backup(backup, wrong[0].title)
    try:
        with closing(sqlite3.connect(uri(making, "rw"), uri=True, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            with _transaction(connection):
                version, number = schema.standing(connection, backup)
                schema.migrate(connection, version)
                schema.rebuild(connection)
                base = schema.last(connection)
                epoch = Epoch(
                    number=max(number, signed) + 1,
                    why=RESTORE,
                    pid=os.getpid(),
                    boot=boot(),
                    started=at,
                    by=by,
                    schema=schema.known(),
                    restored=True,
                    base=base.number,
                )
                _, head = put_epoch(connection, epoch, at)
    except sqlite3.Error as error:
        raise failures.of(error, backup) from error
    return base.number, epoch.number, head


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    begin(connection, time.monotonic() + _SECONDS)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _making(target: Path, named: Path) -> Iterator[Path]:
    """An empty file beside ``target``, gone afterwards if it was not put in place."""
    making = target.with_name(f".{target.name}.making-{os.getpid()}")
    try:
        making.unlink(missing_ok=True)
        making.touch(0o600)
        yield making
    except OSError as error:
        raise failures.unwritable(named, error) from error
    finally:
        for name in (making.name, f"{making.name}-journal", f"{making.name}-wal", f"{making.name}-shm"):
            with suppress(OSError):
                making.with_name(name).unlink()


def _placed(making: Path, target: Path) -> None:
    """Give a whole file its name, unless somebody else has it, so that a loss of power leaves it or nothing."""
    descriptor = os.open(making, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(making, target)
    except FileExistsError as error:
        raise failures.in_the_way(target) from error
    sync_folder(target.parent)


def _set_aside(path: Path) -> Iterator[Path]:
    """Give what is at ``path`` another name, its write-ahead log with it."""
    number = 1
    while (aside := path.with_name(f"{path.name}.aside-{number}")).exists():
        number += 1
    # The log first: a database without its log is worse than a log without its database.
    for end in ("-wal", "-shm", ""):
        old = path.with_name(path.name + end)
        if old.exists():
            old.rename(aside.with_name(aside.name + end))
            yield aside.with_name(aside.name + end)
