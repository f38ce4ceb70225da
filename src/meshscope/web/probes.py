"""``/healthz``, ``/readyz`` and ``/metrics``: whether the agent lives, whether it can take alerts, and its numbers.

They tell the truth: a part that says nothing for longer than it may makes the agent unhealthy, however well it answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from starlette.types import Receive, Scope, Send

from meshscope.feedback.credentials import Credentials
from meshscope.feedback.desk import Desk, Part
from meshscope.feedback.telemetry import CONTENT_TYPE, Telemetry
from meshscope.findings import MeshscopeError
from meshscope.web.answers import answer, answer_json

HEALTH, READY, METRICS = "/healthz", "/readyz", "/metrics"
_LEDGER_SECONDS = 2.0
_MOST_SAID = 300


class Probes:
    """The three pages, as one ASGI application. ``now`` is the clock of `Part`: seconds that only go forward."""

    def __init__(
        self, desk: Desk, credentials: Credentials, telemetry: Telemetry, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.draining = False
        self._desk = desk
        self._credentials = credentials
        self._telemetry = telemetry
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is read
        """Answer one request."""
        if scope["method"] not in ("GET", "HEAD"):
            await answer_json(send, 405, {"refused": "this is only read"}, ((b"allow", b"GET, HEAD"),))
            return
        self._credentials.look()
        if scope["path"] == METRICS:
            await self._metrics(send)
            return
        parts = self._parts()
        told: dict[str, object] = {"parts": parts}
        why = "; ".join(f"{part['name']} is silent" for part in parts if part["silent"])
        if scope["path"] == READY and not why:
            why = "the agent is ending" if self.draining else await self._ledger()
        told = {"status": why or "ok", **told}
        await answer_json(send, 503 if why else 200, told, ((b"retry-after", b"1"),) if why else ())

    async def _metrics(self, send: Send) -> None:
        self._telemetry.heartbeats(self._desk.parts(), self._now())
        self._telemetry.credentials_stale(bool(self._credentials.problem))
        await answer(send, 200, self._telemetry.exposed(), CONTENT_TYPE.encode())

    def _parts(self) -> Sequence[Mapping[str, object]]:
        now = self._now()
        # It has no life of its own: it is read whenever somebody asks.
        own = Part(name="credentials", at=now, patience=1.0, error=self._credentials.problem)
        return [
            {
                "name": part.name,
                "silent": now - part.at > part.patience,
                "age_seconds": round(max(0.0, now - part.at), 3),
                "patience_seconds": part.patience,
                "error": part.error[:_MOST_SAID],
            }
            for part in (*self._desk.parts(), own)
        ]

    async def _ledger(self) -> str:
        """Why the ledger can't be written to; empty where it can."""
        try:
            written = self._desk.ledger.append(())
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(written)), _LEDGER_SECONDS)
        except MeshscopeError as error:
            return f"the ledger can't be written to: {error.finding.title}"
        except TimeoutError:
            return "the ledger does not write"
        return ""
