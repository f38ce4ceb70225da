"""Alertmanager's API: which alerts fire now; asked, never changed.

Every member of a cluster has all alerts, for Prometheus sends them to each; what one of them knows that answers is
enough. A question ends within a time and a size, whatever answers. Redirects are not followed, so that credentials
reach nobody else.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Annotated

import httpx2
import msgspec

from meshscope.adapters.stores.access import Access
from meshscope.feedback.ports import Active
from meshscope.findings import Finding, MeshscopeError

MOST_BYTES = 64 << 20
_CONNECT_SECONDS = 5.0
_ANYBODY = Access()
_QUESTION = {"active": "true", "silenced": "true", "inhibited": "true", "unprocessed": "true"}


class _Status(msgspec.Struct, frozen=True):
    inhibited: list[str] = msgspec.field(name="inhibitedBy")
    silenced: list[str] = msgspec.field(name="silencedBy")


class _Alert(msgspec.Struct, frozen=True, kw_only=True):
    # It becomes part of a key here, so it holds nothing that could end one.
    fingerprint: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{16}\Z")]
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str = msgspec.field(name="startsAt")
    status: _Status
    generator_url: str = msgspec.field(default="", name="generatorURL")

    def active(self) -> Active:
        return Active(
            fingerprint=self.fingerprint,
            labels=self.labels,
            annotations=self.annotations,
            starts_at=self.starts_at,
            generator_url=self.generator_url,
            inhibited=bool(self.status.inhibited),
            silenced=bool(self.status.silenced),
        )


_decode = msgspec.json.Decoder(list[_Alert]).decode


class AlertmanagerSource:
    """The Alertmanager at ``url``, asked as ``access`` says; every question has ``seconds``."""

    def __init__(
        self, url: str, access: Access = _ANYBODY, *, seconds: float = 10.0, most_bytes: int = MOST_BYTES
    ) -> None:
        self._url = url.rstrip("/")
        self._access = access
        self._seconds = seconds
        self._most_bytes = most_bytes

    def active(self) -> tuple[Active, ...]:
        """Every alert that fires now, inhibited and silenced ones too. Raises `MeshscopeError` where it can't say."""
        try:
            status, body = self._in_time(self._asked)
            if status != 200:
                raise self._silent(f"it answers with status {status}")
            return tuple(alert.active() for alert in _decode(body))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._silent(f"{type(error).__name__}: {error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._silent(f"what it answers is no list of alerts: {str(error)[:200]}") from error

    def _asked(self) -> tuple[int, bytes]:
        access = self._access
        headers = [*access.headers, *([("Authorization", access.authorization)] if access.authorization else [])]
        timeout = httpx2.Timeout(self._seconds, connect=min(self._seconds, _CONNECT_SECONDS))
        with (
            httpx2.Client(
                auth=access.basic, headers=headers, verify=access.context(), timeout=timeout, trust_env=False
            ) as client,
            client.stream("GET", f"{self._url}/api/v2/alerts", params=_QUESTION) as answer,
        ):
            body = bytearray()
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > self._most_bytes:
                    raise self._silent(f"its answer is larger than {self._most_bytes >> 20} MiB")
            return answer.status_code, bytes(body)

    def _in_time(self, ask: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        """What ``ask`` gives. The client's own time starts anew with each byte, so that one could drip for ever."""
        answers: SimpleQueue[tuple[int, bytes] | Exception] = SimpleQueue()

        def run() -> None:
            try:
                answers.put(ask())
            except Exception as error:
                answers.put(error)

        Thread(target=run, name="meshscope-alertmanager", daemon=True).start()
        try:
            answer = answers.get(timeout=self._seconds)
        except Empty as empty:
            raise self._silent(f"it has not answered within {self._seconds:g} seconds") from empty
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _silent(self, why: str) -> MeshscopeError:
        return MeshscopeError(
            Finding(
                code="agent/unasked",
                title=f"Alertmanager at {self._url.rpartition('@')[2]} can't be asked which alerts fire",
                why=why,
                help="see that it runs and that the agent reaches it; what it sends is taken in meanwhile",
            )
        )
