"""What is wrong with a ledger's file, said to a person."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from meshscope.feedback.ports import LedgerError
from meshscope.findings import Finding, MeshscopeError

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_RESTORE = (
    "delete nothing; run `meshscope ledger restore STATE_DIR BACKUP`, which sets these files aside. Where there is no "
    "backup, give it the ledger itself: if its records are whole it is taken over, and the agent only observes until "
    "you clear it"
)
RECORDS = frozenset({"ledger/corrupt", "ledger/changed-record", "ledger/missing-records"})
"""The codes of findings about records, which nothing can mend."""


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else holds the database."""
    return _code(error) in _BUSY


def is_corrupt(error: sqlite3.Error) -> bool:
    """Whether the file is no database, or no whole one."""
    return _code(error) in _CORRUPT or "UTF-8" in str(error)


def _code(error: sqlite3.Error) -> int:
    # The lower byte: the rest says which kind of it.
    return getattr(error, "sqlite_errorcode", -1) & 0xFF


def of(error: sqlite3.Error, path: Path) -> LedgerError:
    """What SQLite raised, as the ledger raises it."""
    if is_busy(error):
        return LedgerError(
            Finding(
                code="ledger/locked",
                title=f"another program holds the ledger `{path}` locked",
                why="until it lets go nothing can be written, and senders are told to come again",
                help="end whatever has it open to write: an SQLite shell, a copy that runs",
                subject=str(path),
            )
        )
    if _code(error) == sqlite3.SQLITE_FULL:
        return LedgerError(
            Finding(
                code="ledger/full",
                title=f"there is no room for the ledger `{path}` to grow",
                why="nothing is written until there is, and senders are told to come again; then it goes on by itself",
                help=f"make room: `df -h {path.parent}`",
                subject=str(path),
            )
        )
    if is_corrupt(error):
        return LedgerError(corrupt(path, str(error)).finding)
    return LedgerError(
        Finding(
            code="ledger/sick",
            title=f"the ledger `{path}` can't be used: {error}",
            why="the disk or the folder does not do what it is asked; nothing of what was to be written is kept",
            help=f"look at the disk and the rights: `ls -la {path.parent}`, `dmesg | tail`",
            subject=str(path),
        )
    )


def corrupt(path: Path, what: str) -> MeshscopeError:
    """A file that is damaged."""
    return MeshscopeError(
        Finding(
            code="ledger/corrupt",
            title=f"the ledger `{path}` is damaged: {what}",
            why="an agent that goes on with a part of what it did could do it again",
            help=_RESTORE,
            subject=str(path),
        )
    )


def lost(path: Path, last: int, number: int, who: str) -> MeshscopeError:
    """A ledger that lacks its newest records."""
    return MeshscopeError(
        Finding(
            code="ledger/records-lost",
            title=f"the ledger `{path}` ends at record {last}, and {who} says that record {number} was written",
            why="the file or its write-ahead log was cut, damaged, or put back from a copy; an agent could repeat acts",
            help=_RESTORE,
            subject=str(path),
        )
    )


def other_chain(path: Path, number: int, who: str) -> MeshscopeError:
    """A ledger whose record is not the one that was written."""
    return MeshscopeError(
        Finding(
            code="ledger/other-chain",
            title=f"record {number} of the ledger `{path}` is not the one that {who} tells of",
            why="the ledger was changed, or it is another one",
            help=_RESTORE,
            subject=str(path),
        )
    )


def absent(path: Path, because: str) -> MeshscopeError:
    """A ledger that was there."""
    return MeshscopeError(
        Finding(
            code="ledger/absent",
            title=f"there is no ledger `{path}`, and there was one: {because}",
            why="a new empty one would forget every act and every limit",
            help="run `meshscope ledger restore STATE_DIR BACKUP`; to begin anew, move the whole state folder away",
            subject=str(path),
        )
    )


def none_there(path: Path) -> MeshscopeError:
    """No ledger to look at."""
    return MeshscopeError(
        Finding(
            code="ledger/none",
            title=f"there is no ledger `{path}`",
            why="it is made by the agent when it first starts",
            help="give the agent's state folder, or the file itself",
            subject=str(path),
        )
    )


def empty(path: Path) -> MeshscopeError:
    """A file without a byte."""
    return MeshscopeError(
        Finding(
            code="ledger/empty",
            title=f"the ledger `{path}` is an empty file",
            why="a ledger is put in place whole, so this one was cut; a new one would forget every act and every limit",
            help=_RESTORE,
            subject=str(path),
        )
    )


def newer(path: Path, schema: int, known: int) -> MeshscopeError:
    """A ledger that a newer version wrote."""
    return MeshscopeError(
        Finding(
            code="ledger/newer",
            title=f"the ledger `{path}` has schema {schema}, and this meshscope knows up to {known}",
            why="a newer meshscope wrote it; an older one could misread it",
            help="run the newer meshscope, or restore a backup of before the update",
            subject=str(path),
        )
    )


def foreign(path: Path) -> MeshscopeError:
    """A database of something else."""
    return MeshscopeError(
        Finding(
            code="ledger/foreign",
            title=f"`{path}` is a database, and no ledger of meshscope",
            why="its tables are others, or are not whole",
            help=_RESTORE,
            subject=str(path),
        )
    )


def held(path: Path, pid: str) -> MeshscopeError:
    """A ledger that another process writes."""
    who = f"process {pid}" if pid else "a process that does not say its number"
    return MeshscopeError(
        Finding(
            code="ledger/held",
            title=f"{who} holds the ledger `{path}`",
            why="one process writes a ledger: two would break its chain and count acts twice",
            help="stop that agent first, or give this one a state folder of its own",
            subject=str(path),
        )
    )


def taken_over(path: Path) -> LedgerError:
    """A ledger that another writer has begun to write."""
    return LedgerError(
        Finding(
            code="ledger/taken-over",
            title=f"another writer has taken over the ledger `{path}`",
            why="its lock file was removed or the ledger restored under a running agent, which must not write any more",
            help="stop this agent; the other one goes on",
            subject=str(path),
        )
    )


def settings(path: Path, name: str, wanted: str, got: object) -> MeshscopeError:
    """A database that does not take what durability needs."""
    return MeshscopeError(
        Finding(
            code="ledger/not-durable",
            title=f"the ledger `{path}` does not take {name}={wanted}: it says {got}",
            why="without it what is acknowledged could be lost with the power",
            help="put the state folder on a disk of this machine, not on a network file system",
            subject=str(path),
        )
    )


def waiting(path: Path, what: str) -> LedgerError:
    """A queue that takes nothing more."""
    return LedgerError(
        Finding(
            code="ledger/overloaded",
            title=f"the ledger `{path}` takes nothing more now: {what}",
            why="more comes in than the disk takes; senders are told to come again",
            help="look at the disk's load; a ledger wants one that syncs within some milliseconds",
            subject=str(path),
        )
    )


def closed(path: Path) -> LedgerError:
    """A ledger that was closed."""
    return LedgerError(
        Finding(
            code="ledger/closed",
            title=f"the ledger `{path}` is closed",
            why="the agent is about to stop",
            help="send it again to the agent that starts next",
            subject=str(path),
        )
    )


def in_the_way(path: Path) -> MeshscopeError:
    """A file where one is to be written."""
    return MeshscopeError(
        Finding(
            code="ledger/in-the-way",
            title=f"`{path}` is there already",
            why="neither a backup nor a living ledger is ever overwritten",
            help="give another name, or move it away first",
            subject=str(path),
        )
    )


def unwritable(path: Path, error: OSError) -> MeshscopeError:
    """A place that can't be written."""
    return MeshscopeError(
        Finding(
            code="ledger/unwritable",
            title=f"`{path}` can't be written: {error.strerror or error}",
            why="the ledger and what belongs to it are kept there",
            help=f"look at the folder and its rights: `ls -la {path.parent}`",
            subject=str(path),
        )
    )


def heads_differ(path: Path, subject: str) -> MeshscopeError:
    """A state that is not the newest record's."""
    return MeshscopeError(
        Finding(
            code="ledger/heads-differ",
            title=f"the ledger `{path}` does not have the newest record of `{subject}` as its state",
            why="the records are whole, and the table that is derived from them is not",
            help="run `meshscope ledger rebuild STATE_DIR`",
            subject=str(path),
        )
    )


def alive(path: Path) -> MeshscopeError:
    """A ledger that needs no restore."""
    return MeshscopeError(
        Finding(
            code="ledger/alive",
            title=f"the ledger `{path}` is whole, and a restore would take its newest records away",
            why="a backup lacks what was done since; an agent could do it again",
            help="if you do want the older one, move this one away first",
            subject=str(path),
        )
    )


def bad_backup(path: Path, what: str) -> MeshscopeError:
    """A backup that can't be trusted."""
    return MeshscopeError(
        Finding(
            code="ledger/bad-backup",
            title=f"the backup `{path}` is not whole: {what}",
            why="an agent would go on with a past that was changed",
            help="restore another backup; to begin without a past, move the whole state folder away",
            subject=str(path),
        )
    )


def fault(path: Path, error: Exception) -> LedgerError:
    """What should never happen, while writing."""
    return LedgerError(
        Finding(
            code="ledger/fault",
            title=f"the ledger `{path}` could not be written: {type(error).__name__}: {error}",
            why="this is a fault of meshscope; nothing of what was to be written is kept",
            help="report it with this line",
            subject=str(path),
        )
    )
