"""As much of HTTP/1.1 as processes on one machine need to call each other: kept connections, no body to speak of."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

Address: TypeAlias = "tuple[str, int]"
_REASONS = {200: "OK", 404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable"}
_LONGEST_HEAD = 16 << 10


@dataclass(frozen=True)
class Request:
    """What somebody asks: the path, and headers by lower case name."""

    path: str
    headers: Mapping[str, str]


Handler: TypeAlias = Callable[[Request], Awaitable[tuple[int, bytes]]]


async def serve(listener: socket.socket, handle: Handler) -> asyncio.Server:
    """Answer whoever connects to ``listener``, for ever."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Whoever hangs up, or the end of this process, ends the talk.
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError):
            while True:
                head = await _head(reader)
                method, path, _ = head[0].split(" ", 2)
                headers = _headers(head[1:])
                if method == "POST":
                    await reader.readexactly(int(headers.get("content-length", "0")))
                code, body = await handle(Request(path, headers))
                writer.write(_answer(code, body))
                await writer.drain()
                if headers.get("connection", "").lower() == "close":
                    break
        writer.close()

    return await asyncio.start_server(talk, sock=listener, limit=_LONGEST_HEAD)


class Caller:
    """Asks others, over connections that it keeps."""

    def __init__(self) -> None:
        """No connection yet."""
        self._idle: dict[Address, list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = {}

    async def ask(self, address: Address, path: str, headers: Mapping[str, str]) -> int:
        """The status code of the answer. Raises `OSError` where nobody answers."""
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        text = f"GET {path} HTTP/1.1\r\nhost: {address[0]}:{address[1]}\r\n{told}\r\n".encode()
        idle = self._idle.setdefault(address, [])
        reader, writer = idle.pop() if idle else await asyncio.open_connection(*address, limit=_LONGEST_HEAD)
        try:
            writer.write(text)
            head = await _head(reader)
            await reader.readexactly(int(_headers(head[1:]).get("content-length", "0")))
        except asyncio.IncompleteReadError as error:
            writer.close()
            raise ConnectionResetError(f"{address} hung up") from error
        except BaseException:
            writer.close()
            raise
        idle.append((reader, writer))
        return int(head[0].split(" ", 2)[1])


async def _head(reader: asyncio.StreamReader) -> list[str]:
    return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")


def _headers(lines: list[str]) -> dict[str, str]:
    parts = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in parts}


def _answer(code: int, body: bytes) -> bytes:
    kind = "text/plain; version=0.0.4" if body.startswith(b"# TYPE") else "text/plain"
    head = (
        f"HTTP/1.1 {code} {_REASONS.get(code, 'Other')}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
