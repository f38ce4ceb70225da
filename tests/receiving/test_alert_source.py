"""Who is asked which alerts fire: one suite for the twin in memory and a real Alertmanager, and bad answers."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from meshscope.adapters.memory.alert_source import MemoryAlertSource
from meshscope.adapters.stores.access import Access
from meshscope.adapters.stores.alertmanager import AlertmanagerSource
from meshscope.feedback.ports import Active, AlertSource
from meshscope.findings import Finding, MeshscopeError
from tests.ports import free_port
from tests.receiving.sender import alertmanager, ask

FIRING = {"alertname": "LoneFailingInstance", "namespace": "shop", "service": "ledger"}
HELD = {"alertname": "CallsFail", "namespace": "shop", "service": "checkout", "held": "yes"}
SILENCED = {"alertname": "PlaintextTraffic", "namespace": "shop", "service": "cart"}
OVER = {"alertname": "Over", "namespace": "shop"}
CONFIG = {
    "route": {"receiver": "nobody", "group_wait": "100ms"},
    "receivers": [{"name": "nobody"}],
    "inhibit_rules": [
        {
            "source_matchers": ['alertname="LoneFailingInstance"'],
            "target_matchers": ['held="yes"'],
            "equal": ["namespace"],
        }
    ],
}
GRAPH = "http://prometheus.example/graph"


def real(program: Path, folder: Path, ends: ExitStack) -> AlertSource:
    url = alertmanager(program, folder, CONFIG, ends)
    now = datetime.now(UTC)

    def sent(labels: Mapping[str, str], ends_at: datetime) -> dict[str, object]:
        return {
            "labels": dict(labels),
            "annotations": {"summary": "x"},
            "startsAt": (now - timedelta(minutes=1)).isoformat(),
            "endsAt": ends_at.isoformat(),
            "generatorURL": GRAPH,
        }

    silence = {
        "matchers": [{"name": "alertname", "value": "PlaintextTraffic", "isRegex": False}],
        "comment": "x",
        "createdBy": "x",
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
    }
    ask(f"{url}/api/v2/silences", silence)
    ask(f"{url}/api/v2/alerts", [sent(one, now + timedelta(hours=1)) for one in (FIRING, HELD, SILENCED, OVER)])
    ask(f"{url}/api/v2/alerts", [sent(OVER, datetime.now(UTC))])
    return AlertmanagerSource(url)


def twin() -> AlertSource:
    def one(number: int, labels: Mapping[str, str], **more: bool) -> Active:
        return Active(
            fingerprint=f"{number:016x}",
            labels=labels,
            annotations={"summary": "x"},
            starts_at="2026-11-26T22:59:38Z",
            generator_url=GRAPH,
            **more,
        )

    return MemoryAlertSource(alerts=[one(1, FIRING), one(2, HELD, inhibited=True), one(3, SILENCED, silenced=True)])


@pytest.fixture(params=["memory", "alertmanager"])
def source(request: pytest.FixtureRequest, engine: Callable[[str], Path], tmp_path: Path) -> Iterator[AlertSource]:
    with ExitStack() as ends:
        yield twin() if request.param == "memory" else real(engine("alertmanager"), tmp_path, ends)


def test_what_fires_is_known_with_what_holds_it_back(source: AlertSource) -> None:
    end = time.monotonic() + 10
    wanted = {
        "LoneFailingInstance": (False, False),
        "CallsFail": (True, False),
        "PlaintextTraffic": (False, True),
    }
    while True:
        found = {one.labels["alertname"]: one for one in source.active()}
        if {name: (one.inhibited, one.silenced) for name, one in found.items()} == wanted:
            break
        assert time.monotonic() < end, found
        time.sleep(0.1)
    firing = found["LoneFailingInstance"]
    assert dict(firing.labels) == FIRING
    assert firing.annotations == {"summary": "x"}
    assert len(firing.fingerprint) == 16
    assert firing.starts_at[:4].isdigit()
    assert firing.generator_url == GRAPH
    assert len({one.fingerprint for one in found.values()}) == 3


def test_a_twin_that_is_broken_raises() -> None:
    broken = MeshscopeError(Finding(code="agent/unasked", title="x"))
    with pytest.raises(MeshscopeError):
        MemoryAlertSource(broken=broken).active()


ONE = {
    "fingerprint": "461cc20a2d27e805",
    "labels": {"alertname": "X"},
    "annotations": {},
    "startsAt": "2026-11-26T22:59:38Z",
    "status": {"state": "active", "inhibitedBy": [], "silencedBy": []},
}


class Fake:
    """Says what it is told to whoever calls, in pieces; numbers are pauses."""

    def __init__(self, *pieces: bytes | float) -> None:
        self.pieces, self.asked = pieces, b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            line, _ = self._socket.accept()
            with line:
                self.asked = line.recv(1 << 16)
                for piece in self.pieces:
                    if isinstance(piece, bytes):
                        line.sendall(piece)
                    else:
                        time.sleep(piece)

    def close(self) -> None:
        self._socket.close()


def answer(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def silent(fake: Fake, *, seconds: float = 10.0, most_bytes: int = 64 << 20) -> str:
    with pytest.raises(MeshscopeError) as failed:
        AlertmanagerSource(fake.url, seconds=seconds, most_bytes=most_bytes).active()
    fake.close()
    assert failed.value.finding.code == "agent/unasked"
    return failed.value.finding.why


SAID = {
    "a failure": answer(b"[]", "500 Internal Server Error"),
    "who asks?": answer(b"[]", "401 Unauthorized"),
    "elsewhere": answer(b"", "302 Found", "Location: http://169.254.169.254/\r\n"),
    "a page": answer(b"<html>"),
    "an object": answer(b"{}"),
    "an empty alert": answer(b"[{}]"),
    "depth": answer(b"[" * 100_000),
    "a path for a fingerprint": answer(json.dumps([ONE | {"fingerprint": "../../x"}]).encode()),
    "a number for a label": answer(json.dumps([ONE | {"labels": {"a": 1}}]).encode()),
    "no text": answer(b"\xff"),
    "no gzip": answer(b"x", headers="Content-Encoding: gzip\r\n"),
    "no answer": b"nonsense\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_what_is_no_list_of_alerts_is_said_and_is_no_empty_list(said: bytes) -> None:
    assert silent(Fake(said))


def test_an_answer_that_never_ends_is_given_up() -> None:
    drip = [piece for _ in range(30) for piece in (b"X: y\r\n", 0.1)]
    assert "0.5 seconds" in silent(Fake(b"HTTP/1.1 200 OK\r\n", *drip), seconds=0.5)


def test_an_answer_that_is_too_large_is_given_up() -> None:
    assert "larger than 1 MiB" in silent(Fake(answer(b" " * 3_000_000 + b"[]")), most_bytes=1 << 20)


def test_nobody_there_is_said() -> None:
    with pytest.raises(MeshscopeError):
        AlertmanagerSource(f"http://127.0.0.1:{free_port()}").active()


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://x", "http://[", "http://user:secret@127.0.0.1:1"])
def test_an_address_that_is_none_is_said_without_what_is_secret_in_it(url: str) -> None:
    with pytest.raises(MeshscopeError) as failed:
        AlertmanagerSource(url, seconds=2).active()
    assert "secret" not in failed.value.finding.title


def test_credentials_are_sent() -> None:
    fake = Fake(answer(json.dumps([ONE]).encode()))
    access = Access(basic=("agent", "secret"), headers=(("X-Scope-OrgID", "shop"),))
    assert [one.fingerprint for one in AlertmanagerSource(fake.url, access).active()] == ["461cc20a2d27e805"]
    fake.close()
    assert b"Basic " + base64.b64encode(b"agent:secret") in fake.asked
    assert b"x-scope-orgid: shop" in fake.asked.lower()
