"""A desk that keeps what it is given in a list, and can be told to fail or to wait; and a port that nobody may call."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from meshscope.feedback.desk import Part
from meshscope.feedback.ports import LedgerError
from meshscope.feedback.state import Received
from meshscope.findings import Finding

FULL = LedgerError(Finding(code="ledger/full", title="the disk is full", why="nothing fits any more", help="make room"))


@dataclass(frozen=True)
class Taken:
    """What was accepted with one call."""

    tenant: str
    received: tuple[Received, ...]
    raw: bytes
    truncated: int


@dataclass
class TwinLedger:
    """A ledger of which only its sickness is of interest."""

    error: Exception | None = None

    def append(self, entries: Sequence[object]) -> Future[Sequence[object]]:
        assert not entries
        done: Future[Sequence[object]] = Future()
        if self.error is not None:
            done.set_exception(self.error)
        else:
            done.set_result(())
        return done


@dataclass
class TwinDesk:
    """Stores in another thread, as a ledger does, each (tenant, fingerprint, status) once."""

    taken: list[Taken] = field(default_factory=list)
    ledger: TwinLedger = field(default_factory=TwinLedger)
    going: threading.Event = field(default_factory=threading.Event)
    """Not set: nothing is written until it is."""
    alive: list[Part] = field(default_factory=list)
    silent: bool = False
    writing: int = 0
    """So many calls are begun and not answered."""
    _known: set[tuple[str, str, str]] = field(default_factory=set)
    _writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def __post_init__(self) -> None:
        self.going.set()

    def accept(self, tenant: str, received: Sequence[Received], raw: bytes, truncated: int = 0) -> Future[int]:
        self.writing += 1
        done = self._writer.submit(self._write, Taken(tenant, tuple(received), raw, truncated))
        done.add_done_callback(self._written)
        return done

    def _written(self, _: object) -> None:
        self.writing -= 1

    def _write(self, taken: Taken) -> int:
        self.going.wait(20)
        if self.ledger.error is not None:
            raise self.ledger.error
        new = {(taken.tenant, one.fingerprint, one.status) for one in taken.received} - self._known
        self._known |= new
        if new:
            self.taken.append(taken)
        return len(new)

    def parts(self) -> Sequence[Part]:
        at = time.monotonic() - (60.0 if self.silent else 0.0)
        return [Part(name="decide", at=at, patience=30.0), *self.alive]

    @property
    def alerts(self) -> list[Received]:
        return [one for taken in list(self.taken) for one in taken.received]

    def close(self) -> None:
        self.going.set()
        self._writer.shutdown()


class Canary:
    """Listens at a port of this machine to which hostile values point: nobody may ever call."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.calls = 0
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            caller.close()
            self.calls += 1

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
