"""Who is told what, shown on a real Alertmanager with receivers that answer as the real ones do."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from alerting_lab import FAST, OURS, Alertmanager, Inbox, Message, local

from meshscope.build.alertmanager import alertmanager
from meshscope.model.mesh import SeverityWords
from meshscope.model.model import Model
from tests.ports import free_port

pytestmark = pytest.mark.engines("alertmanager")

BURN = {
    **OURS,
    "alertname": "ErrorBudgetBurn",
    "cluster": "eu-1",
    "namespace": "shop",
    "service": "ledger",
    "owner": "payments",
    "tier": "1",
    "slo": "availability",
    "sli": "availability",
    "period": "30d",
}
PAGE = {**BURN, "severity": "page", "long": "1h", "short": "5m", "kind": "symptom"}
TICKET = {**BURN, "severity": "ticket", "long": "3d", "short": "6h", "kind": "symptom"}
LONE = {
    **OURS,
    "alertname": "LoneFailingInstance",
    "cluster": "eu-1",
    "namespace": "shop",
    "service": "ledger",
    "owner": "payments",
    "tier": "1",
    "workload": "ledger",
    "version": "v2",
    "pod": "ledger-7d9f-abcde",
    "severity": "page",
}
FIRST, SECOND = {**LONE, "stage": "agent"}, {**LONE, "stage": "page"}
ANNOTATIONS = {
    "summary": "ledger burns its budget 20 times too fast",
    "description": "2% of requests fail; the budget of 30d is gone in a day.",
    "runbook_url": "https://runbooks.example/ledger.md",
    "dashboard_url": "https://grafana.example/d/boutique-slo",
    "incident_url": "https://console.example/incidents/shop/ledger",
    "definition": "services/payments.py:13",
}
LINKS = (
    "<https://runbooks.example/ledger.md|Runbook>  <https://grafana.example/d/boutique-slo|Dashboard>  "
    "<https://console.example/incidents/shop/ledger|Incident>  `services/payments.py:13`"
)
# A little more than people's group_wait at this speed: whoever was to be told would have been.
TOLD_BY_NOW = 2.0


def about(alertname: str, status: str = "firing", **labels: str) -> Callable[[Message], bool]:
    """Whether a webhook's message has such an alert."""
    wanted = {"alertname": alertname, **labels}
    return lambda message: any(
        wanted.items() <= alert["labels"].items() and alert["status"] == status for alert in message.body["alerts"]
    )


def resolves(message: Message) -> bool:
    return message.body["event_action"] == "resolve"


def test_a_page_wakes_its_owner_and_says_what_and_where(running: Alertmanager, inbox: Inbox) -> None:
    running.send(PAGE, annotations=ANNOTATIONS)
    page = inbox.wait("payments-primary").body
    assert page["event_action"] == "trigger"
    assert page["payload"]["summary"] == "[page] ErrorBudgetBurn shop/ledger in eu-1, production"
    assert page["payload"]["severity"] == "critical"
    assert (page["payload"]["component"], page["payload"]["group"]) == ("ledger", "shop")
    assert {link["text"]: link["href"] for link in page["links"]} == {
        "Runbook": ANNOTATIONS["runbook_url"],
        "Dashboard": ANNOTATIONS["dashboard_url"],
        "Incident": ANNOTATIONS["incident_url"],
    }
    running.resolve(PAGE)
    over = inbox.wait("payments-primary", resolves).body
    assert over["dedup_key"] == page["dedup_key"]
    assert not inbox.to("#payments"), "a page is no ticket"


def test_a_ticket_is_read_in_chat_with_its_links_and_the_definition(running: Alertmanager, inbox: Inbox) -> None:
    running.send(TICKET, annotations=ANNOTATIONS)
    message = inbox.wait("#payments").body["attachments"][0]
    assert message["title"] == "[ticket] ErrorBudgetBurn shop/ledger in eu-1, production"
    assert message["title_link"] == ANNOTATIONS["incident_url"]
    assert message["color"] == "warning"
    assert message["text"].splitlines() == [
        "*ledger burns its budget 20 times too fast*",
        "2% of requests fail; the budget of 30d is gone in a day.",
        LINKS,
    ]
    assert not inbox.to("payments-primary"), "a ticket wakes nobody"


def test_a_storm_is_told_in_ten_alerts_and_their_number(running: Alertmanager, inbox: Inbox) -> None:
    running.send(*({**TICKET, "service": f"s{number}"} for number in range(40)))
    title = "[ticket] ErrorBudgetBurn in eu-1, production (40 alerts)"
    message = inbox.wait("#payments", lambda message: message.body["attachments"][0]["title"] == title)
    message = message.body["attachments"][0]
    assert message["text"].count("ErrorBudgetBurn is firing") == 10
    assert "10 of 40 alerts are shown." in message["text"]


def test_the_agent_gets_every_alert_whole_with_its_token(running: Alertmanager, inbox: Inbox) -> None:
    alerts = [{**TICKET, "slo": f"s{number}"} for number in range(60)]
    running.send(*alerts)
    message = inbox.wait("v1", lambda message: len(message.body["alerts"]) == 60)
    assert message.path == "/v1/alerts/alertmanager"
    assert message.headers["Authorization"] == "Bearer token-of-the-agent"
    assert message.body["truncatedAlerts"] == 0
    assert message.body["version"] == "4"


def test_the_first_stage_is_the_agents_the_second_wakes_people_and_both_are_resolved(
    running: Alertmanager, inbox: Inbox
) -> None:
    running.send(FIRST)
    inbox.wait("v1", about("LoneFailingInstance", stage="agent"))
    time.sleep(TOLD_BY_NOW)
    assert [message.path for message in inbox.messages] == ["/v1/alerts/alertmanager"], "people hear nothing yet"

    running.send(FIRST, SECOND)
    inbox.wait("v1", about("LoneFailingInstance", stage="page"))
    page = inbox.wait("payments-primary")
    assert page.body["payload"]["summary"] == "[page] LoneFailingInstance shop/ledger in eu-1, production"

    running.resolve(FIRST, SECOND)
    inbox.wait("v1", about("LoneFailingInstance", "resolved", stage="agent"))
    inbox.wait("v1", about("LoneFailingInstance", "resolved", stage="page"))
    assert inbox.wait("payments-primary", resolves).body["dedup_key"] == page.body["dedup_key"]


def test_a_first_stage_that_the_agent_mends_is_resolved_to_the_agent_and_wakes_nobody(
    running: Alertmanager, inbox: Inbox
) -> None:
    running.send(FIRST)
    inbox.wait("v1", about("LoneFailingInstance", stage="agent"))
    running.resolve(FIRST)
    inbox.wait("v1", about("LoneFailingInstance", "resolved", stage="agent"))
    time.sleep(TOLD_BY_NOW)
    assert {message.path for message in inbox.messages} == {"/v1/alerts/alertmanager"}


def test_a_page_silences_the_ticket_that_says_the_same_and_no_other(running: Alertmanager, inbox: Inbox) -> None:
    other_slo = {**TICKET, "slo": "latency", "sli": "latency"}
    other_alert = {**TICKET, "alertname": "SlowAndFailing"}
    first_stage = {**TICKET, "stage": "agent", "pod": "ledger-1"}
    running.send(PAGE, TICKET, other_slo, other_alert, first_stage)
    inbox.wait("payments-primary")
    inbox.wait("#payments", lambda message: "SlowAndFailing" in message.body["attachments"][0]["title"])
    assert running.state(severity="ticket", slo="availability", pod="ledger-1")["state"] == "active"
    states = [
        running.state(alertname="ErrorBudgetBurn", slo="availability", long="1h"),
        running.state(alertname="ErrorBudgetBurn", slo="latency"),
    ]
    assert [state["state"] for state in states] == ["active", "active"]
    held = [alert for alert in running.ask("/api/v2/alerts") if alert["status"]["inhibitedBy"]]
    assert [alert["labels"] for alert in held] == [TICKET]


def test_a_ticket_silences_no_page(running: Alertmanager, inbox: Inbox) -> None:
    running.send(TICKET)
    inbox.wait("#payments")
    running.send(TICKET, PAGE)
    inbox.wait("payments-primary")
    assert running.state(severity="page")["inhibitedBy"] == []


def test_a_first_stage_silences_nothing_that_people_should_hear(running: Alertmanager, inbox: Inbox) -> None:
    ticket = {name: value for name, value in LONE.items() if name != "pod"} | {"severity": "ticket"}
    running.send(FIRST)
    inbox.wait("v1")
    running.send(FIRST, ticket)
    inbox.wait("#payments")


def test_callers_are_held_back_while_their_cause_pages_and_the_cause_is_told(
    running: Alertmanager, inbox: Inbox
) -> None:
    frontend = {**PAGE, "namespace": "web", "service": "frontend", "owner": "storefront"}
    of_frontend = {"cluster": "eu-1", "namespace": "web", "service": "frontend"}
    bridge = {**OURS, **of_frontend, "alertname": "DependencyPaging", "severity": "none", "sli": "availability"}
    own = {**LONE, **of_frontend, "owner": "storefront", "stage": "page"}
    cause = (PAGE, bridge)
    running.send(*cause)
    assert inbox.wait("payments-primary").body["payload"]["component"] == "ledger"
    running.send(*cause, frontend, own)
    assert "LoneFailingInstance" in inbox.wait("storefront-primary").body["payload"]["summary"]
    time.sleep(TOLD_BY_NOW)
    assert len(inbox.to("storefront-primary")) == 1, "what is no symptom is told, the symptom is not"
    assert running.state(service="frontend", kind="symptom")["state"] == "suppressed"
    told = [alert["labels"]["alertname"] for message in inbox.to("v1") for alert in message.body["alerts"]]
    slow = {**frontend, "slo": "latency", "sli": "latency"}
    running.send(*cause, slow)
    inbox.wait("storefront-primary", lambda page: "latency" in str(page.body["payload"]))
    assert "DependencyPaging" not in told, "the bridge is for nobody, not even for the agent"


def test_a_dead_agent_delays_no_person_and_is_told_when_it_lives_again(
    start: Callable[..., Alertmanager], boutique: Model, inbox: Inbox, tmp_path: Path
) -> None:
    port = free_port()
    model = local(boutique, inbox, tmp_path / "secrets", agent=f"http://127.0.0.1:{port}")
    running = start(alertmanager(model, FAST))
    running.send(PAGE, SECOND)
    inbox.wait("payments-primary", lambda message: "ErrorBudgetBurn" in message.body["payload"]["summary"])
    inbox.wait("payments-primary", lambda message: "LoneFailingInstance" in message.body["payload"]["summary"])
    agent = Inbox()
    agent.open(port)
    try:
        agent.wait("v1", about("ErrorBudgetBurn"))
        agent.wait("v1", about("LoneFailingInstance"))
    finally:
        agent.close()


def test_the_watchdog_repeats_to_the_dead_mans_switch_alone(running: Alertmanager, inbox: Inbox) -> None:
    watchdog = {**OURS, "alertname": "Watchdog", "severity": "none", "owner": "platform", "namespace": "observability"}
    for _ in range(5):
        running.send(watchdog)
        time.sleep(1)
    assert len(inbox.to("deadman")) >= 4, "each minute, sixty times as fast"
    assert {message.path for message in inbox.messages} == {"/deadman"}


def test_an_alert_of_nobody_reaches_the_meshs_owner(running: Alertmanager, inbox: Inbox) -> None:
    running.send({**PAGE, "owner": "unowned"}, {**TICKET, "owner": "unowned", "service": "orphan"})
    inbox.wait("platform-primary")
    inbox.wait("#platform")


def test_other_words_for_severity_reach_the_same_people(
    start: Callable[..., Alertmanager], boutique: Model, inbox: Inbox, tmp_path: Path
) -> None:
    words = SeverityWords(page="critical", ticket="warning")
    running = start(alertmanager(local(boutique, inbox, tmp_path / "secrets", severities=words), FAST))
    running.send({**PAGE, "severity": "critical"}, {**TICKET, "severity": "warning"})
    other = {**TICKET, "severity": "warning", "slo": "latency"}
    running.send(other)
    assert (
        inbox.wait("payments-primary").body["payload"]["summary"]
        == "[critical] ErrorBudgetBurn shop/ledger in eu-1, production"
    )
    assert (
        inbox.wait("#payments").body["attachments"][0]["title"]
        == "[warning] ErrorBudgetBurn shop/ledger in eu-1, production"
    )
    assert running.state(slo="availability", severity="warning")["state"] == "suppressed"


def test_people_are_told_even_where_the_templates_were_forgotten(
    start: Callable[..., Alertmanager], boutique: Model, inbox: Inbox, tmp_path: Path
) -> None:
    config = alertmanager(local(boutique, inbox, tmp_path / "secrets"), FAST)
    object.__setattr__(config, "templates", {})
    running = start(config)
    running.send(PAGE, {**TICKET, "slo": "latency"})
    inbox.wait("payments-primary")
    inbox.wait("#payments")
