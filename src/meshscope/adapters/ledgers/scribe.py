"""The thread that writes: it takes all that waits, writes it in one go, and answers everybody at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from meshscope.feedback.ports import Entry, LedgerError, Record

_BATCH_ENTRIES = 2000
_BATCH_BYTES = 8 << 20
_GATHER_SECONDS = 0.001


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """Entries that are written together, each with its body as it is stored; ``size`` in bytes."""

    entries: Sequence[Entry]
    stored: Sequence[tuple[bool, bytes]]
    size: int
    future: Future[Sequence[Record]] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)


Written = Sequence[Sequence[Record]]
Write = Callable[[Sequence[Job], float], Written]


class Scribe:
    """Writes jobs in the order in which they come, many at a time, by ``write``.

    ``write`` is given jobs and when to give up, and writes all or raises. ``overloaded``, ``closed`` and ``failed``
    make the errors that a job gets when there is no room, no more writing, or a fault.
    """

    def __init__(
        self,
        write: Write,
        *,
        busy_seconds: float,
        most_entries: int,
        most_bytes: int,
        overloaded: Callable[[str], LedgerError],
        closed: Callable[[], LedgerError],
        failed: Callable[[Exception], LedgerError],
    ) -> None:
        """Start the thread."""
        self._write = write
        self._busy_seconds = busy_seconds
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._overloaded = overloaded
        self._closed_error = closed
        self._failed = failed
        self._condition = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._entries = 0
        self._bytes = 0
        self._expected = 1
        self._at_work_since = 0.0
        self._closed = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-scribe", daemon=True)
        self._watch = threading.Thread(target=self._keep_watch, name="ledger-watch", daemon=True)
        self._thread.start()
        self._watch.start()

    def take(self, job: Job) -> None:
        """Queue ``job``; its future fails at once where there is no room, or the thread is stuck."""
        with self._condition:
            error = self._refused(job)
            if error is None:
                self._waiting.append(job)
                self._entries += len(job.entries)
                self._bytes += job.size
                if len(self._waiting) >= self._expected:
                    self._condition.notify()
        if error is not None:
            job.future.set_exception(error)

    def _refused(self, job: Job) -> LedgerError | None:
        if self._closed:
            return self._closed_error()
        if self._entries + len(job.entries) > self._most_entries or self._bytes + job.size > self._most_bytes:
            return self._overloaded(f"{self._entries:,} entries of {self._bytes >> 20} MiB wait")
        if self._stuck():
            return self._overloaded(f"the disk has not answered for {self._busy_seconds:g} seconds")
        return None

    def _stuck(self) -> bool:
        """Whether one write takes longer than any lock is waited for: then the disk does not answer."""
        return bool(self._at_work_since) and time.monotonic() - self._at_work_since > 1.25 * self._busy_seconds

    def close(self) -> None:
        """Write what waits, then end the thread."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join()
        self._ended.set()
        self._watch.join()

    def _run(self) -> None:
        while (jobs := self._next()) is not None:
            if jobs:
                self._do(jobs)

    def _next(self) -> list[Job] | None:
        """What is to be written next: nothing where all have gone away meanwhile, None when no more will come."""
        with self._condition:
            while not self._waiting:
                if self._closed:
                    return None
                self._expected = 1
                self._condition.wait()
            self._gather()
            jobs: list[Job] = []
            entries = size = 0
            while self._waiting:
                job = self._waiting[0]
                entries, size = entries + len(job.entries), size + job.size
                if jobs and (entries > _BATCH_ENTRIES or size > _BATCH_BYTES):
                    break
                self._drop_first()
                # Who has gone away meanwhile does not want it written.
                if job.future.set_running_or_notify_cancel():
                    jobs.append(job)
            self._expected = len(jobs)
            self._at_work_since = time.monotonic() if jobs else 0.0
            return jobs

    def _gather(self) -> None:
        """Wait a moment for as many as were answered last: they tend to come back at once, and share a commit then."""
        if not self._closed and len(self._waiting) < self._expected:
            self._condition.wait(_GATHER_SECONDS)

    def _drop_first(self) -> Job:
        job = self._waiting.popleft()
        self._entries -= len(job.entries)
        self._bytes -= job.size
        return job

    def _do(self, jobs: Sequence[Job]) -> None:
        error: LedgerError | None = None
        try:
            written = self._write(jobs, min(job.since for job in jobs) + self._busy_seconds)
        except LedgerError as raised:
            error = raised
        except Exception as raised:
            # Whatever it is, everybody who waits must know, and the next ones must be served.
            error = self._failed(raised)
        with self._condition:
            self._at_work_since = 0.0
        if error is not None:
            for job in jobs:
                # One each: whoever raises it writes into it.
                job.future.set_exception(LedgerError(error.finding))
            return
        for job, records in zip(jobs, written, strict=True):
            job.future.set_result(records)

    def _keep_watch(self) -> None:
        """Answer those who wait behind a write that doesn't end; the one that is being written may yet be."""
        while not self._ended.wait(self._busy_seconds / 4):
            late: list[Job] = []
            with self._condition:
                while self._stuck() and self._waiting and self._late(self._waiting[0]):
                    late.append(self._drop_first())
            for job in late:
                if job.future.set_running_or_notify_cancel():
                    job.future.set_exception(self._overloaded("the disk does not answer"))

    def _late(self, job: Job) -> bool:
        return time.monotonic() - job.since > self._busy_seconds
