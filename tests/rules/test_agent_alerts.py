"""The alerts about the agent: only where somebody counts on one, and about numbers that it really tells."""

import re
from dataclasses import replace

import pytest

from meshscope.adapters.meshes import istio
from meshscope.build.agent import OWN_ALERTS, Endpoint, endpoint, has_agent
from meshscope.build.options import Options
from meshscope.build.prometheus import prometheus
from meshscope.build.rules.platform import platform_group
from meshscope.feedback.desk import Part
from meshscope.feedback.telemetry import Telemetry
from meshscope.model.model import Model
from meshscope.model.modes import Mode
from tests.rules.conftest import boutique

OWN = ["MeshscopeAgentSilent", "MeshscopeAgentFailing"]


def own_alerts(model: Model) -> list[str]:
    return [rule.alert for rule in platform_group(model, Options()).rules if rule.alert.startswith(OWN_ALERTS)]


def in_mode(mode: Mode | None, **mesh: object) -> Model:
    model = boutique()
    services = tuple(replace(service, mode=mode) for service in model.services)
    return replace(model, services=services, mesh=replace(model.mesh, **mesh))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (in_mode(None), []),
        (in_mode(Mode.OBSERVE), []),
        (in_mode(Mode.PROPOSE), OWN),
        (in_mode(Mode.ACT), OWN),
        (in_mode(Mode.ACT, agent=""), []),
        (in_mode(None, agent="https://agent.example"), OWN),
    ],
    ids=["nobody opted in", "all observe", "some propose", "some act", "no agent", "an address of its own"],
)
def test_an_agent_is_watched_and_scraped_where_somebody_counts_on_one(model: Model, expected: list[str]) -> None:
    assert own_alerts(model) == expected
    jobs = [job["job_name"] for job in prometheus(model, istio.PROVIDER, Options()).document["scrape_configs"]]
    assert ("agent" in jobs) is bool(expected) is has_agent(model)


def test_a_silent_agent_wakes_somebody_only_where_it_alone_hears_of_something() -> None:
    model = boutique()
    assert model.falco_rules

    def severities(of: Model) -> dict[str, str]:
        rules = platform_group(of, Options()).rules
        return {rule.alert: rule.labels["severity"] for rule in rules if rule.alert in OWN}

    assert severities(model) == {"MeshscopeAgentSilent": "page", "MeshscopeAgentFailing": "ticket"}
    assert severities(replace(model, falco_rules=()))["MeshscopeAgentSilent"] == "ticket"


def test_they_go_to_the_owner_of_the_mesh_and_ask_nothing_of_the_agent() -> None:
    for rule in platform_group(boutique(), Options()).rules:
        if rule.alert in OWN:
            assert rule.labels["owner"] == "platform"
            assert "service:info" not in rule.expr + "".join(rule.annotations.values())


def test_every_number_and_word_that_they_read_the_agent_tells_from_the_start() -> None:
    telemetry = Telemetry()
    telemetry.heartbeats([Part(name="decide", at=0.0, patience=30.0)], 1.0)
    told = telemetry.exposed().decode()
    expressions = "".join(rule.expr for rule in platform_group(boutique(), Options()).rules if rule.alert in OWN)
    names = set(re.findall(r"\bmeshscope_agent_\w+", expressions))
    assert len(names) == 9
    for name in names:
        assert re.search(rf"^{name}(\{{.*\}})? ", told, re.MULTILINE), name
    words = [
        (metric, label, value)
        for metric, matchers in re.findall(r"(meshscope_agent_\w+)\{([^}]*)\}", expressions)
        for label, values in re.findall(r'(\w+)=~?"([^"]*)"', matchers)
        if label != "cluster"  # Prometheus gives it, not the agent
        for value in values.split("|")
    ]
    assert len(words) == 7
    for metric, label, value in words:
        assert re.search(rf'^{metric}\{{[^}}]*{label}="{value}"', told, re.MULTILINE), (metric, value)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://meshscope-agent:8443", ("https", "meshscope-agent:8443", "/metrics")),
        ("https://agent.example", ("https", "agent.example", "/metrics")),
        ("http://127.0.0.1:9000/", ("http", "127.0.0.1:9000", "/metrics")),
        ("https://tools.example/agent/", ("https", "tools.example", "/agent/metrics")),
        ("agent:8443", ("http", "agent:8443", "/metrics")),
    ],
)
def test_the_agent_is_asked_where_it_is_told(address: str, expected: tuple[str, str, str]) -> None:
    scheme, target, path = expected
    mesh = replace(boutique().mesh, agent=address)
    assert endpoint(mesh) == Endpoint(scheme=scheme, target=target, path=path)
