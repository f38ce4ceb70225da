"""Alerts of a house that `bench.mesh` writes, as Alertmanager sends them: ten of each service, each of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from bench.mesh import Node

CLUSTER = "eu-1"
_BEGAN = "2026-11-27T02:00:00.000Z"
_SLOS = ("availability", "latency")
_PAGE = {"severity": "page", "kind": "symptom", "long": "1h", "short": "5m"}
_TICKET = {"severity": "ticket", "kind": "symptom", "long": "1d", "short": "2h"}


def alerts(node: Node) -> Iterator[dict[str, object]]:
    """Ten alerts of a service in trouble: its burn rates, an indicator that is gone, and two of its instances."""
    for slo in _SLOS:
        for labels in (_PAGE, _TICKET):
            yield alert(node, {"alertname": "ErrorBudgetBurn", "slo": slo, **labels})
        yield alert(node, {"alertname": "IndicatorAbsent", "slo": slo, "severity": "ticket"})
    yield alert(node, {"alertname": "SlowAndFailing", "severity": "page"})
    yield alert(node, {"alertname": "PlaintextTraffic", "severity": "ticket"})
    for pod in ("x2x4z", "z7k9b"):
        yield alert(node, {"alertname": "FailingInstance", "severity": "ticket", "pod": f"{node.name}-{pod}"})


def alert(
    node: Node, labels: Mapping[str, str], notes: Mapping[str, str] | None = None, fingerprint: str = ""
) -> dict[str, object]:
    """One alert of a service; its fingerprint, where not said, is made of its labels."""
    every = {"cluster": CLUSTER, "namespace": node.namespace, "service": node.name, **labels}
    digest = hashlib.sha256(json.dumps(every, sort_keys=True).encode()).hexdigest()[:16]
    return {
        "status": "firing",
        "labels": every,
        "annotations": {"summary": f"{node.namespace}/{node.name} is in trouble", **(notes or {})},
        "startsAt": _BEGAN,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": fingerprint or digest,
    }


def body(some: Sequence[Mapping[str, object]]) -> bytes:
    """The webhook that Alertmanager sends with these alerts."""
    return json.dumps(
        {
            "version": "4",
            "groupKey": '{}:{alertname="bench"}',
            "truncatedAlerts": 0,
            "status": "firing",
            "receiver": "meshscope-agent",
            "groupLabels": {},
            "commonLabels": {},
            "commonAnnotations": {},
            "externalURL": "http://alertmanager:9093",
            "alerts": list(some),
        }
    ).encode()
