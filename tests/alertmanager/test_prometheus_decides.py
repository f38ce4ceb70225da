"""Prometheus and Alertmanager together: the built rules decide when the agent is told and when people are.

Only the conditions are replaced, by a series that a test can set; names, stages, times, routes and silences are what
was built, sixty times as fast.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alerting_lab import FAST, Alertmanager, Exposed, Inbox, Message, Prometheus, at_home, end, lay, local

from meshscope.adapters.meshes import istio
from meshscope.artefacts.rules import Rule, RuleFile
from meshscope.build.alertmanager import alertmanager
from meshscope.build.assemble import assemble
from meshscope.build.layout import layout
from meshscope.model.model import Model
from meshscope.model.services import Service
from tests.ports import free_port

pytestmark = pytest.mark.engines("prometheus", "alertmanager")
LABELS = "cluster, namespace, service, owner, tier, workload, version, pod, slo, sli"
KEPT = {"DependencyPaging", "service:paging:ratio_rate5m"}


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


def with_condition(rule: Rule) -> Rule | None:
    if not rule.alert or rule.alert in KEPT:
        return rule if {rule.alert, rule.record} & KEPT else None
    return replace(rule, expr=f'sum by ({LABELS}) (fault{{alert="{rule.alert}"}}) > 0', annotations={"summary": "x"})


@dataclass
class Live:
    """Both programs on what was built."""

    manager: Alertmanager
    store: Prometheus
    start: Callable[[], Prometheus]

    def restart(self) -> None:
        """End Prometheus and start it again on its data."""
        end(self.store.process)
        self.store = self.start()


@pytest.fixture
def live(
    boutique: Model,
    inbox: Inbox,
    target: Exposed,
    start: Callable[..., Alertmanager],
    prometheus: Callable[..., Prometheus],
    tmp_path: Path,
) -> Live:
    """With `fault` as the condition of every alert but the bridge."""
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
    return Live(manager, prometheus(folder, port), lambda: prometheus(folder, port))


def _only_alerts(file: RuleFile) -> RuleFile:
    groups = []
    for group in file.groups:
        rules = group.rules if group.static else tuple(filter(None, (_mine(rule) for rule in group.rules)))
        groups.append(replace(group, rules=rules))
    return replace(file, groups=tuple(group for group in groups if group.rules))


def _mine(rule: Rule) -> Rule | None:
    if rule.alert == "ErrorBudgetBurn" and rule.labels["severity"] != "page":
        return None
    return with_condition(rule)


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
    live: Live, boutique: Model, inbox: Inbox, target: Exposed
) -> None:
    ledger = named(boutique, "ledger")
    target.text = fault("LoneFailingInstance", ledger, pod="ledger-0", workload="ledger", version="v2")
    agent = inbox.wait("v1", about("LoneFailingInstance", "firing", "agent"), 40)
    assert not inbox.to("payments-primary"), "people are not told yet"
    page = inbox.wait("payments-primary", seconds=40)
    assert page.body["payload"]["summary"] == "[page] LoneFailingInstance shop/ledger in eu-1, production"
    inbox.wait("v1", about("LoneFailingInstance", "firing", "page"), 40)
    assert page.at - agent.at > 2, "three minutes later, sixty times as fast"
    target.text = ""
    inbox.wait("v1", about("LoneFailingInstance", "resolved", "agent"), 40)
    inbox.wait("v1", about("LoneFailingInstance", "resolved", "page"), 40)
    inbox.wait("payments-primary", resolves, 40)


def failing(service: Service, share: float) -> str:
    """An availability that pages, and how much of its traffic is bad."""
    page = fault("ErrorBudgetBurn", service, slo="availability", sli="availability")
    whose = f'namespace="{service.namespace}",service="{service.name}",slo="availability"'
    return f"{page}slo:errors:ratio_rate5m{{{whose}}} {share}\n"


def about_service(name: str) -> Callable[[Message], bool]:
    return lambda message: message.body["payload"].get("component") == name


def test_of_services_that_call_each_other_both_are_told(
    live: Live, boutique: Model, inbox: Inbox, target: Exposed
) -> None:
    target.text = "".join(failing(named(boutique, name), 0.5) for name in ("checkout", "ledger"))
    for name in ("checkout", "ledger"):
        inbox.wait("payments-primary", about_service(name), 40)
    assert not live.store.ask("/api/v1/query?query=ALERTS%7Balertname%3D%22DependencyPaging%22%7D")["result"]


def test_a_callers_page_waits_for_its_causes_and_is_told_in_time_though_the_cause_is_silenced(
    live: Live, boutique: Model, inbox: Inbox, target: Exposed
) -> None:
    now = datetime.now(UTC)
    matchers = [{"name": "service", "value": "catalog", "isRegex": False, "isEqual": True}]
    silence = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=1)).isoformat(), "matchers": matchers}
    live.manager.ask("/api/v2/silences", {**silence, "createdBy": "test", "comment": "known"})
    target.text = failing(named(boutique, "catalog"), 0.5) + failing(named(boutique, "search"), 0.6)
    (bridge,) = live.store.wait('ALERTS{alertname="DependencyPaging",alertstate="firing"}')
    began = time.monotonic()
    assert (bridge["metric"]["service"], bridge["metric"]["sli"]) == ("search", "availability")
    time.sleep(4)
    held = live.manager.state(alertname="ErrorBudgetBurn", service="search")
    assert held["inhibitedBy"], "whoever is silenced still holds back"
    assert live.manager.state(alertname="ErrorBudgetBurn", service="catalog")["silencedBy"]
    assert not inbox.to("discovery-primary")
    live.restart()
    time.sleep(3)
    live.restart()
    told = inbox.wait("discovery-primary", about_service("search"), 60)
    assert told.at - began < 35, "twenty minutes, sixty times as fast, and two starts of Prometheus"
    assert not [one for one in inbox.to("discovery-primary") if about_service("catalog")(one)]


def test_a_caller_that_fails_much_more_than_what_it_calls_is_told_at_once(
    live: Live, boutique: Model, inbox: Inbox, target: Exposed
) -> None:
    target.text = failing(named(boutique, "catalog"), 0.1) + failing(named(boutique, "search"), 0.9)
    for name in ("catalog", "search"):
        inbox.wait("discovery-primary", about_service(name), 40)
