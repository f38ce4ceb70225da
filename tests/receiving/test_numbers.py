"""What the agent tells of itself: true numbers, and labels that no stranger can choose."""

from __future__ import annotations

import time

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from meshscope.feedback.desk import Part
from meshscope.feedback.telemetry import Telemetry


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    return telemetry.registry.get_sample_value(f"meshscope_agent_{name}", labels)


def test_what_is_told_is_read_by_prometheus() -> None:
    telemetry = Telemetry()
    telemetry.received("alertmanager", 2, 1, stored=1, truncated=4, seconds=0.01)
    telemetry.decided("kill_instance", "declined", "stopped")
    telemetry.acted("kill_instance", "done")
    telemetry.told("opened")
    telemetry.reacted(3.0)
    telemetry.open_incidents(2, 7)
    families = list(text_string_to_metric_families(telemetry.exposed().decode()))
    assert all(family.name.startswith("meshscope_agent_") and family.documentation for family in families)
    assert value(telemetry, "alerts_received_total", source="alertmanager", status="firing") == 2
    assert value(telemetry, "alerts_received_total", source="alertmanager", status="resolved") == 1
    assert value(telemetry, "alerts_truncated_total") == 4
    assert value(telemetry, "decisions_total", action="kill_instance", verdict="declined", code="stopped") == 1
    assert value(telemetry, "acts_total", action="kill_instance", outcome="done") == 1
    assert value(telemetry, "issues_total", outcome="opened") == 1
    assert value(telemetry, "webhook_to_act_seconds_count") == 1
    assert (value(telemetry, "open_incidents"), value(telemetry, "queue")) == (2, 7)


def test_a_source_that_is_none_is_another_one() -> None:
    telemetry = Telemetry()
    telemetry.received('evil"} 1\n', 1, 0, stored=0, truncated=0, seconds=0.0)
    assert value(telemetry, "alerts_received_total", source="other", status="firing") == 1


@pytest.mark.parametrize("word", ["a b", "x\ny", '"} 1', "é", "a" * 65])
def test_a_word_that_is_none_is_another_one(word: str) -> None:
    telemetry = Telemetry()
    telemetry.refused(word)
    assert value(telemetry, "refused_total", reason="other") == 1


def test_only_so_many_words_are_kept() -> None:
    telemetry = Telemetry()
    for number in range(500):
        telemetry.decided(f"action{number}", "acted", "")
    told = telemetry.exposed().decode()
    assert told.count('meshscope_agent_decisions_total{action="action') < 70
    others = value(telemetry, "decisions_total", action="other", verdict="acted", code="")
    assert others is not None
    assert others > 400


def test_a_part_that_is_gone_is_told_no_more() -> None:
    telemetry = Telemetry()
    telemetry.heartbeats([Part(name="decide", at=10.0, patience=1.0), Part(name="tell", at=12.0, patience=1.0)], 15.0)
    assert value(telemetry, "heartbeat_age_seconds", part="decide") == 5
    telemetry.heartbeats([Part(name="tell", at=12.0, patience=1.0)], 16.0)
    assert value(telemetry, "heartbeat_age_seconds", part="decide") is None
    assert value(telemetry, "heartbeat_age_seconds", part="tell") == 4


def test_since_when_nobody_has_sent_anything_grows_and_begins_anew() -> None:
    telemetry = Telemetry()
    time.sleep(0.05)
    grown = value(telemetry, "last_received_age_seconds")
    assert grown is not None
    assert grown >= 0.05
    telemetry.received("falco", 1, 0, stored=1, truncated=0, seconds=0.0)
    anew = value(telemetry, "last_received_age_seconds")
    assert anew is not None
    assert anew < grown


def test_a_decision_is_timed_also_when_it_fails() -> None:
    telemetry = Telemetry()
    with telemetry.span("decision", source="falco"):
        pass
    with pytest.raises(RuntimeError), telemetry.span("decision"):
        raise RuntimeError
    assert value(telemetry, "decision_seconds_count") == 2


def test_spans_stand_below_one_another_where_somebody_collects_them() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    telemetry = Telemetry(provider.get_tracer("meshscope.agent"))
    with telemetry.span("decision", source="falco"), telemetry.span("act", action="kill_instance"):
        pass
    act, decision = kept.get_finished_spans()
    assert (act.name, decision.name) == ("meshscope.act", "meshscope.decision")
    assert act.parent is not None
    assert act.parent.span_id == decision.context.span_id
    assert dict(decision.attributes or {}) == {"source": "falco"}


def test_two_agents_of_one_process_have_numbers_of_their_own() -> None:
    one, other = Telemetry(), Telemetry()
    one.refused("x")
    assert value(one, "refused_total", reason="x") == 1
    assert value(other, "refused_total", reason="x") is None
