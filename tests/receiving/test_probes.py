"""Health, readiness and numbers, over the wire: they tell the truth."""

from __future__ import annotations

import json
import time

from meshscope.feedback.desk import Part
from tests.receiving.attacking import GOOD
from tests.receiving.conftest import Agent, body
from tests.receiving.twin import FULL


def test_a_part_that_is_silent_makes_the_agent_unhealthy(agent: Agent) -> None:
    assert agent.get("/healthz").reply.status == 200
    agent.desk.silent = True
    heard = agent.get("/healthz").reply
    told = json.loads(heard.body)
    assert (heard.status, told["status"]) == (503, "decide is silent")
    assert told["parts"][0]["age_seconds"] >= 60
    assert agent.get("/readyz").reply.status == 503
    assert b'heartbeat_age_seconds{part="decide"} 6' in agent.get("/metrics").reply.body


def test_a_part_that_fails_and_lives_is_told_and_healthy(agent: Agent) -> None:
    agent.desk.alive.append(Part(name="tell", at=time.monotonic(), patience=5.0, error="the tracker is gone"))
    heard = agent.get("/healthz").reply
    assert heard.status == 200
    assert b"the tracker is gone" in heard.body


def test_an_agent_whose_ledger_can_not_write_is_healthy_and_not_ready(agent: Agent) -> None:
    assert agent.get("/readyz").reply.status == 200
    agent.desk.ledger.error = FULL
    assert agent.get("/healthz").reply.status == 200
    heard = agent.get("/readyz").reply
    assert (heard.status, b"the disk is full" in heard.body) == (503, True)


def test_a_probe_that_breaks_says_so(agent: Agent) -> None:
    agent.desk.alive.append(None)  # type: ignore[arg-type]
    for path in ("/healthz", "/readyz", "/metrics"):
        assert agent.get(path).reply.status == 503
    assert agent.post("alertmanager", GOOD).reply.status == 200


def test_numbers_count_what_came(agent: Agent) -> None:
    agent.post("alertmanager", body("alertmanager-mixed.json"))
    agent.post("alertmanager", body("alertmanager-truncated.json"))
    agent.post("alertmanager", GOOD, token="nobody")
    agent.post("alertmanager", b"{}")
    told = agent.get("/metrics").reply.body.decode()
    for line in (
        'meshscope_agent_alerts_received_total{source="alertmanager",status="firing"} 2.0',
        'meshscope_agent_alerts_received_total{source="alertmanager",status="resolved"} 1.0',
        "meshscope_agent_alerts_stored_total 3.0",
        "meshscope_agent_alerts_truncated_total 2.0",
        'meshscope_agent_refused_total{reason="auth_malformed"} 1.0',
        'meshscope_agent_refused_total{reason="shape"} 1.0',
        "meshscope_agent_accept_seconds_count 2.0",
    ):
        assert line in told
