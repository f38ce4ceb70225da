"""Alerts posted to an agent's own server, as Alertmanager does."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from meshscope.feedback.credentials import Credentials, new_credential
from meshscope.feedback.state import Received
from meshscope.web.bounds import Bounds
from meshscope.web.server import Running, application
from tests.feedback.world import TENANT, World
from tests.receiving.conftest import write_credentials

PATH = "/v1/alerts/alertmanager"
BEGAN = "2026-11-26T22:59:38.26374Z"


def spoken(one: Received) -> dict[str, object]:
    """The alert as Alertmanager spells it."""
    return {
        "status": one.status, "labels": one.labels, "annotations": one.annotations, "fingerprint": one.fingerprint,
        "startsAt": one.starts_at or BEGAN, "endsAt": one.ends_at or "0001-01-01T00:00:00Z", "generatorURL": one.url,
    }  # fmt: skip


def body(alerts: Sequence[Received], truncated: int = 0) -> bytes:
    """A message of Alertmanager with these alerts."""
    told = {"version": "4", "groupKey": "{}", "status": "firing", "truncatedAlerts": truncated}
    return json.dumps({**told, "alerts": [spoken(one) for one in alerts]}).encode()


@dataclass
class Poster:
    """Posts over one connection."""

    port: int
    token: str
    _line: http.client.HTTPConnection | None = None

    def post(self, *alerts: Received, truncated: int = 0) -> int:
        """The status that is answered."""
        return self.send("POST", body(alerts, truncated), PATH)[0]

    def get(self, path: str) -> tuple[int, bytes]:
        return self.send("GET", None, path)

    def send(self, method: str, sent: bytes | None, path: str) -> tuple[int, bytes]:
        """Status and body; the connection is begun anew where it was closed meanwhile."""
        if self._line is None:
            self._line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        try:
            self._line.request(method, path, sent, headers)
            answer = self._line.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


@dataclass(frozen=True)
class Listening:
    """An agent that listens: its port, and a token for each tenant that was asked for."""

    port: int
    tokens: dict[str, str]

    def poster(self, tenant: str = TENANT) -> Poster:
        return Poster(self.port, self.tokens[tenant])


@contextmanager
def listening(it: World, *tenants: str, bounds: Bounds | None = None) -> Iterator[Listening]:
    """The agent of a world behind its own server; ``tenants`` besides the usual one may send, too."""
    made = {tenant: new_credential(tenant, "alertmanager") for tenant in (TENANT, *tenants)}
    path: Path = it.folder / "credentials.toml"
    write_credentials(path, "".join(entry for _, entry in made.values()))
    bounds = bounds or Bounds()
    app = application(it.agent, Credentials(path), telemetry=it.agent.tools.telemetry, bounds=bounds)
    with Running(app, bounds=bounds) as running:
        yield Listening(running.port, {tenant: token for tenant, (token, _) in made.items()})
