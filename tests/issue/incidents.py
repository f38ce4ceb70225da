"""Incidents of a small mesh, as the agent would have them."""

import json
from typing import Any

from meshscope.feedback.catalog import Catalog, catalog
from meshscope.feedback.state import (
    Act,
    Approval,
    Decision,
    Evidence,
    Incident,
    Key,
    Member,
    Numbers,
    Phase,
)

AT = 1_795_701_730.0  # 2026-11-26 14:02:10 UTC
LEDGER, CHECKOUT, FRONTEND = (Key("eu-1", "shop", name) for name in ("ledger", "checkout", "frontend"))
SECRET = b"a secret of the tests"
GRAFANA = "https://grafana.boutique.example/d/boutique-instance?var-namespace=shop&var-service=ledger"


def _service(key: Key, **more: Any) -> dict[str, Any]:
    return {
        "cluster": key.cluster, "namespace": key.namespace, "name": key.name, "workload": key.name, "version": "",
        "owner": "payments", "repository": "github:boutique/payments", "tier": 1, "replicas": 3, "stateful": False,
        "runbook": f"https://runbooks.boutique.example/{key.name}.md", "definition": "services/payments.py:16", **more,
    }  # fmt: skip


def _alert(name: str, summary: str, definition: str, scope: str = "service", **more: Any) -> dict[str, Any]:
    return {
        "alertname": name, "scope": scope, "severity": "page", "summary": summary, "definition": definition,
        "responses": [{"action": "open_issue", "limits": {}}], "labels": {}, **more,
    }  # fmt: skip


def mesh() -> Catalog:
    """The mesh that these incidents are of."""
    document = {
        "format": 1,
        "mesh": {
            "name": "boutique", "environment": "", "cluster": "eu-1", "mode": "act", "owner": "platform",
            "severities": {"page": "page", "ticket": "ticket"},
            "addresses": {
                "grafana": "https://grafana.boutique.example", "console": "https://meshscope.boutique.example",
                "runbooks": "https://runbooks.boutique.example",
            },
        },
        "owners": [
            {"name": "payments", "issues": "github:boutique/payments", "definition": "services/payments.py:5"},
            {"name": "platform", "issues": "github:boutique/platform", "definition": "services/platform.py:5"},
        ],
        "services": [_service(LEDGER, mode="act"), _service(CHECKOUT), _service(FRONTEND)],
        "alerts": [
            _alert(
                "LoneFailingInstance", "One instance fails far more often than its siblings.",
                "alerts/lone_failing_instance.py:6", "instance",
            ),
            _alert("ErrorBudgetBurn", "{{ $labels.namespace }} breaks its promise of {{ $labels.slo }}", "mesh.py:9"),
        ],
        "calls": [{"caller": str(one).split("/"), "callee": str(LEDGER).split("/")} for one in (CHECKOUT, FRONTEND)],
    }  # fmt: skip
    return catalog(json.dumps(document).encode())


def member(**more: Any) -> Member:
    """The alert about one instance."""
    told = {
        "alert": "am/1/1", "name": "LoneFailingInstance", "severity": "page", "service": LEDGER, "stage": "agent",
        "pod": "ledger-7d9c", "since": AT, "runbook": "https://runbooks.boutique.example/ledger.md",
        "dashboard": GRAFANA, "definition": "alerts/lone_failing_instance.py:6",
    }  # fmt: skip
    return Member(**{**told, **more})


def burn(**more: Any) -> Member:
    """The alert about a promise to users."""
    told = {
        "alert": "am/2/1", "name": "ErrorBudgetBurn", "severity": "page", "service": LEDGER, "slo": "availability",
        "since": AT + 110, "dashboard": GRAFANA,
    }  # fmt: skip
    return Member(**{**told, **more})


def numbers(at: float = AT + 115, **more: Any) -> Numbers:
    """One that fails wholly between two that don't."""
    told = {
        "at": at, "instance": "ledger-7d9c", "requests": 12.13, "failing": 1.0, "siblings": 2,
        "siblings_requests": 24.31, "siblings_failing": 0.00113, "seen_requests": 3639.0,
    }  # fmt: skip
    return Numbers(**{**told, **more})


def decision(**more: Any) -> Decision:
    """A kill that every guard agreed to."""
    told = {
        "at": AT + 116, "alert": "am/1/1", "action": "kill_instance", "verdict": "acted", "target": "ledger-7d9c",
        "uid": "0d1f", "plan": ["1. kill ledger-7d9c, only while it is 0d1f"], "numbers": numbers(),
        "passed": ["resolved_first", "restored", "observe_mode", "not_opted_in", "stateful", "no_outlier", "rate"],
    }  # fmt: skip
    return Decision(**{**told, **more})


def act(**more: Any) -> Act:
    """A kill that helped."""
    told = {
        "key": "i/kill_instance/0d1f", "action": "kill_instance", "target": "ledger-7d9c", "uid": "0d1f",
        "at": AT + 117, "deadline": AT + 127, "alert": "am/1/1", "outcome": "done", "done_at": AT + 118,
        "replaced_at": AT + 125, "replacement": "ledger-8f2a", "effect": "effective", "effect_at": AT + 430,
        "before": numbers(), "after": numbers(AT + 430, instance="ledger-8f2a", failing=0.0009, requests=12.4),
    }  # fmt: skip
    return Act(**{**told, **more})


EVIDENCE = Evidence(
    at=AT + 116,
    instance="ledger-7d9c",
    lines=[
        "2026-11-26T14:03:58Z INFO  POST /entries 500 2ms",
        "2026-11-26T14:03:59Z ERROR pool: all 20 connections are broken: read tcp 10.0.3.7:41230: connection reset",
        "2026-11-26T14:03:59Z INFO  POST /entries 500 2ms",
    ],
    digest="3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8551",
)


def incident(**more: Any) -> Incident:
    """The ledger's trouble, just begun."""
    told = {
        "id": "ledger-0a1b2c3d4e", "service": LEDGER, "owner": "payments", "opened": AT + 5, "members": [member()],
        "revision": "v1.8.2", "revision_since": AT - 1263, "evidence": [EVIDENCE],
    }  # fmt: skip
    return Incident(**{**told, **more})


def samples() -> dict[str, Incident]:
    """One of each kind, by the name of its file of what is expected."""
    over = member(until=AT + 305)
    return {
        "acting": incident(
            decisions=[decision()],
            acts=[act(replacement="", replaced_at=None, effect="", effect_at=None, after=None)],
        ),
        "mitigated": incident(
            phase=Phase.MITIGATED, quiet_since=AT + 305, decisions=[decision()], acts=[act()],
            members=[over, burn(until=AT + 300), burn(alert="am/3/1", service=CHECKOUT, victim=True, until=AT + 300)],
            victims=[CHECKOUT],
        ),
        "declined": incident(
            members=[member(), burn()],
            decisions=[
                decision(
                    verdict="declined", code="no_outlier", passed=["observe_mode", "not_opted_in", "stateful"], plan=[],
                    why="38.1% of its requests fail and 36.8% of its siblings'; it would have to be more than 100.0%",
                    numbers=numbers(failing=0.381, siblings_failing=0.368),
                )
            ],
        ),
        "observed": incident(
            evidence=[],
            decisions=[
                decision(verdict="declined", code="observe_mode", passed=[], why="eu-1/shop/ledger is in mode observe")
            ],
        ),
        "asking": incident(
            decisions=[decision(verdict="asked", code="needs_approval", why="a person has to say yes")],
            approvals=[
                Approval(
                    token="t", alert="am/1/1", action="kill_instance", target="ledger-7d9c", uid="0d1f", at=AT + 116,
                    until=AT + 1016,
                )
            ],
        ),
        "resolved": incident(
            phase=Phase.RESOLVED, quiet_since=AT + 305, ended=AT + 90_000, fixed_by="v1.8.3", reopened=1,
            decisions=[decision()], acts=[act()], members=[over], victims=[CHECKOUT, FRONTEND],
        ),
    }  # fmt: skip
