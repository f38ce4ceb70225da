"""A ledger in memory: the same chain, the same order, the same epochs; nothing of it outlives the process."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType

import msgspec

from meshscope.feedback.chain import CLEAR, START, Epoch, Head, chained, epoch_entry, judge
from meshscope.feedback.ports import Clock, Entry, LedgerError, Record
from meshscope.findings import Finding


class MemoryLedger:
    """Keeps every record; ``broken`` is asked before each use and may give what is raised, or set, instead."""

    def __init__(
        self, clock: Clock, *, restored: bool = False, broken: Callable[[], LedgerError | None] = lambda: None
    ) -> None:
        self.broken = broken
        self._clock = clock
        self._lock = threading.Lock()
        self._closed = False
        self._head = Head()
        self._hashes: list[bytes] = []
        self._records: list[Record] = []
        self._subjects: dict[str, list[Record]] = defaultdict(list)
        self._epoch = Epoch(number=1, why=START, started=clock.now(), restored=restored)
        self._put([epoch_entry(self._epoch)])

    def __enter__(self) -> MemoryLedger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def head(self) -> Head:
        """The end of the chain."""
        return self._head

    @property
    def hashes(self) -> Sequence[bytes]:
        """The hash of each record, from the first."""
        return tuple(self._hashes)

    @property
    def epoch(self) -> Epoch:
        """The stretch that is written now."""
        return self._epoch

    @property
    def restored(self) -> bool:
        """Whether it counts as restored, and nobody has said yet that it may be acted on."""
        return self._epoch.restored

    def clear_restored(self, by: str) -> None:
        """A person says that it may be acted on. Raises `LedgerError`."""
        epoch = msgspec.structs.replace(self._epoch, why=CLEAR, by=by, restored=False)
        self.append([epoch_entry(epoch)]).result()
        self._epoch = epoch

    def append(self, entries: Sequence[Entry]) -> Future[Sequence[Record]]:
        """Write all entries or none, at once. The future may hold `LedgerError`. Raises `ValueError` for no entry."""
        for entry in entries:
            judge(entry)
        future: Future[Sequence[Record]] = Future()
        try:
            with self._lock:
                self._look()
                records = self._put(entries)
        except LedgerError as error:
            future.set_exception(error)
        else:
            future.set_result(tuple(records))
        return future

    def history(self, subject: str) -> Sequence[Record]:
        """Every record of ``subject``, the oldest first. Raises `LedgerError`."""
        with self._lock:
            self._look()
            return list(self._subjects.get(subject, ()))

    def heads(
        self,
        kind: str,
        *,
        open: bool | None = None,  # noqa: A002 - what the table calls it
        about: str = "",
        before: int = 0,
        limit: int = 1000,
    ) -> Sequence[Record]:
        """The newest record of each subject of ``kind``, the newest first. Raises `LedgerError`."""
        with self._lock:
            self._look()
            newest = [records[-1] for records in self._subjects.values()]
        found = [
            record
            for record in newest
            if record.entry.kind == kind
            and (open is None or record.entry.open == open)
            and (not about or record.entry.about == about)
            and (before <= 0 or record.number < before)
        ]
        return sorted(found, key=lambda record: record.number, reverse=True)[: max(limit, 0)]

    def records(self, after: int, limit: int = 1000) -> Sequence[Record]:
        """Records of any kind with a number above ``after``, in order. Raises `LedgerError`."""
        with self._lock:
            self._look()
            first = max(after, 0)
            return self._records[first : first + max(limit, 0)]

    def close(self) -> None:
        """Take nothing more. May be called twice."""
        with self._lock:
            self._closed = True

    def _look(self) -> None:
        if self._closed:
            raise LedgerError(
                Finding(
                    code="ledger/closed",
                    title="the ledger in memory is closed",
                    why="the agent is about to stop",
                    help="send it again to the agent that starts next",
                )
            )
        error = self.broken()
        if error is not None:
            raise error

    def _put(self, entries: Sequence[Entry]) -> list[Record]:
        links, self._head = chained(self._head, float(self._clock.now()) + 0.0, entries)
        for record, digest in links:
            self._records.append(record)
            self._hashes.append(digest)
            self._subjects[record.entry.subject].append(record)
        return [record for record, _ in links]
