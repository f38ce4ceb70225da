"""What a definition must not do while it is read: reach the network, start a process, write a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from meshscope.findings import Finding, Place, here
from meshscope.wiring.blame import in_house

_FORBIDDEN = {
    "socket.connect": "opens a network connection",
    "socket.bind": "listens on the network",
    "socket.getaddrinfo": "asks the network for a name",
    "socket.gethostbyname": "asks the network for a name",
    "subprocess.Popen": "starts a process",
    "os.system": "starts a process",
    "os.exec": "starts a process",
    "os.fork": "starts a process",
    "os.forkpty": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.remove": "removes a file",
    "os.rename": "renames a file",
    "os.mkdir": "makes a folder",
}


class Forbidden(BaseException):
    """Raised through a definition that does what none may; ``except Exception`` does not catch it."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.title)
        self.finding = finding


class Guard:
    """An audit hook that is awake while definitions are read, and tells ``read`` of each file that they open."""

    def __init__(self, root: Path, read: Callable[[Path], None]) -> None:
        self._root = root
        self._read = read
        self._awake = False
        self.findings: list[Finding] = []
        sys.addaudithook(self._hear)

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Watch within the block."""
        self._awake = True
        try:
            yield
        finally:
            self._awake = False

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._awake:
            return
        what = _FORBIDDEN.get(event)
        if what is None and event == "open":
            what = self._opened(arguments)
        if what is not None:
            # Once asleep, so that whatever handles this may work.
            self._awake = False
            finding = _finding(what, here(lambda frame: in_house(frame, self._root)) or here())
            self.findings.append(finding)
            raise Forbidden(finding)

    def _opened(self, arguments: tuple[object, ...]) -> str | None:
        path, mode = arguments[0], arguments[1]
        if isinstance(mode, str) and any(letter in mode for letter in "wax+"):
            return "writes a file"
        if isinstance(path, str | bytes) and isinstance(mode, str):
            opened = Path(path.decode() if isinstance(path, bytes) else path)
            if opened.suffix not in (".py", ".pyc", ".so") and opened.is_file():
                self._awake = False
                self._read(opened)
                self._awake = True
        return None


def _finding(what: str, place: Place | None) -> Finding:
    return Finding(
        code="load/not-pure",
        title=f"a definition {what}",
        place=place,
        why="the same definitions must give the same bytes on every machine; what comes from outside does not",
        help="write the value down, or have a program write a definition file",
    )
