"""Programs that the demo starts: each tied to it, with its own log, and ended with it whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from meshscope.demo import tether
from meshscope.findings import Finding, MeshscopeError

_PATIENCE = 3.0
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LAST_LINES = 8


@dataclass(frozen=True, kw_only=True)
class Running:
    """A program that runs: what a person calls it, and where it writes what goes wrong."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Processes:
    """Everything that was started; leaving the context ends it, the last one first."""

    def __init__(self, logs: Path) -> None:
        """Nothing is started yet; logs go to the folder ``logs``."""
        self._logs = logs
        self._running: list[Running] = []

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
    ) -> Running:
        """Start ``program``. It dies with this process, and gets none of the signals that a terminal sends to it.

        With ``talks`` its stdin and stdout are ours. Raises `MeshscopeError` where it can't be started.
        """
        log = self.log(name)
        command = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), str(program), *arguments]
        with log.open("ab") as told:
            process = subprocess.Popen(  # noqa: S603 - an engine that wiring found, or our own interpreter
                command,
                cwd=folder,
                env={
                    "PATH": os.environ.get("PATH", ""),
                    "HOME": str(folder),
                    "LC_ALL": "C.UTF-8",
                    **(environment or {}),
                },
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else told,
                stderr=told,
                start_new_session=True,
            )
        running = Running(name=name, process=process, log=log)
        self._running.append(running)
        return running

    def look(self) -> None:
        """Raise `MeshscopeError` when a program that should run has ended, with the last that it said."""
        for running in self._running:
            status = running.process.poll()
            if status is not None:
                raise MeshscopeError(_died(running, status))

    def forget(self, name: str) -> None:
        """Have the program called ``name`` be ended, and no reason to end the others."""
        for running in [one for one in self._running if one.name == name]:
            running.process.kill()
            running.process.wait()
            self._running.remove(running)

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


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        # Who was to read it is gone.
        with suppress(BrokenPipeError):
            stream.close()


def _died(running: Running, status: int) -> Finding:
    how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return Finding(
        code="demo/died",
        title=f"{running.name} {how}",
        why=f"the demo needs it until its end; the last that it said:\n{last_words(running.log) or '(nothing)'}",
        help="run `meshscope demo` again, or `meshscope demo --no-live` for what needs no program",
        subject=running.name,
    )


def last_words(log: Path) -> str:
    """The last lines of a log."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(line[:300] for line in lines[-_LAST_LINES:])
