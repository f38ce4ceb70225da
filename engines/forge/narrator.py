"""What a person sees while an engine is made: one line a step on stderr, updated in place in a terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

# The cores that the recipes' estimates were measured on.
MEASURED_CORES = 2


class Narrator:
    """Writes lines that begin with the seconds since the narrator was made."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._begun = time.monotonic()

    def say(self, text: str) -> None:
        """Write one whole line."""
        self._write(text, "\n")

    @contextmanager
    def step(self, text: str) -> Iterator[Callable[[], None]]:
        """Write the line of a step; what is yielded is to be called about once a second while the step goes on."""
        if not self._live:
            self.say(text)
            yield lambda: None
            return
        begun = time.monotonic()
        self._write(text, "")
        try:
            yield lambda: self._write(f"{text} ({time.monotonic() - begun:.0f} s)", "")
        finally:
            self._write(f"{text} ({time.monotonic() - begun:.0f} s)", "\n")

    def _write(self, text: str, end: str) -> None:
        back = "\r\x1b[K" if self._live else ""
        self._stream.write(f"{back}[{time.monotonic() - self._begun:4.0f} s] {text}{end}")
        self._stream.flush()


def estimate(seconds: int) -> str:
    """Return about how long something takes here that took `seconds` on two cores with nothing cached."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # A link step and the longest packages use one core, so more than eight hardly help.
    here = seconds * MEASURED_CORES / min(cores, 8)
    length = f"{here / 60:.0f} min" if here >= 90 else f"{max(here, 1):.0f} s"
    return f"about {length} on {cores} core{'s' if cores > 1 else ''}"
