"""What is going on while something takes its time: on a terminal as it happens, in a log what took long."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module

from meshscope.cli.show import coloured, say

_LONG_SECONDS = 10.0
_COUNTS = re.compile(r"\d+ of [\d,]+")


@contextmanager
def working(what: str) -> Iterator[Callable[[str], object]]:
    """Show ``what`` is being done, and for how long; the function that is given changes the words.

    Words are a step and how far it is: ``promtool test rules: 3 of 40 files``. The time is the step's.
    """
    if not coloured(sys.stderr):
        log = Log(say)
        yield log.tell
        log.end()
        return
    # Loaded here, for it takes as long to import as the rest together.
    console, progress = import_module("rich.console").Console(stderr=True), import_module("rich.progress")
    columns = (progress.SpinnerColumn(), progress.TextColumn("{task.description}"), progress.TimeElapsedColumn())
    with progress.Progress(*columns, console=console, transient=True) as shown:
        task, step = shown.add_task(what, total=None), _step(what)

        def tell(words: str) -> None:
            nonlocal step
            if _step(words) != step:
                step = _step(words)
                shown.reset(task, total=None)
            shown.update(task, description=words)

        yield tell


@dataclass
class Log:
    """Says of each step that counts what it does, and took long, how far it came and how many seconds it took."""

    say: Callable[[str], object]
    clock: Callable[[], float] = time.monotonic
    words: str = ""
    begun: float = field(default=0.0)

    def tell(self, words: str) -> None:
        """Hear of a step, or how far it is."""
        if _step(words) != _step(self.words):
            self.end()
            self.begun = self.clock()
        self.words = words

    def end(self) -> None:
        """Say what is to be said of the step that ends."""
        seconds = self.clock() - self.begun
        if _COUNTS.search(self.words) and seconds >= _LONG_SECONDS:
            self.say(f"{self.words}, {seconds:.0f} s\n")
        self.words = ""


def _step(words: str) -> str:
    return words.partition(":")[0]
