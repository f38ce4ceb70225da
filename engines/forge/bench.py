"""The place where one engine is made: a temporary folder, a compiler, a log, and someone who tells how far it is."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from forge.failure import STEP, of_step
from forge.narrator import Narrator


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What a build gets to work with; `title` is what is made, `result` becomes its folder when it is complete."""

    title: str
    folder: Path
    log: Path
    environment: Mapping[str, str]
    narrator: Narrator

    @property
    def result(self) -> Path:
        """The folder that the finished things go into."""
        return self.folder / "result"

    def run(
        self, step: str, *command: str | Path, cwd: Path | None = None, expect: str = "", **environment: str
    ) -> None:
        """Run one step's command, its output in the log; `expect` is told beside the step, `environment` is added.

        Raises Failure when the command ends with anything but 0.
        """
        told = f"{self.title}: {step}" + (f", {expect}" if expect else "")
        with self.narrator.step(told) as tick, self.log.open("a", encoding="utf-8") as log:
            words = [str(word) for word in command]
            log.write(f"{STEP}{step}: {' '.join(words)}\n")
            log.flush()
            process = subprocess.Popen(  # noqa: S603 - the commands come from the recipes beside this file
                words,
                cwd=cwd or self.folder,
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            code = _wait(process, tick)
        if code:
            raise of_step(f"{self.title}: the step `{step}` failed (exit {code})", self.log)


def _wait(process: subprocess.Popen[bytes], tick: Callable[[], None]) -> int:
    """Wait for a process and return its exit code; if we are interrupted, its whole group ends first."""
    try:
        while True:
            try:
                return process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                tick()
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
