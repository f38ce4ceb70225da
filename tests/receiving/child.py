"""An agent's server as a process of its own: serves until SIGTERM, and says on stdout at which port.

Arguments: a file of credentials, a folder in which each alert that is stored becomes a file (or ``-``: they are only
counted), seconds that each takes.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from meshscope.feedback.credentials import Credentials
from meshscope.feedback.state import Received
from meshscope.web.listening import listen
from meshscope.web.server import application, serve


class FolderDesk:
    """Writes a file for each alert."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds
        self.writers = ThreadPoolExecutor(64)

    def accept(self, tenant: str, received: Sequence[Received], raw: bytes, truncated: int = 0) -> Future[int]:
        return self.writers.submit(self._write, received)

    def _write(self, received: Sequence[Received]) -> int:
        time.sleep(self.seconds)
        for one in received:
            (self.folder / one.fingerprint).write_text(one.status)
        return len(received)

    def parts(self) -> Sequence[object]:
        return ()


class CountingDesk(FolderDesk):
    """Writes nothing, in one thread: what is left is what the server takes."""

    def __init__(self) -> None:
        self.writers = ThreadPoolExecutor(1)

    def _write(self, received: Sequence[Received]) -> int:
        return len(received)


def main() -> None:
    credentials, folder, seconds = sys.argv[1:]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    desk = CountingDesk() if folder == "-" else FolderDesk(Path(folder), float(seconds))
    app = application(desk, Credentials(Path(credentials)))  # type: ignore[arg-type]
    serve(app, listening, stop=stop, on_ready=lambda: print(port, flush=True))


main()
