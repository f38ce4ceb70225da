"""Hooks: called once, at the configuration's address, within bounds; what nobody can know is said to be unknown."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from meshscope.adapters.hands.webhooks import Webhook, Webhooks
from meshscope.deploy.plan import Change, Outcome, Receipt, Verb
from meshscope.findings import MeshscopeError
from tests.ports import free_port

CALL = Change(verb=Verb.CALL, subject="ci", arguments={"service": "ledger", "owner": "payments"})
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@dataclass
class Server:
    """Listens on a port of its own, and does with each connection what it was told once it has the whole request."""

    answer: Callable[[socket.socket], None]
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.threads = [threading.Thread(target=self._listen)]
        self.threads[0].start()

    def url(self, path: str = "hook") -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                self.threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self.threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            text = b""
            while b"\r\n\r\n" not in text:
                piece = connection.recv(65536)
                if not piece:
                    return
                text += piece
            head, _, body = text.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            while len(body) < int(headers["content-length"]):
                piece = connection.recv(65536)
                if not piece:
                    return
                body += piece
            self.came.append((first, headers, body))
            self.answer(connection)

    def close(self) -> None:
        self.ending.set()
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers; all of them end with the test."""
    servers: list[Server] = []

    def start(answer: Callable[[socket.socket], None] | bytes = OK) -> Server:
        servers.append(Server((lambda to: to.sendall(answer)) if isinstance(answer, bytes) else answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def call(url: str, *, seconds: float = 5.0, token_file: Path | None = None) -> Receipt:
    return Webhooks({"ci": Webhook(url=url, token_file=token_file)}, seconds=seconds).apply(CALL)


def test_a_hook_gets_the_names_as_json_and_its_token_once(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve()
    (tmp_path / "token").write_text("  a-secret\n")
    receipt = call(server.url("build?job=drain"), token_file=tmp_path / "token")
    assert (receipt.outcome, receipt.said, receipt.change) == (Outcome.DONE, "it answered 200", CALL)
    ((first, headers, body),) = server.came
    assert first == "POST /build?job=drain HTTP/1.1"
    assert (headers["authorization"], headers["content-type"]) == ("Bearer a-secret", "application/json")
    assert json.loads(body) == CALL.arguments


def test_what_an_alert_says_is_data_and_no_part_of_the_request(serve: Callable[..., Server]) -> None:
    server = serve()
    hostile = {"instance": 'x"}\r\n\r\nPOST /evil HTTP/1.1', "service": "\u202e\0\ud83d", "url": "http://127.0.0.2/"}
    hooks = Webhooks({"ci": Webhook(url=server.url())})
    receipt = hooks.apply(Change(verb=Verb.CALL, subject="ci", arguments=hostile))
    assert (receipt.outcome, len(server.came)) in ((Outcome.DONE, 1), (Outcome.UNKNOWN, 0))
    told = {name: value for name, value in hostile.items() if name != "service"}
    assert hooks.apply(Change(verb=Verb.CALL, subject="ci", arguments=told)).outcome is Outcome.DONE
    assert (server.came[-1][0], json.loads(server.came[-1][2])) == ("POST /hook HTTP/1.1", told)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DONE), (201, Outcome.DONE), (202, Outcome.DONE), (204, Outcome.DONE), (299, Outcome.DONE),
        (400, Outcome.REFUSED), (401, Outcome.REFUSED), (404, Outcome.REFUSED), (409, Outcome.REFUSED),
        (422, Outcome.REFUSED), (429, Outcome.REFUSED), (301, Outcome.REFUSED), (302, Outcome.REFUSED),
        (307, Outcome.REFUSED), (308, Outcome.REFUSED), (303, Outcome.UNKNOWN), (500, Outcome.UNKNOWN),
        (502, Outcome.UNKNOWN), (503, Outcome.UNKNOWN), (504, Outcome.UNKNOWN), (599, Outcome.UNKNOWN),
    ],
)  # fmt: skip
def test_a_status_is_what_it_says_and_redirects_lead_nowhere(
    serve: Callable[..., Server], status: int, outcome: Outcome
) -> None:
    other = serve()
    answer = f"HTTP/1.1 {status} X\r\nlocation: {other.url()}\r\ncontent-length: 0\r\n\r\n"
    server = serve(answer.encode())
    receipt = call(server.url())
    assert receipt.outcome is outcome
    assert str(status) in receipt.said
    assert (len(server.came), other.came) == (1, [])


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTT",
        b"HTTP/1.1 200",
        b"no http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx",
        b"\xff" * 99,
        b"HTTP/1.1 2\r\n\r\n",
    ],
    ids=repr,
)
def test_an_answer_that_breaks_off_or_is_none_leaves_it_unknown(serve: Callable[..., Server], answer: bytes) -> None:
    server = serve(answer)
    assert call(server.url()).outcome is Outcome.UNKNOWN
    assert len(server.came) == 1, "it is never called again"


def test_an_answer_that_does_not_come_leaves_it_unknown(serve: Callable[..., Server]) -> None:
    server = serve(lambda _: server.ending.wait(20) and None)
    began = time.monotonic()
    assert call(server.url(), seconds=0.4).outcome is Outcome.UNKNOWN
    assert time.monotonic() - began < 10
    assert len(server.came) == 1


def test_an_answer_that_drips_for_ever_is_given_up_and_so_is_what_waits_for_it(serve: Callable[..., Server]) -> None:
    def drips(to: socket.socket) -> None:
        to.sendall(b"HTTP/1.1 200 OK\r\n")
        while not server.ending.wait(0.05):
            to.sendall(b"x-drip: 1\r\n")

    server = serve(drips)
    began = time.monotonic()
    receipt = call(server.url(), seconds=0.4)
    assert (receipt.outcome, receipt.said) == (Outcome.UNKNOWN, "no whole answer within 0.4 s")
    assert time.monotonic() - began < 10
    until = time.monotonic() + 5
    while any(thread.name == "webhook" for thread in threading.enumerate()):
        assert time.monotonic() < until, "it waits for ever"
        time.sleep(0.01)


@pytest.mark.parametrize("body", [b"x" * 20_000_000, b"\x1f\x8b" + b"\0" * 99], ids=["huge", "no gzip"])
def test_what_an_answer_says_besides_its_status_is_nothing_to_us(serve: Callable[..., Server], body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(body) + 1}\r\n\r\n"
    server = serve(head.encode() + body)
    assert call(server.url()).outcome is Outcome.DONE


def test_a_body_that_never_ends_does_not_hold_up_what_is_known(serve: Callable[..., Server]) -> None:
    def endless(to: socket.socket) -> None:
        to.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while not server.ending.wait(0.05):
            to.sendall(b"1\r\nx\r\n")

    server = serve(endless)
    receipt = call(server.url(), seconds=0.5)
    assert receipt.outcome is Outcome.DONE
    assert receipt.seconds < 10


def test_where_nobody_listens_nothing_was_sent() -> None:
    receipt = call(f"http://127.0.0.1:{free_port()}/")
    assert receipt.outcome is Outcome.REFUSED
    assert "it can't be reached" in receipt.said


def test_who_speaks_no_tls_was_sent_nothing(serve: Callable[..., Server]) -> None:
    server = serve()
    receipt = call(f"https://127.0.0.1:{server.port}/", seconds=1.0)
    # The first bytes of TLS are no request: the server waits for one, and gets none.
    assert receipt.outcome in (Outcome.REFUSED, Outcome.UNKNOWN)
    assert server.came == []


def test_what_is_not_listed_is_refused(serve: Callable[..., Server]) -> None:
    server = serve()
    hooks = Webhooks({"ci": Webhook(url=server.url())})
    for name in ("", "CI", "ci ", server.url()):
        assert hooks.apply(Change(verb=Verb.CALL, subject=name)).outcome is Outcome.REFUSED
    assert hooks.apply(Change(verb=Verb.RUN, subject="ci")).outcome is Outcome.REFUSED
    assert server.came == []


@pytest.mark.parametrize("content", [None, b"", b" \n", b"a\nb", b"\xff", b"a\0b", "ä".encode(), "a folder"])
def test_without_its_token_a_hook_is_not_called(
    serve: Callable[..., Server], tmp_path: Path, content: bytes | str | None
) -> None:
    server = serve()
    if isinstance(content, bytes):
        (tmp_path / "token").write_bytes(content)
    elif content:
        (tmp_path / "token").mkdir()
    receipt = call(server.url(), token_file=tmp_path / "token")
    assert (receipt.outcome, receipt.said.startswith("its token can't be used")) == (Outcome.REFUSED, True)
    assert server.came == []


def test_a_new_token_is_read_for_the_next_call(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve()
    hooks = Webhooks({"ci": Webhook(url=server.url(), token_file=tmp_path / "token")})
    for token in ("one", "two"):
        (tmp_path / "token").write_text(token)
        hooks.apply(CALL)
    assert [headers["authorization"] for _, headers, _ in server.came] == ["Bearer one", "Bearer two"]


def test_a_proxy_that_is_set_for_the_world_is_not_told(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(), serve()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url(""))
    assert call(server.url()).outcome is Outcome.DONE
    assert proxy.came == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://ci.example/hook", "agent/plain-hook"),
        ("http://10.0.0.1/", "agent/plain-hook"),
        ("http://169.254.169.254/latest/meta-data", "agent/plain-hook"),
        ("http://localhost.evil.example/", "agent/plain-hook"),
        ("http://0.0.0.0/", "agent/plain-hook"),
        ("http://[::ffff:10.0.0.1]/", "agent/plain-hook"),
        ("ftp://127.0.0.1/", "agent/bad-hook"),
        ("file:///etc/passwd", "agent/bad-hook"),
        ("ci.example/hook", "agent/bad-hook"),
        ("", "agent/bad-hook"),
        ("https://", "agent/bad-hook"),
        ("https://[", "agent/bad-hook"),
        ("https://a\nb/", "agent/bad-hook"),
        ("https://ada:secret@ci.example/", "agent/secret-in-hook"),
        ("http://127.0.0.1@evil.example/", "agent/secret-in-hook"),
    ],
)
def test_an_address_that_must_not_be_called_is_refused_before_any_alert_comes(url: str, code: str) -> None:
    with pytest.raises(MeshscopeError) as error:
        Webhooks({"ci": Webhook(url=url)})
    assert error.value.finding.code == code
    assert "secret@" not in str(error.value.finding)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://127.9.9.9/", "http://[::1]:9/", "http://localhost/",
                                 "https://ci.example/hook", "https://10.0.0.1/"])  # fmt: skip
def test_an_address_that_may_be_called_is_one(url: str) -> None:
    Webhooks({"ci": Webhook(url=url)})


@pytest.mark.parametrize(
    ("url", "leads"),
    [
        ("https://ci.example/", "169.254.169.254"),
        ("https://ci.example/", "::ffff:169.254.169.254"),
        ("https://ci.example/", "fe80::1%eth0"),
        ("https://ci.example/", "fd00:ec2::254"),
        ("https://ci.example/", "100.100.100.200"),
        ("http://localhost/", "10.0.0.1"),
    ],
)
def test_a_name_that_leads_to_where_credentials_are_or_away_in_plain_text_is_not_called(
    monkeypatch: pytest.MonkeyPatch, url: str, leads: str
) -> None:
    def found(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", ("127.0.0.1", 0)), (0, 0, 0, "", (leads, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(httpx2.Client, "stream", lambda *_, **__: pytest.fail("it was called"))
    receipt = call(url)
    assert (receipt.outcome, receipt.said.startswith("its name leads to ")) == (Outcome.REFUSED, True)
