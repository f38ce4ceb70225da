"""Keys as a person presses them, one at a time, where the demo has a terminal to itself."""

from __future__ import annotations

import os
import select
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress

INTERRUPT, HUNG_UP = "\x03", ""
_LOCAL, _CONTROL = 3, 6


def person() -> bool:
    """Whether somebody sits there: stdin and stdout are a terminal, and we are in its foreground."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        # It is a terminal, and not the one that we could be stopped from.
        return False


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """Every key as it is pressed, Ctrl-C as well; the terminal is as before when this is left."""
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    raw = termios.tcgetattr(handle)
    raw[_LOCAL] &= ~(termios.ECHO | termios.ICANON)
    raw[_CONTROL] = list(raw[_CONTROL])
    # Ctrl-C is for us alone, not for whoever started us too; Ctrl-\\ still ends everything at once.
    none = os.fpathconf(handle, "PC_VDISABLE").to_bytes(1, "little")
    raw[_CONTROL][termios.VINTR] = raw[_CONTROL][termios.VSUSP] = none
    raw[_CONTROL][termios.VMIN], raw[_CONTROL][termios.VTIME] = 1, 0
    # What was typed before, nobody was asked.
    termios.tcsetattr(handle, termios.TCSAFLUSH, raw)
    try:
        yield Keyboard(handle)
    finally:
        # Where the terminal is gone there is nothing to give back.
        with suppress(termios.error):
            termios.tcsetattr(handle, termios.TCSADRAIN, before)


class Keyboard:
    """A terminal that gives each key at once."""

    def __init__(self, handle: int) -> None:
        """At the file descriptor ``handle``."""
        self._handle = handle

    def pressed(self, seconds: float) -> str | None:
        """The key that is pressed within ``seconds``, as a letter; None where none is, `HUNG_UP` at the end."""
        if not select.select([self._handle], [], [], seconds)[0]:
            return None
        try:
            return os.read(self._handle, 64).decode(errors="replace")
        except OSError:
            return HUNG_UP
