"""A real agent to measure: the installed command as a process of its own, on a built bundle, its ledger on a disk."""

from __future__ import annotations

import http.client
import json
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.building import build_tree, command
from bench.mesh import shape, write_house
from bench.prometheus import cpu_seconds, workplace
from meshscope.adapters.ledgers.connections import Readers
from meshscope.adapters.ledgers.schema import COLUMNS, records_of
from meshscope.demo.workshop import free_ports
from meshscope.feedback.credentials import new_credential
from meshscope.feedback.people import EVERY_OWNER, hashed
from meshscope.feedback.ports import Record

LOOPBACK = "127.0.0.1"
PATH = "/v1/alerts/alertmanager"
PERSON = "bench"

_READY_SECONDS = 120.0
_END_SECONDS = 60.0
_AT_ONCE = 5_000

_CONFIGURATION = """\
listen = "{host}:{port}"
prometheus = ""
{more}
"""


@dataclass(kw_only=True)
class Running:
    """An agent that runs in ``folder`` and listens at ``port``."""

    folder: Path
    port: int
    token: str
    password: str
    process: subprocess.Popen[bytes]
    _readers: Readers | None = field(default=None, repr=False)

    @property
    def state(self) -> Path:
        """The folder of its ledger."""
        return self.folder / "state"

    @property
    def groups(self) -> Path:
        """The folder of the groups of processes that it may act on."""
        return self.folder / "groups"

    @property
    def issues(self) -> Path:
        """The folder of its issues."""
        return self.folder / "issues"

    @property
    def headers(self) -> Mapping[str, str]:
        """What a sender's request has to say."""
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}

    def connection(self) -> http.client.HTTPConnection:
        """A connection of a sender's own."""
        return http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)

    def records(self, kind: str, after: int = 0) -> Iterator[Record]:
        """Every record of ``kind`` with a number above ``after``, in order, as they are on disk now."""
        self._readers = self._readers or Readers(self.state / "ledger.sqlite", 10.0)
        query = f"SELECT {COLUMNS} FROM records WHERE kind = ? AND number > ? ORDER BY number LIMIT ?"  # noqa: S608
        while page := records_of(self._readers.rows(query, (kind, after, _AT_ONCE))):
            yield from page
            after = page[-1].number

    def resident_mib(self) -> float:
        """The memory of the process itself, in MiB; the git that it calls is not it."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        kib = next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]
        return int(kib) / 1024

    def cpu_seconds(self) -> float:
        """What the process itself has used of the processors so far."""
        return cpu_seconds(self.process.pid)

    def look(self) -> None:
        """Raises SystemExit where it has ended."""
        if self.process.poll() is not None:
            said = (self.folder / "agent.log").read_text(errors="replace")[-3000:]
            raise SystemExit(f"`meshscope agent` ended with {self.process.returncode}:\n{said}")


@contextmanager
def bundle(size: int) -> Iterator[tuple[Path, Path]]:
    """The tree of a house of ``size`` services that may all be acted on, and a folder beside it, on a disk."""
    with workplace() as folder:
        root = folder / "house"
        write_house(root, shape(size), acting=True)
        yield build_tree(root), folder


def prepared(folder: Path, more: str = "") -> tuple[int, str, str]:
    """Write an agent's configuration into ``folder``, with the TOML ``more``; its port, a token and a password."""
    (folder / "groups").mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    (folder / "agent.toml").write_text(_CONFIGURATION.format(host=LOOPBACK, port=port, more=more), encoding="utf-8")
    token, entry = new_credential("bench", "alertmanager")
    _private(folder / "credentials.toml", entry)
    password = secrets.token_urlsafe(12)
    row = {"name": PERSON, "role": "admin", "owners": [EVERY_OWNER], "password": hashed(password)}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in row.items())
    _private(folder / "people.toml", f"[[people]]\n{lines}")
    return port, token, password


@contextmanager
def running(folder: Path, tree: Path, more: str = "") -> Iterator[Running]:
    """An agent in ``folder`` on the bundle ``tree`` that is ready, with its defaults but for the TOML ``more``."""
    port, token, password = prepared(folder, more)
    arguments = [str(command()), "agent", "--bundle", str(tree), "--config", str(folder / "agent.toml")]
    with (folder / "agent.log").open("wb") as log:
        process = subprocess.Popen(arguments, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603
        agent = Running(folder=folder, port=port, token=token, password=password, process=process)
        try:
            _wait_until_ready(agent)
            yield agent
        finally:
            _ended(process)


def _wait_until_ready(agent: Running) -> None:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until:
        agent.look()
        connection = agent.connection()
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise SystemExit(f"`meshscope agent` is not ready after {_READY_SECONDS:g} s")


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
