"""Questions to servers on this machine: Prometheus's API, and the services of the demo."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode

from meshscope.demo.workshop import LOOPBACK
from meshscope.findings import Finding, MeshscopeError

_SECONDS = 10.0
_READY_SECONDS = 20.0


def get(port: int, path: str, asked: Mapping[str, str] | None = None, host: str = LOOPBACK) -> Any:
    """The JSON that the server answers; its plain text where it answers with none.

    Raises `MeshscopeError` where it doesn't answer.
    """
    connection = HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", path + (f"?{urlencode(asked)}" if asked else ""))
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, HTTPException) as error:
        raise MeshscopeError(_silent(f"{host}:{port}", error)) from error
    finally:
        connection.close()
    return json.loads(text) if text.startswith(("{", "[")) else text


def _silent(who: str, error: Exception) -> Finding:
    return Finding(
        code="demo/silent",
        title=f"what listens at {who} does not answer",
        why=f"{type(error).__name__}: {error}; a machine that is busy with something else may be too slow for the demo",
        help="run `meshscope demo` again",
    )


def ready(port: int, path: str, look: Callable[[], None], host: str = LOOPBACK) -> bool:
    """Wait until the server answers; False when it doesn't in time. ``look`` raises where it died."""
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until:
        look()
        if answers(port, path, host):
            return True
        time.sleep(0.05)
    return False


def answers(port: int, path: str, host: str = LOOPBACK) -> bool:
    """Whether the server answers now, with 200."""
    connection = HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


class Prometheus:
    """Prometheus's API at a port of this machine."""

    def __init__(self, port: int) -> None:
        """Ask at ``port``."""
        self.port = port

    def now(self, query: str) -> list[dict[str, Any]]:
        """The series of an instant query; none where Prometheus refuses it."""
        return self._series("/api/v1/query", {"query": query})

    def over(self, query: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """The series of a range query."""
        asked = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        return self._series("/api/v1/query_range", asked)

    def values(self, label: str, series: str) -> list[str]:
        """The values of ``label`` on ``series``, sorted."""
        found = get(self.port, f"/api/v1/label/{label}/values", {"match[]": series})
        return sorted(found.get("data") or [])

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert that is pending or fires."""
        alerts: list[dict[str, Any]] = get(self.port, "/api/v1/alerts")["data"]["alerts"]
        return alerts

    def pending(self) -> int:
        """How many alerts are about to fire."""
        return sum(1 for alert in self.alerts() if alert["state"] == "pending")

    def _series(self, path: str, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        answer = get(self.port, path, asked)
        if answer.get("status") != "success":
            return []
        series = answer["data"]["result"]
        return list(series) if isinstance(series, list) else []
