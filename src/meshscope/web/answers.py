"""Answers that are small and whole: JSON or text, with their length."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from starlette.types import Send

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"
_encode = msgspec.json.Encoder().encode
_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


async def answer(
    send: Send, status: int, body: bytes, kind: bytes = JSON, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Send an answer whose whole body is ``body``."""
    length = str(len(body)).encode()
    told = [(b"content-type", kind), (b"content-length", length), *_ALWAYS, *headers]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body})


async def answer_json(send: Send, status: int, told: object, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Send ``told`` as JSON."""
    await answer(send, status, _encode(told), JSON, headers)
