"""``POST /v1/alerts/SENDER``: authenticated, bounded, read strictly, stored; the answer is sent when it is on disk.

Alertmanager tries again after a 5xx and drops a body for good after any 4xx, 429 too. So 4xx is only for who is really
wrong, and 503 for everything that passes. Nothing that a body says is ever fetched, and no part of it chooses a tenant.
"""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future

from starlette.types import Receive, Scope, Send

from meshscope.feedback.credentials import Caller, Credentials, Denied
from meshscope.feedback.desk import Desk
from meshscope.feedback.receiving import PARSERS, Delivery, Unreadable
from meshscope.feedback.receiving.signature import SIGNATURE_HEADER, Seen, fresh, signed
from meshscope.feedback.telemetry import Telemetry
from meshscope.findings import MeshscopeError
from meshscope.web.answers import answer_json
from meshscope.web.bounds import Bounds
from meshscope.web.strangers import known

PREFIX = "/v1/alerts/"
_LOG = logging.getLogger("meshscope.web")
_PATHS = {f"{PREFIX}{sender}": sender for sender in PARSERS}
# More than this is not read or stored where others wait.
_AT_ONCE = 256 << 10
_STEP = 64 << 10
"""How much of a body is inflated at once."""
_SILENT_SECONDS = 10.0
_RETRY = ((b"retry-after", b"1"),)
_WHO = ((b"www-authenticate", b'Bearer realm="meshscope"'),)
_CLOSE = ((b"connection", b"close"),)
_ONCE = frozenset((b"authorization", b"content-type", b"content-encoding", SIGNATURE_HEADER))


class _Refusal(Exception):
    """A request that is not taken: the status, a word for the metric, and a sentence for who asked."""

    def __init__(self, status: int, reason: str, said: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(said)
        self.status, self.reason, self.said = status, reason, said
        self.headers = headers or (_RETRY if status == 503 else ())


class _Gone(Exception):
    """Whoever asked is not there any more."""


class Receiving:
    """The receivers of all senders, as one ASGI application. ``now`` is seconds since 1970, for signatures."""

    def __init__(
        self,
        desk: Desk,
        credentials: Credentials,
        telemetry: Telemetry,
        bounds: Bounds,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.draining = False
        self._desk = desk
        self._credentials = credentials
        self._telemetry = telemetry
        self._bounds = bounds
        self._now = now
        self._seen = Seen()
        self._held = 0
        self._hashing = asyncio.Semaphore(1)
        self._inflating = asyncio.Semaphore(1)
        self._waiting = 0
        self._told: dict[str, tuple[float, int]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; never raises for what a sender does or the ledger can't."""
        began = time.monotonic()
        try:
            stored = await self._take(scope, receive, began)
        except _Gone:
            self._telemetry.refused("gone")
        except _Refusal as refusal:
            self._telemetry.refused(refusal.reason)
            self._log(refusal.reason, scope)
            await answer_json(send, refusal.status, {"refused": refusal.said}, refusal.headers)
        except Exception:
            # Nothing is known of it, so nothing is lost by asking the sender to come back.
            _LOG.exception("a request could not be taken")
            self._telemetry.refused("fault")
            await answer_json(send, 503, {"refused": "something went wrong here"}, _RETRY)
        else:
            await answer_json(send, 200, {"stored": stored})

    async def _take(self, scope: Scope, receive: Receive, began: float) -> int:
        sender = _PATHS.get(scope["path"])
        if sender is None:
            raise _Refusal(404, "path", f"alerts are taken at {', '.join(_PATHS)}")
        if scope["method"] != "POST":
            raise _Refusal(405, "method", "alerts are posted", ((b"allow", b"POST"),))
        if self.draining:
            raise _Refusal(503, "draining", "the agent is ending", (*_RETRY, *_CLOSE))
        headers = _headers(scope)
        caller = await self._caller(sender, headers.get(b"authorization", b""))
        known(scope)
        squeezed = _checked(headers, self._bounds.body_bytes)
        body = bytearray()
        try:
            await self._read(receive, body)
            return await self._told_of(caller, bytes(body), squeezed, headers, began)
        finally:
            self._held -= len(body)

    async def _caller(self, sender: str, authorization: bytes) -> Caller:
        try:
            if not self._credentials.costly(sender, authorization):
                return self._credentials.check(sender, authorization)
            if self._waiting >= self._bounds.passwords:
                raise _Refusal(503, "busy", "too many passwords wait to be checked")
            self._waiting += 1
            try:
                async with self._hashing:
                    return await asyncio.to_thread(self._credentials.check, sender, authorization)
            finally:
                self._waiting -= 1
        except Denied as denied:
            # The same words whatever is wrong: they must not tell which names there are.
            raise _Refusal(401, f"auth_{denied.reason}", "these credentials let nobody in", _WHO) from denied

    async def _read(self, receive: Receive, body: bytearray) -> None:
        """Read the body as it comes; the connection itself ends a sender that is too slow."""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            piece = message.get("body", b"")
            if len(body) + len(piece) > self._bounds.body_bytes:
                raise _too_large(self._bounds.body_bytes)
            if self._held + len(piece) > self._bounds.held_bytes:
                raise _Refusal(503, "full", "too many bodies are being read")
            body += piece
            self._held += len(piece)
            more = message.get("more_body", False)

    async def _told_of(
        self, caller: Caller, wire: bytes, squeezed: bool, headers: Mapping[bytes, bytes], began: float
    ) -> int:
        signature = self._signature(caller, wire, headers)
        if signature and self._seen.before(caller.tenant, signature, self._now()):
            return 0
        grown = 0
        try:
            if squeezed:
                # One after the other: what each may grow to is many times what it was counted as.
                async with self._inflating:
                    body = await asyncio.to_thread(_inflated, wire, self._bounds.inflated_bytes)
                    grown = len(body)
                    self._held += grown
                    delivery = await asyncio.to_thread(_read, caller.sender, body)
            else:
                body = wire
                large = len(body) > _AT_ONCE
                delivery = await asyncio.to_thread(_read, caller.sender, body) if large else _read(caller.sender, body)
            with self._telemetry.span("alert", source=caller.sender, alerts=len(delivery.received)):
                stored = await self._stored(caller, delivery, body)
        finally:
            self._held -= grown
        if signature:
            self._seen.stored(caller.tenant, signature, self._now())
        firing = sum(1 for one in delivery.received if one.status == "firing")
        self._telemetry.received(
            caller.sender,
            firing,
            len(delivery.received) - firing,
            stored=stored,
            truncated=delivery.truncated,
            seconds=time.monotonic() - began,
        )
        return stored

    def _signature(self, caller: Caller, wire: bytes, headers: Mapping[bytes, bytes]) -> bytes:
        """What a body is known again by, where it is signed with a timestamp; raises where it must be and is not."""
        if not caller.hmac:
            return b""
        timestamp = headers.get(caller.timestamp_header, b"") if caller.timestamp_header else b""
        signature = headers.get(SIGNATURE_HEADER, b"")
        if not signed(wire, signature, timestamp, caller.hmac):
            raise _Refusal(401, "auth_signature", "the signature is not right", _WHO)
        if not caller.timestamp_header:
            return b""
        if not fresh(timestamp, self._now()):
            raise _Refusal(401, "auth_timestamp", "the signature is not of the last 300 seconds", _WHO)
        return signature.lower()

    async def _stored(self, caller: Caller, delivery: Delivery, body: bytes) -> int:
        try:
            if len(body) > _AT_ONCE:
                future = await asyncio.to_thread(self._accept, caller, delivery, body)
            else:
                future = self._accept(caller, delivery, body)
            if not await _done(future, self._bounds.store_seconds):
                raise _Refusal(503, "slow", "the ledger takes too long")
            return future.result()
        except MeshscopeError as error:
            _LOG.warning("the ledger does not take what was sent: %s", error.finding.title)
            raise _Refusal(503, "ledger", "the ledger can't write now") from error

    def _accept(self, caller: Caller, delivery: Delivery, body: bytes) -> Future[int]:
        return self._desk.accept(caller.tenant, delivery.received, body, delivery.truncated)

    def _log(self, reason: str, scope: Scope) -> None:
        """Say it at most every ten seconds for each reason: whoever is refused often must not fill the log."""
        now = time.monotonic()
        last, more = self._told.get(reason, (-_SILENT_SECONDS, 0))
        if now - last < _SILENT_SECONDS:
            self._told[reason] = last, more + 1
            return
        self._told[reason] = now, 0
        address = (scope.get("client") or ("an unknown address",))[0]
        _LOG.warning("refused (%s) what %s sent%s", reason, address, f"; {more} more like it before" if more else "")


def _headers(scope: Scope) -> Mapping[bytes, bytes]:
    """The headers by their names; refuses one twice that could mean two things."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _ONCE and name in found:
            raise _Refusal(400, "headers", f"the header {name.decode()} is there twice")
        found[name] = value
    return found


def _checked(headers: Mapping[bytes, bytes], most: int) -> bool:
    """Refuse what is no JSON, or says that it is too large; whether it is compressed."""
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        raise _Refusal(415, "content_type", "alerts are sent as application/json")
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in (b"identity", b"gzip"):
        raise _Refusal(415, "encoding", "a body is sent as it is, or with gzip", ((b"accept-encoding", b"gzip"),))
    length = headers.get(b"content-length", b"")
    if length and int(length) > most:
        raise _too_large(most)
    return encoding == b"gzip"


def _read(sender: str, body: bytes) -> Delivery:
    """What a body says."""
    try:
        return PARSERS[sender](body)
    except Unreadable as error:
        raise _Refusal(400, error.reason, str(error)) from error


def _inflated(wire: bytes, most: int) -> bytes:
    """The body as it was before it was compressed, of at most ``most`` bytes; no more than a step of it too many."""
    inflating = zlib.decompressobj(wbits=31)
    body = bytearray()
    rest = wire
    try:
        while not inflating.eof:
            piece = inflating.decompress(rest, _STEP)
            rest = inflating.unconsumed_tail
            if not piece and not rest:
                break
            body += piece
            if len(body) > most:
                raise _too_large(most)
    except zlib.error as error:
        raise _Refusal(400, "gzip", "it is no gzip") from error
    if not inflating.eof or inflating.unused_data:
        raise _Refusal(400, "gzip", "its gzip has no end, or something after it")
    return bytes(body)


def _too_large(most: int) -> _Refusal:
    return _Refusal(413, "too_large", f"a body has at most {most} bytes")


async def _done(future: Future[int], seconds: float) -> bool:
    """Whether ``future`` is done within ``seconds``. It is never cancelled: what is under way goes on."""
    if future.done():
        return True
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def wake(_: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    def from_elsewhere(_: object) -> None:
        # The loop may have ended before the ledger did.
        if not loop.is_closed():
            loop.call_soon_threadsafe(wake)

    late = loop.call_later(seconds, wake)
    future.add_done_callback(from_elsewhere)
    await waiter
    late.cancel()
    return future.done()
