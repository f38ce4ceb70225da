"""Alertmanager's API: which alerts are active now; asked, never changed."""

from __future__ import annotations

import json
import time

import httpx2

from meshscope.feedback.ports import Active
from meshscope.findings import Finding, MeshscopeError

_MOST_BYTES = 64 << 20


class AlertmanagerSource:
    """The Alertmanager at ``url``; every question has ``seconds``."""

    def __init__(self, url: str, *, seconds: float = 10.0) -> None:
        self._url = url.rstrip("/")
        self._seconds = seconds

    def active(self) -> tuple[Active, ...]:
        """Every alert that fires now, inhibited and silenced ones too. Raises `MeshscopeError` where it can't say."""
        try:
            found = json.loads(self._body())
            return tuple(
                Active(
                    fingerprint=str(one["fingerprint"]),
                    labels={str(name): str(value) for name, value in one["labels"].items()},
                    annotations={str(name): str(value) for name, value in one["annotations"].items()},
                    starts_at=str(one["startsAt"]),
                    generator_url=str(one.get("generatorURL", "")),
                    inhibited=bool(one["status"]["inhibitedBy"]),
                    silenced=bool(one["status"]["silencedBy"]),
                )
                for one in found
            )
        except httpx2.HTTPError as error:
            raise self._silent(f"{type(error).__name__}: {error}") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._silent(f"what it answers is no list of alerts ({type(error).__name__})") from error

    def _body(self) -> bytes:
        end = time.monotonic() + self._seconds
        query = {"active": "true", "silenced": "true", "inhibited": "true", "unprocessed": "false"}
        with (
            httpx2.Client(timeout=self._seconds, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", f"{self._url}/api/v2/alerts", params=query) as answer,
        ):
            if answer.status_code != 200:
                raise self._silent(f"it answers {answer.status_code}")
            body = bytearray()
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES or time.monotonic() > end:
                    raise self._silent("its answer takes too long or is too large")
            return bytes(body)

    def _silent(self, why: str) -> MeshscopeError:
        return MeshscopeError(
            Finding(
                code="agent/unasked",
                title=f"Alertmanager at {self._url} can't be asked which alerts fire",
                why=why,
                help="see that it runs and that the agent reaches it; what it sends is taken in meanwhile",
            )
        )
