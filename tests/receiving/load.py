"""How many requests a second a server takes: 64 kept connections from one process, each with one request at a time.

``python -m tests.receiving.load`` measures a server of its own, in another process, whose desk only counts;
``python -m tests.receiving.load PORT TOKEN`` measures one that runs. Prints a line of figures.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from meshscope.feedback.credentials import new_credential
from tests.receiving.attacking import ALERTMANAGER, GOOD
from tests.receiving.wire import request

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS, SECONDS = 64, 5.0
_MARK = b"461cc20a2d27e805"


@dataclass(frozen=True)
class Figures:
    """What was measured: requests a second, and milliseconds that half of them and 99% of them took at the most."""

    rate: float
    half: float
    most: float
    statuses: dict[bytes, int]

    def __str__(self) -> str:
        told = ", ".join(f"{number} x {status.decode()}" for status, number in sorted(self.statuses.items()))
        return f"{self.rate:,.0f} requests/s, p50 {self.half:.1f} ms, p99 {self.most:.1f} ms ({told})"


def measured(port: int, token: str, *, connections: int = CONNECTIONS, seconds: float = SECONDS) -> Figures:
    """Send for ``seconds``; every alert is a new one."""
    sent = request(ALERTMANAGER, GOOD, token)
    head, _, tail = sent.partition(_MARK)
    statuses: dict[bytes, int] = {}
    took: list[float] = []
    number = int(time.time() * 1000) << 20
    with selectors.DefaultSelector() as ready, contextlib.ExitStack() as ends:
        asked: dict[socket.socket, float] = {}
        heard: dict[socket.socket, bytes] = {}

        def ask(line: socket.socket) -> None:
            nonlocal number
            number += 1
            asked[line], heard[line] = time.perf_counter(), b""
            line.send(b"%b%016x%b" % (head, number, tail))

        for _ in range(connections):
            line = ends.enter_context(socket.create_connection(("127.0.0.1", port)))
            ready.register(line, selectors.EVENT_READ)
            ask(line)
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            for key, _ in ready.select(1.0):
                line = key.fileobj  # type: ignore[assignment]
                data = line.recv(4096)
                assert data, "the server closed"
                heard[line] += data
                if heard[line].endswith(b"}"):
                    status = heard[line][9:12]
                    statuses[status] = statuses.get(status, 0) + 1
                    took.append(time.perf_counter() - asked[line])
                    ask(line)
        spent_seconds = time.perf_counter() - began
    took.sort()
    rate = len(took) / spent_seconds
    return Figures(rate, took[len(took) // 2] * 1e3, took[len(took) * 99 // 100] * 1e3, statuses)


def spent(process: int) -> float:
    """Seconds of a processor that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def server() -> Iterator[tuple[int, str, int]]:
    """A server whose desk only counts: its port, a token and its process."""
    with tempfile.TemporaryDirectory() as folder:
        token, entry = new_credential("shop", "alertmanager")
        path = Path(folder) / "credentials.toml"
        path.touch(mode=0o600)
        path.write_text(entry)
        command = [sys.executable, "-m", "tests.receiving.child", str(path), "-", "0"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            try:
                yield int(child.stdout.readline()), token, child.pid
            finally:
                child.terminate()


def main() -> None:
    if len(sys.argv) == 3:
        print(measured(int(sys.argv[1]), sys.argv[2]))
        return
    with server() as (port, token, process):
        measured(port, token, seconds=1.0)
        before = spent(process)
        figures = measured(port, token)
        each = (spent(process) - before) / sum(figures.statuses.values())
        print(f"{figures}; the server's processor was busy for {each * 1e6:.0f} µs with each")


if __name__ == "__main__":
    main()
