"""The file of anchors, in a second place: a line for each, synced when it is written. `chattr +a` suits it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from meshscope.adapters.ledgers import failures
from meshscope.feedback.chain import Anchor, Head, Signer, anchored, read_anchor
from meshscope.findings import Finding, Level

_LAST = 4096
_AGAIN_SECONDS = 1.0
_PATIENCE = 5.0


@dataclass(frozen=True, kw_only=True)
class Anchors:
    """What a file of anchors holds, and what in it is none."""

    anchors: tuple[Anchor, ...] = ()
    findings: tuple[Finding, ...] = ()


def read_anchors(path: Path) -> Anchors:
    """The anchors in ``path``, in their order; none where there is no such file. Raises `MeshscopeError`."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Anchors()
    except OSError as error:
        raise failures.unwritable(path, error) from error
    lines = content.split(b"\n")
    torn = lines.pop()
    anchors: list[Anchor] = []
    findings: list[Finding] = []
    for number, line in enumerate(lines, 1):
        try:
            anchors.append(read_anchor(line))
        except ValueError:
            findings.append(_unreadable(path, number))
    if torn:
        findings.append(_torn(path))
    return Anchors(anchors=tuple(anchors), findings=tuple(findings))


def write_anchor(path: Path, anchor: Anchor) -> None:
    """Append ``anchor`` and sync it; the file is made where there is none. Raises `OSError`."""
    new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        line = _mended(descriptor, size) + anchor.line()
        if os.write(descriptor, line) != len(line):
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise OSError(None, "the disk took only a part of an anchor")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new:
        sync_folder(path.parent)


def _mended(descriptor: int, size: int) -> bytes:
    """Cut off a last line that was never completed; where the file can only grow, what ends that line."""
    last = os.pread(descriptor, _LAST, max(size - _LAST, 0))
    if not last or last.endswith(b"\n"):
        return b""
    try:
        os.ftruncate(descriptor, size - len(last) + last.rfind(b"\n") + 1)
    except OSError:
        return b"\n"
    return b""


class Notary:
    """Signs the end of the chain into the file at ``path``: after ``every`` records, or ``seconds`` after any.

    In a thread of its own, so that a second place that hangs holds up nothing. What can't be written is tried again;
    ``error`` says why it couldn't, and the tail grows meanwhile.
    """

    def __init__(
        self,
        path: Path,
        signer: Signer | None,
        *,
        every: int,
        seconds: float,
        epoch: int,
        now: Callable[[], float],
    ) -> None:
        """Start the thread."""
        self.error = ""
        self.number = 0
        """The last record that an anchor of this run holds."""
        self._path = path
        self._signer = signer
        self._every = every
        self._seconds = seconds
        self._epoch = epoch
        self._now = now
        self._head = Head()
        self._due = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="ledger-notary", daemon=True)
        self._thread.start()

    def tell(self, head: Head, *, now: bool = False) -> None:
        """The chain ends at ``head`` now; sign it ``now``, or when it is time."""
        self._head = head
        if now or head.number - self.number >= self._every:
            self._due.set()

    def close(self) -> None:
        """Sign the end, and end the thread; when the second place hangs, it is left behind after some seconds."""
        self._closed = True
        self._due.set()
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        while not self._closed:
            self._due.wait(self._seconds)
            self._due.clear()
            if not self._sign() and not self._closed:
                time.sleep(_AGAIN_SECONDS)
                self._due.set()
        self._sign()

    def _sign(self) -> bool:
        """Write an anchor unless one holds the end already; whether it does now."""
        head = self._head
        if head.number > self.number:
            try:
                anchor = anchored(head, at=self._now(), epoch=self._epoch, signer=self._signer)
                write_anchor(self._path, anchor)
            except OSError as error:
                self.error = f"{self._path}: {error.strerror or error}"
                return False
            self.number, self.error = head.number, ""
        return True


def sync_folder(folder: Path) -> None:
    """Make a new name in ``folder`` outlive a loss of power. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unreadable(path: Path, line: int) -> Finding:
    return Finding(
        code="ledger/bad-anchor",
        title=f"line {line} of `{path}` is no anchor",
        why="the agent writes whole lines: this one was changed, and what it protected is protected by later ones only",
        help="keep the file, and find out who could write it",
        subject=str(line),
    )


def _torn(path: Path) -> Finding:
    return Finding(
        code="ledger/torn-anchor",
        title=f"the last line of `{path}` is not complete",
        why="the machine stopped while it was written, or it is being written now; the agent mends it when it starts",
        help="nothing is to be done if the machine lost its power",
        level=Level.WARNING,
    )
