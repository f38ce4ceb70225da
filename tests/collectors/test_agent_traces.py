"""The agent's own spans, from a message that comes to the act that it brings about, through a real collector."""

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest
from collecting_lab import Running as Collector
from collecting_lab import Sink, plain

from meshscope.artefacts.documents import CollectorConfig
from meshscope.feedback.credentials import Credentials, new_credential
from meshscope.web.server import Running, application
from meshscope.wiring.agent import engaged
from meshscope.wiring.agent_settings import Configuration
from meshscope.wiring.bundles import Bundle
from tests.agent.stage import QUICK, Troupe, lone, shop
from tests.waiting import until

HOST = "${env:MY_POD_IP}"
PLAIN = CollectorConfig(
    name="plain",
    mode="deployment",
    document={
        "extensions": {"health_check": {"endpoint": f"{HOST}:13133"}},
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"{HOST}:4318"}}}},
        "exporters": {"otlp_http": {"endpoint": "${env:TRACES_ENDPOINT}", "encoding": "proto"}},
        "service": {
            "extensions": ["health_check"],
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}},
            "telemetry": {"metrics": {"level": "none"}},
        },
    },
)


@pytest.fixture
def troupe(tmp_path: Path) -> Iterator[Troupe]:
    """Three real processes of one service, in which the agent may act."""
    with Troupe(tmp_path / "groups", ("ledger",)) as played:
        yield played


@contextmanager
def agent(folder: Path, troupe: Troupe, traces: str | None) -> Iterator[Callable[[object], int]]:
    """The agent behind its server; gives how it is sent something, as Alertmanager."""
    folder.mkdir()
    token, entry = new_credential("alertmanager", "alertmanager")
    (folder / "credentials.toml").write_text(entry)
    (folder / "credentials.toml").chmod(0o600)
    configuration = Configuration(
        state=folder / "state", credentials=folder / "credentials.toml", people=folder / "people.toml",
        groups=troupe.folder, issues=folder / "issues", settings=QUICK, prometheus="", traces=traces,
    )  # fmt: skip
    with engaged(Bundle(catalog=shop("ledger"), scale=Fraction(1)), configuration) as ready:
        app = application(ready.agent, Credentials(configuration.credentials), None, telemetry=ready.telemetry)
        with Running(app, port=0) as server:
            ready.agent.start_parts()

            def send(body: object) -> int:
                headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
                asked = urllib.request.Request(
                    f"{server.url}/v1/alerts/alertmanager", json.dumps(body).encode(), headers
                )
                with urllib.request.urlopen(asked, timeout=10) as answer:
                    return int(json.load(answer)["stored"])

            yield send


def message(pod: str) -> dict[str, object]:
    one = lone("ledger", pod)
    return {
        "version": "4", "groupKey": "x", "truncatedAlerts": 0, "status": "firing", "receiver": "agent",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://alertmanager.example",
        "alerts": [
            {"status": "firing", "labels": dict(one.labels), "annotations": dict(one.annotations),
             "startsAt": "2026-11-26T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
             "fingerprint": "0123456789abcdef"}
        ],
    }  # fmt: skip


@pytest.mark.engines("otelcol")
@pytest.mark.parametrize("told_by", ["configuration", "environment"])
def test_alert_decision_and_act_are_one_trace_in_a_store_behind_a_real_collector(
    told_by: str,
    start: Callable[..., Collector],
    sink: Sink,
    troupe: Troupe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receiver = f"http://{start(PLAIN).host}:4318"
    if told_by == "environment":
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver)
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.namespace.name=observability")
    pod, uid = next(iter(troupe.running("ledger").items()))
    with agent(tmp_path / "agent", troupe, receiver if told_by == "configuration" else None) as send:
        assert send(message(pod)) == 1
        until(lambda: uid not in troupe.running("ledger").values(), "the instance is killed")
        assert send(message(pod)) == 0, "what is known brings about nothing, and is a trace of its own"
    until(lambda: len(sink.spans()) >= 4, "all spans are in the store")
    spans = {span.name: (resource, span) for resource, span in reversed(sink.spans())}
    resource, act = spans["meshscope.act"]
    _, decision = spans["meshscope.decision"]
    _, alert = spans["meshscope.alert"]
    assert act.trace_id == decision.trace_id == alert.trace_id
    assert (act.parent_span_id, decision.parent_span_id) == (decision.span_id, alert.span_id)
    assert alert.parent_span_id == b""
    told = plain(act.attributes)
    assert (told["action"], told["target"], told["outcome"]) == ("kill_instance", pod, "done")
    assert told["incident"].startswith("ledger-")
    assert [(event.name, plain(event.attributes)["verdict"]) for event in decision.events] == [("judged", "acted")]
    assert (resource["service.name"], resource["meshscope.mesh"]) == ("meshscope-agent", "shop")
    assert resource["service.version"]
    assert resource.get("k8s.namespace.name", "") == ("observability" if told_by == "environment" else "")
    names = sorted(span.name for _, span in sink.spans())
    assert names == ["meshscope.act", "meshscope.alert", "meshscope.alert", "meshscope.decision"]
    assert len({span.trace_id for _, span in sink.spans()}) == 2


def test_without_a_receiver_nothing_is_traced(troupe: Troupe, tmp_path: Path) -> None:
    before = {thread.name for thread in threading.enumerate()}
    with agent(tmp_path / "agent", troupe, None):
        threads = {thread.name for thread in threading.enumerate()} - before
    assert not any("Otel" in name for name in threads), threads


def test_a_receiver_that_is_away_keeps_nothing_waiting(troupe: Troupe, tmp_path: Path) -> None:
    pod, uid = next(iter(troupe.running("ledger").items()))
    with agent(tmp_path / "agent", troupe, "http://127.0.0.1:9") as send:
        assert send(message(pod)) == 1
        until(lambda: uid not in troupe.running("ledger").values(), "the instance is killed")
        ended = time.monotonic()
    print(f"ending with a receiver that is away took {time.monotonic() - ended:.1f} s")
