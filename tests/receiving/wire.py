"""Bytes to a port and what comes back, as they are: no client that would mend what is wrong with them."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass

_HEAD = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n(.*?)\r\n\r\n", re.S)


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Heard:
    """What came back, whether the other side closed, and how long it took."""

    replies: tuple[Reply, ...]
    closed: bool
    seconds: float

    @property
    def statuses(self) -> list[int]:
        return [reply.status for reply in self.replies]

    @property
    def reply(self) -> Reply:
        assert len(self.replies) == 1, self
        return self.replies[0]


def read(data: bytes, *, head: bool = False) -> tuple[Reply, ...]:
    """The answers that ``data`` holds as a whole; those of status 100 are none."""
    replies: list[Reply] = []
    while found := _HEAD.match(data):
        lines = [line.partition(b":") for line in found[2].split(b"\r\n")]
        headers = {name.decode().lower(): value.strip().decode() for name, _, value in lines}
        length = 0 if head or found[1] == b"100" else int(headers.get("content-length", "0"))
        if len(data) < found.end() + length:
            break
        if found[1] != b"100":
            replies.append(Reply(int(found[1]), headers, data[found.end() : found.end() + length]))
        data = data[found.end() + length :]
    return tuple(replies)


def exchange(
    port: int,
    pieces: Iterable[bytes | float],
    *,
    answers: int = 1,
    patience: float = 10.0,
    head: bool = False,
    context: ssl.SSLContext | None = None,
) -> Heard:
    """Send ``pieces`` (numbers are pauses), then read ``answers`` answers or until the other side closes."""
    began = time.monotonic()
    with contextlib.ExitStack() as ends:
        line: socket.socket = ends.enter_context(socket.create_connection(("127.0.0.1", port), timeout=patience))
        if context is not None:
            line = ends.enter_context(context.wrap_socket(line, server_hostname="localhost"))
        for piece in pieces:
            if isinstance(piece, (int, float)):
                time.sleep(piece)
                continue
            try:
                line.sendall(piece)
            except OSError:
                break
        data, closed = b"", False
        while len(read(data, head=head)) < answers and not closed:
            line.settimeout(max(0.01, patience - (time.monotonic() - began)))
            try:
                got = line.recv(1 << 16)
            except TimeoutError:
                break
            except OSError:
                got = b""
            data += got
            closed = not got
        return Heard(read(data, head=head), closed, time.monotonic() - began)


def request(
    path: str, body: bytes = b"", token: str = "", *, method: str = "POST", headers: Iterable[tuple[str, str]] = ()
) -> bytes:
    """A request as an honest sender writes it; ``headers`` replace and add."""
    told = {"Host": "agent", "Content-Type": "application/json", "Content-Length": str(len(body))}
    if token:
        told["Authorization"] = f"Bearer {token}"
    told |= dict(headers)
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body
