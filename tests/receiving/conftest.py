"""A real server in a thread, on a desk that keeps what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

from meshscope.feedback.credentials import Credentials, new_credential
from meshscope.feedback.telemetry import Telemetry
from meshscope.web.bounds import Bounds
from meshscope.web.server import Running, application
from tests.receiving.twin import Canary, TwinDesk
from tests.receiving.wire import Heard, exchange, request

BODIES = Path(__file__).parent / "bodies"
SENDERS = ("alertmanager", "grafana", "falco")
HMAC, OLD_HMAC, TIMESTAMP = "a-secret-of-grafana", "the-secret-before", "X-Grafana-Alerting-Timestamp"
# A second where a real agent waits for ten.
QUICK = Bounds(header_seconds=1.0, body_seconds=1.0, idle_seconds=2.0, linger_seconds=0.3, write_seconds=1.0)


def body(name: str) -> bytes:
    return (BODIES / name).read_bytes()


@dataclass
class Agent:
    """A server and what is needed to talk to it."""

    running: Running
    desk: TwinDesk
    credentials: Credentials
    telemetry: Telemetry
    tokens: dict[str, str]
    file: Path

    @property
    def port(self) -> int:
        return self.running.port

    def send(self, *pieces: bytes | float, answers: int = 1, patience: float = 10.0, head: bool = False) -> Heard:
        return exchange(self.port, pieces, answers=answers, patience=patience, head=head)

    def post(self, sender: str, body: bytes, *, token: str | None = None, **headers: str) -> Heard:
        told = [(name.replace("_", "-"), value) for name, value in headers.items()]
        path, token = f"/v1/alerts/{sender}", self.tokens[sender] if token is None else token
        return self.send(request(path, body, token, headers=told))

    def get(self, path: str) -> Heard:
        return self.send(request(path, method="GET"))


@lru_cache
def password() -> tuple[str, str]:
    """One for all tests: it takes its time to be hashed."""
    return new_credential("by-password", "alertmanager", "basic")


def write_credentials(path: Path, entries: str) -> None:
    """Write them as a person does who is careful: a new file, moved into its place."""
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(entries)
    fresh.rename(path)


def provided(folder: Path) -> tuple[dict[str, str], Path]:
    """One credential for each kind of sender, and one that signs: their tokens, and the file."""
    tokens: dict[str, str] = {}
    entries = ""
    for sender in SENDERS:
        tokens[sender], entry = new_credential("shop", sender)
        entries += entry
    tokens["other"], entry = new_credential("other-tenant", "alertmanager")
    entries += entry
    tokens["basic"], entry = password()
    entries += entry
    tokens["signed"], entry = new_credential("signed", "grafana")
    entries += entry + f'hmac = "{HMAC}"\nprevious_hmac = "{OLD_HMAC}"\ntimestamp_header = "{TIMESTAMP}"\n'
    tokens["signed-plain"], entry = new_credential("signed-plain", "grafana")
    entries += entry + f'hmac = "{HMAC}"\n'
    path = folder / "credentials.toml"
    write_credentials(path, entries)
    return tokens, path


def starts(folder: Path, bounds: Bounds = QUICK, *, now=None) -> Iterator[Agent]:
    """An agent with one credential for each kind of sender; ``signed`` is one that signs."""
    tokens, path = provided(folder)
    desk, telemetry, credentials = TwinDesk(), Telemetry(), Credentials(path)
    given = {} if now is None else {"now": now}
    app = application(desk, credentials, telemetry=telemetry, bounds=bounds, **given)
    try:
        with Running(app, bounds=bounds) as running:
            yield Agent(running, desk, credentials, telemetry, tokens, path)
    finally:
        desk.close()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """An agent of this test's own."""
    yield from starts(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """One agent for all tests of a module."""
    yield from starts(tmp_path_factory.mktemp("agent"))


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    """Nobody may call it."""
    listening = Canary()
    yield listening
    listening.close()
