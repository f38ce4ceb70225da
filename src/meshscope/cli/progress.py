"""What is going on, on a terminal, while something takes its time; nothing where nobody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

from meshscope.cli.show import coloured


@contextmanager
def working(what: str) -> Iterator[Callable[[str], object]]:
    """Show ``what`` is being done; the function that is given changes the words."""
    if not coloured(sys.stderr):
        yield lambda _: None
        return
    # Loaded here, for it takes as long to import as the rest together.
    console = import_module("rich.console").Console(stderr=True)
    with console.status(what) as status:
        yield lambda words: status.update(words)
