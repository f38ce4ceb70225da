"""Whoever shows no credential keeps nobody from being heard, and nothing that is sent costs more than it may."""

from __future__ import annotations

import gzip
import http.client
import logging
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from meshscope.feedback.credentials import Credentials, new_credential
from meshscope.feedback.people import People
from meshscope.feedback.state import Received
from meshscope.web.bounds import BOUNDS
from meshscope.web.console.app import console
from meshscope.web.server import Running, application
from tests.agent.posting import PATH, Poster, body
from tests.agent.test_command import command, ready, tree
from tests.console.conftest import written
from tests.feedback.world import TENANT, alert, world
from tests.houses import MESHSCOPE
from tests.receiving.conftest import write_credentials

__all__ = ["tree"]

MIB = 1 << 20
# More than the agent keeps at once.
MANY = BOUNDS.connections + 48


@contextmanager
def agent(folder: Path) -> Iterator[tuple[int, str]]:
    """An agent with its console: its port, and a sender's token."""
    token, entry = new_credential(TENANT, "alertmanager")
    write_credentials(folder / "credentials.toml", entry)
    people = People(written(folder / "people.toml"))
    with world(folder) as it:
        page = console(it.agent, people, insecure_loopback=True)
        with Running(application(it.agent, Credentials(folder / "credentials.toml"), page)) as running:
            yield running.port, token


def mark(service: str) -> Received:
    """An alert about a service, with a fingerprint of its own."""
    return alert("ErrorBudgetBurn", service, fingerprint=service.encode().hex()[:16].rjust(16, "0"))


def form(port: int, path: str, *, origin: str = "", length: int = 5_000) -> bytes:
    """A form of which the body never comes."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin or f'http://127.0.0.1:{port}'}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\nform="
    ).encode()


OPENINGS: dict[str, Callable[[int], bytes]] = {
    "sign-in forms that never end": lambda port: form(port, "/sign-in"),
    "forms that never end": lambda port: form(port, "/agent/stop"),
    "half a header": lambda _: b"POST /sign-in HTTP/1.1\r\nHost: x",
    "nothing": lambda _: b"",
    "alerts without a credential": lambda port: (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        "Content-Length: 50000\r\n\r\n{"
    ).encode(),
}


@pytest.mark.parametrize("opening", OPENINGS)
def test_strangers_take_nobodys_place(tmp_path: Path, opening: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), agent(tmp_path) as (port, token), ExitStack() as ends:
        sender = Poster(port, token)
        assert sender.post(mark("ledger")) == 200
        for _ in range(MANY):
            one = ends.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            with suppress(OSError):
                one.sendall(OPENINGS[opening](port))
        # The connection that was known keeps its place, and so do those that come.
        assert sender.post(mark("payment")) == 200
        assert Poster(port, token).post(mark("checkout")) == 200
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        line.request("GET", "/sign-in", headers={"Host": f"127.0.0.1:{port}"})
        assert line.getresponse().status == 200
        line.close()
    assert "Traceback" not in caplog.text
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("path", ["/sign-in", "/agent/stop"])
@pytest.mark.parametrize("wrong", [{"origin": "https://evil.example"}, {"length": 10**9}, {"length": 10**15}])
def test_a_form_that_can_be_none_of_ours_is_refused_before_its_body(
    tmp_path: Path, path: str, wrong: dict[str, object]
) -> None:
    with agent(tmp_path) as (port, _), socket.create_connection(("127.0.0.1", port), timeout=5) as one:
        one.sendall(form(port, path, **wrong))  # type: ignore[arg-type]
        assert one.recv(100).startswith(b"HTTP/1.1 403")


def test_a_trailer_is_no_header(tmp_path: Path) -> None:
    with agent(tmp_path) as (port, token), socket.create_connection(("127.0.0.1", port), timeout=5) as one:
        sent = body([mark("ledger")])
        # In one piece: the whole request is parsed before anybody looks at its headers.
        one.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n{len(sent):x}\r\n".encode()
            + sent
            + f"\r\n0\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        assert one.recv(100).startswith(b"HTTP/1.1 401")


# What a few bytes grow to, and where that would be dear.
GROWN: dict[str, bytes] = {
    "spaces": b" " * (40 * MIB),
    "empty lists": b'{"version":"4","groupKey":"","alerts":[],"x":[' + b"[]," * (10 * MIB) + b"[]]}",
    "empty objects": b'{"version":"4","groupKey":"","alerts":[],"x":[' + b"{}," * MIB + b"{}]}",
    "numbers": b'{"version":"4","groupKey":"","alerts":[],"x":[' + b"1," * (2 * MIB - 100) + b"1]}",
    "nesting": b'{"version":"4","groupKey":"","alerts":[],"x":' + b"[" * MIB + b"]" * MIB + b"}",
    "wide letters": b'{"version":"4","groupKey":"","alerts":[],"x":"' + "\U0001f600".encode() * (MIB - 100) + b'"}',
    "one label": b'{"version":"4","groupKey":"","alerts":[{"status":"firing","fingerprint":"0123456789abcdef",'
    b'"labels":{"a":"' + b"x" * (4 * MIB - 200) + b'"}}]}',
}


def test_what_was_compressed_costs_little(tmp_path: Path, tree: Path, figure: Callable[[str], None]) -> None:
    assert MESHSCOPE.exists()
    with command(tmp_path / "agent", tree) as running:
        ready(running)
        status = Path(f"/proc/{running.process.pid}/status")

        def mib(what: str) -> float:
            found = re.search(rf"^{what}:\s+(\d+) kB", status.read_text(), re.MULTILINE)
            assert found is not None
            return int(found[1]) / 1024

        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {running.token}"}
        assert Poster(running.port, running.token).send("POST", body([mark("ledger")]), PATH)[0] == 200
        idle = mib("VmRSS")
        Path(f"/proc/{running.process.pid}/clear_refs").write_text("5")
        told = []
        for name, plain in GROWN.items():
            line = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
            line.request("POST", PATH, gzip.compress(plain, 6), {**headers, "Content-Encoding": "gzip"})
            answer = line.getresponse()
            answer.read()
            line.close()
            told.append(f"{name} {answer.status}, {mib('VmHWM') - idle:.0f} MiB")
            assert answer.status in (200, 400, 413), name
        peak = mib("VmHWM") - idle
    figure(f"compressed bodies: at most {peak:.0f} MiB over idle ({'; '.join(told)})")
    assert peak <= 64
