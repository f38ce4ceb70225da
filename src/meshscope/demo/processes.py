"""Programs that the demo starts: each tied to it, with its own log, and ended with it whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO

from meshscope.deploy import tether
from meshscope.findings import Finding, MeshscopeError

_PATIENCE = 3.0
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LAST_LINES = 8
# So many deaths within so many seconds are no accident any more but a loop.
_DEATHS, _WITHIN = 5, 10.0


@dataclass(frozen=True, kw_only=True)
class Running:
    """A program that runs: what a person calls it, where it writes what goes wrong, and how it is started ``again``.

    One that is not ``kept`` is not.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    again: Callable[[], subprocess.Popen[bytes]]
    kept: bool = False


@dataclass(frozen=True)
class Revived:
    """A program that was killed and runs again: when (seconds since 1970), how it ended, and its new process."""

    at: float
    name: str
    how: str
    pid: int


class Processes:
    """Everything that was started; leaving the context ends it, the last one first."""

    def __init__(self, logs: Path) -> None:
        """Nothing is started yet; logs go to the folder ``logs``."""
        self._logs = logs
        self._running: list[Running] = []
        self._revived: list[Revived] = []
        self._killed: list[float] = []

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def start(
        self,
        name: str,
        program: Path,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        talks: bool = False,
        kept: bool = False,
    ) -> Running:
        """Start ``program``. It dies with this process, and gets none of the signals that a terminal sends to it.

        With ``talks`` its stdin and stdout are ours; one that is ``kept`` is started again when somebody kills it.
        Raises `MeshscopeError` where it can't be started.
        """
        log = self.log(name)
        surroundings = {
            "PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LC_ALL": "C.UTF-8", **(environment or {}),
        }  # fmt: skip

        def again() -> subprocess.Popen[bytes]:
            return _tied([str(program), *arguments], folder, surroundings, log, talks=talks)

        running = Running(name=name, process=again(), log=log, again=again, kept=kept)
        self._running.append(running)
        return running

    def look(self) -> None:
        """Start what is kept again where it was killed.

        Raises `MeshscopeError` when another program that should run has ended, with the last that it said.
        """
        for place, running in enumerate(self._running):
            status = running.process.poll()
            if status is None:
                continue
            if not running.kept or status >= 0 or self._loops():
                raise MeshscopeError(_died(running, status))
            fresh = running.again()
            self._running[place] = replace(running, process=fresh)
            self._revived.append(Revived(time.time(), running.name, _how(status), fresh.pid))

    def revived(self) -> list[Revived]:
        """What was started again since this was asked last."""
        found, self._revived = self._revived, []
        return found

    def _loops(self) -> bool:
        now = time.monotonic()
        self._killed = [at for at in self._killed if at > now - _WITHIN] + [now]
        return len(self._killed) > _DEATHS

    def log(self, name: str) -> Path:
        """The log of the program called ``name``."""
        return self._logs / f"{name.replace(' ', '-')}.log"

    def pids(self) -> dict[str, int]:
        """The process of each program by its name."""
        return {running.name: running.process.pid for running in self._running}

    def end(self) -> None:
        """End everything: asked first, killed when it does not listen."""
        with uninterrupted():
            self._end()

    def _end(self) -> None:
        for running in reversed(self._running):
            with suppress(ProcessLookupError):
                running.process.terminate()
        until = time.monotonic() + _PATIENCE
        for running in reversed(self._running):
            process = running.process
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout):
                _close(stream)
        self._running.clear()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no signal break off what ends everything: whoever sends one wants just that."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tied(
    words: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path, *, talks: bool
) -> subprocess.Popen[bytes]:
    """Start a program, tied to us when this returns."""
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb"), log.open("ab") as told:
            process = subprocess.Popen(  # noqa: S603 - an engine that wiring found, or our own interpreter
                [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), str(writing), *words],
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else told,
                stderr=told,
                start_new_session=True,
                pass_fds=(writing,),
            )
        # Its end of the pipe is closed when the program begins, or could not.
        os.read(reading, 1)
    finally:
        os.close(reading)
    return process


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        # Who was to read it is gone.
        with suppress(BrokenPipeError):
            stream.close()


def _died(running: Running, status: int) -> Finding:
    return Finding(
        code="demo/died",
        title=f"{running.name} {_how(status)}",
        why=f"the demo needs it until its end; the last that it said:\n{last_words(running.log) or '(nothing)'}",
        help="run `meshscope demo` again, or `meshscope demo --no-live` for what needs no program",
        subject=running.name,
    )


def _how(status: int) -> str:
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def last_words(log: Path) -> str:
    """The last lines of a log."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(line[:300] for line in lines[-_LAST_LINES:])
