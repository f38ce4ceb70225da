"""A person at a terminal: a real pseudo-terminal with the demo in its foreground."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping
from pathlib import Path


class Terminal:
    """Starts a command in a terminal of its own; ``said`` is everything that it wrote, in one line."""

    def __init__(self, *command: str, folder: Path, environment: Mapping[str, str]) -> None:
        """Of 100 columns."""
        self._seen = b""
        self.status: int | None = None
        self.pid, self._handle = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, {**os.environ, **environment})
        fcntl.ioctl(self._handle, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", self._seen.decode(errors="replace"))

    @property
    def said(self) -> str:
        return re.sub(r"\s+", " ", self.text)

    def press(self, keys: str) -> None:
        os.write(self._handle, keys.encode())

    def settings(self) -> list[object]:
        return termios.tcgetattr(self._handle)

    def until(self, pattern: str, seconds: float = 240.0, after: int = 0) -> int:
        """Wait until it has written ``pattern`` after so many letters of what it said; where that ends."""
        until = time.monotonic() + seconds
        while True:
            found = re.compile(pattern).search(self.said, after)
            if found is not None:
                return found.end()
            assert time.monotonic() < until, f"{pattern!r} did not come:\n{self.text}"
            assert self._read(), f"{pattern!r} did not come before the end:\n{self.text}"

    def end(self, seconds: float = 60.0) -> int:
        """Wait until it ends; its exit status."""
        until = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < until, f"it does not end:\n{self.text}"
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def close(self) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGTERM)
            self.end()
        os.close(self._handle)

    def _read(self) -> bool:
        """Whether there may be more."""
        if select.select([self._handle], [], [], 0.2)[0]:
            try:
                self._seen += os.read(self._handle, 1 << 16)
            except OSError:
                # The last of it was written, and nobody holds the terminal any more.
                return False
        return True
