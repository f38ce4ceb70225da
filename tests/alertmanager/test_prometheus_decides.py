"""Prometheus and Alertmanager together: the built rules decide when the agent is told and when people are.

Only the conditions are replaced, by a series that a test can set; names, stages, times, routes and silences are what
was built, sixty times as fast.
"""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from alerting_lab import FAST, Alertmanager, Exposed, Inbox, Message, Prometheus, at_home, lay, local

from meshscope.adapters.meshes import istio
from meshscope.artefacts.rules import Rule, RuleFile
from meshscope.build.alertmanager import alertmanager
from meshscope.build.assemble import assemble
from meshscope.build.layout import layout
from meshscope.model.model import Model
from meshscope.model.services import Service
from tests.ports import free_port

pytestmark = pytest.mark.engines("prometheus", "alertmanager")
LABELS = "cluster, namespace, service, owner, tier, workload, version, pod, slo"


def about(name: str, status: str, stage: str = "") -> Callable[[Message], bool]:
    def matches(message: Message) -> bool:
        return any(
            (alert["labels"]["alertname"], alert["status"]) == (name, status)
            and alert["labels"].get("stage", "") == stage
            for alert in message.body["alerts"]
        )

    return matches


def resolves(message: Message) -> bool:
    return message.body["event_action"] == "resolve"


def with_condition(rule: Rule, kept: set[str]) -> Rule | None:
    if not rule.alert or rule.alert in kept:
        return rule if rule.alert else None
    return replace(rule, expr=f'sum by ({LABELS}) (fault{{alert="{rule.alert}"}}) > 0', annotations={"summary": "x"})


@pytest.fixture
def live(
    boutique: Model,
    inbox: Inbox,
    target: Exposed,
    start: Callable[..., Alertmanager],
    prometheus: Callable[..., Prometheus],
    tmp_path: Path,
) -> Prometheus:
    """Both programs on what was built, with `fault` as the condition of every alert but the bridge."""
    port = free_port()
    model = local(boutique, inbox, tmp_path / "secrets")
    manager = start(alertmanager(model, FAST))
    model = at_home(model, port, manager.address)
    artefacts = assemble(model, istio.PROVIDER, FAST).artefacts
    rules = tuple(_only_alerts(file) for file in artefacts.rules if file.name in ("slo", "alerts", "objectives"))
    folder = lay(layout(model, istio.PROVIDER, replace(artefacts, rules=rules), FAST), tmp_path / "tree")
    (folder / "targets").mkdir()
    listed = [{"targets": [target.address]}]
    (folder / "targets/collectors.json").write_text(json.dumps(listed))
    return prometheus(folder, port)


def _only_alerts(file: RuleFile) -> RuleFile:
    groups = []
    for group in file.groups:
        rules = group.rules if group.static else tuple(filter(None, (_mine(rule) for rule in group.rules)))
        groups.append(replace(group, rules=rules))
    return replace(file, groups=tuple(group for group in groups if group.rules))


def _mine(rule: Rule) -> Rule | None:
    if rule.alert == "ErrorBudgetBurn" and rule.labels.get("long") != "1h":
        return None
    return with_condition(rule, {"DependencyPaging"})


def fault(alert: str, service: Service, **more: str) -> str:
    labels = {
        "alert": alert,
        "namespace": service.namespace,
        "service": service.name,
        "owner": service.owner.name,
        "tier": str(service.tier),
        **more,
    }
    return "fault{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "} 1\n"


def named(model: Model, name: str) -> Service:
    return next(service for service in model.services if service.name == name)


def test_the_agent_is_told_first_then_people_and_both_when_it_is_over(
    live: Prometheus, boutique: Model, inbox: Inbox, target: Exposed
) -> None:
    ledger = named(boutique, "ledger")
    target.text = fault("LoneFailingInstance", ledger, pod="ledger-0", workload="ledger", version="v2")
    agent = inbox.wait("v1", about("LoneFailingInstance", "firing", "agent"), 40)
    assert not inbox.to("payments-primary"), "people are not told yet"
    page = inbox.wait("payments-primary", seconds=40)
    assert page.body["payload"]["summary"] == "[page] LoneFailingInstance shop/ledger"
    inbox.wait("v1", about("LoneFailingInstance", "firing", "page"), 40)
    assert page.at - agent.at > 2, "three minutes later, sixty times as fast"
    target.text = ""
    inbox.wait("v1", about("LoneFailingInstance", "resolved", "agent"), 40)
    inbox.wait("v1", about("LoneFailingInstance", "resolved", "page"), 40)
    inbox.wait("payments-primary", resolves, 40)


def test_of_services_that_call_each_other_both_are_told_and_their_callers_are_held_back(
    live: Prometheus, boutique: Model, inbox: Inbox, target: Exposed
) -> None:
    frontend, checkout, ledger = (named(boutique, name) for name in ("frontend", "checkout", "ledger"))
    target.text = "".join(fault("ErrorBudgetBurn", found, slo="availability") for found in (checkout, ledger))
    inbox.wait("payments-primary", lambda message: "2 alerts" in message.body["payload"]["summary"], 40)
    bridged = live.wait('ALERTS{alertname="DependencyPaging",alertstate="firing"}')
    assert "frontend" in {found["metric"]["service"] for found in bridged}
    assert not {"checkout", "ledger"} & {found["metric"]["service"] for found in bridged}
    target.text += fault("ErrorBudgetBurn", frontend, slo="availability")
    live.wait('ALERTS{alertname="ErrorBudgetBurn",service="frontend",alertstate="firing"}')
    time.sleep(3)
    assert not inbox.to("storefront-primary"), "its cause pages"
    target.text = fault("ErrorBudgetBurn", frontend, slo="availability")
    inbox.wait("storefront-primary", seconds=40)
