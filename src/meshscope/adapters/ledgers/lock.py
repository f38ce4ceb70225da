"""The lock beside a ledger: who writes it, and the mark, the last record that was ever acknowledged.

The mark is written after each commit and is never synced: it outlives the process, and after a loss of power it is
behind and never ahead. A ledger that ends before its mark has lost records, and SQLite alone would not say so: it
passes over what it can't read at the end of its write-ahead log.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from meshscope.adapters.ledgers import failures
from meshscope.feedback.chain import Head

_WHO = 64
_MARK = 86
_PATIENCE = 0.5
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Lock:
    """The lock on the ledger at ``path``, held until it is released or the process ends.

    Raises `MeshscopeError` where another one holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = lock_of(path)
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise failures.unwritable(self.path, error) from error
        try:
            _taken(self._descriptor)
        except OSError as error:
            pid = os.pread(self._descriptor, _WHO, 0).partition(b" ")[0].decode(errors="replace")
            os.close(self._descriptor)
            raise failures.held(path, pid if pid.isdigit() else "") from error
        self.mark = _read(self._descriptor)
        os.pwrite(self._descriptor, f"{os.getpid()} {boot()}".encode().ljust(_WHO - 1)[: _WHO - 1] + b"\n", 0)

    def note(self, head: Head) -> None:
        """Set the mark: a ledger that ends before ``head`` has lost something from now on."""
        with suppress(OSError):
            # Where it can't be written it stays behind, and so says less; the records are on disk.
            os.pwrite(self._descriptor, f"{head.number:020d} {head.hash.hex()}\n".encode(), _WHO)
            self.mark = head

    def release(self) -> None:
        """Let the next one in. The file stays, with its mark."""
        os.close(self._descriptor)


def _taken(descriptor: int) -> None:
    """Take the lock. Raises OSError where another one holds it, and goes on doing so.

    A writer that was killed as it began another program leaves a child that holds it for the moment before it is one.
    """
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise
        time.sleep(0.02)


def lock_of(path: Path) -> Path:
    """The lock file of the ledger at ``path``."""
    return path.with_name(f"{path.name}.lock")


def boot() -> str:
    """What this machine's running since its last start is called; empty where it has no name."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _read(descriptor: int) -> Head | None:
    number, _, digits = os.pread(descriptor, _MARK, _WHO).partition(b" ")
    try:
        mark = Head(number=int(number), hash=bytes.fromhex(digits.decode("ascii").strip()))
    except ValueError:
        return None
    return mark if len(mark.hash) == 32 else None
