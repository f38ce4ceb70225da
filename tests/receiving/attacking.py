"""What an attack is, and how one is written down."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.receiving.wire import request

BODIES = Path(__file__).parent / "bodies"
ALERTMANAGER, GRAFANA, FALCO = (f"/v1/alerts/{sender}" for sender in ("alertmanager", "grafana", "falco"))
GOOD = (BODIES / "alertmanager-firing.json").read_bytes()
GOOD_GRAFANA = (BODIES / "grafana-firing.json").read_bytes()
GOOD_FALCO = (BODIES / "falco.json").read_bytes()

REFUSED = frozenset(range(400, 500)) - {429}
TAKEN = frozenset({200})
EITHER = REFUSED | TAKEN
BUSY = frozenset({503})
Wire = Sequence["bytes | float"]


@dataclass(frozen=True)
class Target:
    """Whom it is sent to: tokens by kind of sender (and ``signed``, ``basic``), and the port that nobody may call."""

    tokens: Mapping[str, str]
    canary: str
    hmac: str
    old_hmac: str
    timestamp_header: str


@dataclass(frozen=True)
class Attack:
    """What is sent, and what must hold: each answer's status, and how many alerts are stored at the most.

    ``closes``: no answer is due, but the connection ends. ``answers``: so many at the most. ``slow``: it takes as long
    as the agent waits.
    """

    name: str
    wire: Callable[[Target], Wire] = field(repr=False)
    allowed: frozenset[int] = REFUSED
    stored: int = 0
    answers: int = 1
    closes: bool = False
    slow: bool = False


def raw(
    name: str, data: bytes | Callable[[Target], bytes], allowed: frozenset[int] = REFUSED, **more: object
) -> Attack:
    """Bytes as they are; ``$TOKEN`` is Alertmanager's token."""

    def wire(target: Target) -> Wire:
        sent = data(target) if callable(data) else data
        return [sent.replace(b"$TOKEN", target.tokens["alertmanager"].encode())]

    return Attack(name, wire, allowed, **more)  # type: ignore[arg-type]


def post(
    name: str,
    body: bytes | Callable[[Target], bytes],
    allowed: frozenset[int] = REFUSED,
    *,
    path: str = ALERTMANAGER,
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
    **more: object,
) -> Attack:
    """A request that is well formed, with the token of whoever sends to ``path``."""

    def wire(target: Target) -> Wire:
        sent = body(target) if callable(body) else body
        token = target.tokens.get(path.rpartition("/")[2], target.tokens["alertmanager"])
        return [request(path, sent, token, method=method, headers=(headers or {}).items())]

    return Attack(name, wire, allowed, **more)  # type: ignore[arg-type]


def alert(**changes: object) -> dict:
    """An alert of Alertmanager about nothing that there is; None leaves a key out."""
    found: dict = {
        "status": "firing",
        "labels": {"alertname": "NoSuchAlert", "namespace": "nowhere", "service": "nothing"},
        "annotations": {"summary": "x"},
        "startsAt": "2026-11-26T22:59:38.26374Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": hashlib.sha256(repr(sorted(changes.items(), key=str)).encode()).hexdigest()[:16],
    }
    found |= changes
    return {name: value for name, value in found.items() if value is not None}


def webhook(*alerts: object, **changes: object) -> bytes:
    """A body of Alertmanager; None leaves a key out."""
    found = {
        "version": "4",
        "groupKey": "{}:{}",
        "status": "firing",
        "receiver": "agent",
        "truncatedAlerts": 0,
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": list(alerts) or [alert()],
    }
    found |= changes
    return json.dumps({name: value for name, value in found.items() if value is not None}).encode()


def event(**changes: object) -> bytes:
    """A body of Falco about a pod that there is not; None leaves a key out."""
    found = json.loads(GOOD_FALCO)
    found["output_fields"] |= {"k8s.ns.name": "nowhere", "k8s.pod.name": "nothing-0", "k8s.pod.label[app]": "nothing"}
    found |= changes
    return json.dumps({name: value for name, value in found.items() if value is not None}).encode()


def sign(secret: str, body: bytes, timestamp: str = "") -> str:
    """Grafana's signature."""
    text = timestamp.encode() + b":" + body if timestamp else body
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def stamp(shift: float = 0) -> str:
    """Seconds since 1970, in digits."""
    return str(int(time.time() + shift))
