"""A pager refuses what a real Alertmanager sends: a real Prometheus sees it, and somebody is told in another way."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alerting_lab import FAST, OURS, SLOWER, Alertmanager, Inbox, Prometheus, at_home, local, tree

from meshscope.adapters.meshes import istio
from meshscope.build.alertmanager import ALERTING_FAILING, alertmanager
from meshscope.model.model import Model
from tests.ports import free_port

PAGE = {
    **OURS,
    "alertname": "ErrorBudgetBurn",
    "cluster": "eu-1",
    "namespace": "shop",
    "service": "ledger",
    "slo": "latency",
}


@pytest.mark.engines("prometheus", "alertmanager")
def test_a_pager_that_refuses_is_told_in_the_other_ways_that_the_owner_of_the_mesh_has(
    boutique: Model,
    inbox: Inbox,
    start: Callable[..., Alertmanager],
    prometheus: Callable[..., Prometheus],
    tmp_path: Path,
) -> None:
    inbox.invalid = "/pagerduty"
    model = local(boutique, inbox, tmp_path / "secrets")
    manager = start(alertmanager(model, FAST))
    asked = free_port()
    placed = at_home(model, asked, manager.address)
    store = prometheus(tree(placed, istio.PROVIDER, tmp_path / "built", SLOWER), asked)
    store.wait('alertmanager_notifications_failed_total{integration="pagerduty"}')
    manager.send({**PAGE, "owner": "payments", "severity": "page"})
    told = inbox.wait("#platform", lambda message: ALERTING_FAILING in str(message), 60)
    assert "People may not be told of alerts: pagerduty fails" in told.body["attachments"][0]["text"]
    assert not inbox.to("payments-primary")
    inbox.invalid = ""
    inbox.wait("payments-primary", seconds=30)
    inbox.wait("platform-primary", lambda message: ALERTING_FAILING in str(message), 30)
