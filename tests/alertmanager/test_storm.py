"""Many services of an owner page: what a real Alertmanager tells, and what it keeps to itself."""

import time
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from alerting_lab import OURS, Alertmanager, Inbox, Message, local

from meshscope.build.alertmanager import alertmanager
from meshscope.build.options import Options
from meshscope.model.model import Model

pytestmark = pytest.mark.engines("alertmanager")

# People are told half a second after an alert at this speed, and each second after that; with room for a busy machine.
QUIET = 4.0


def page(number: int, **labels: str) -> dict[str, str]:
    return {
        **OURS,
        "alertname": "ErrorBudgetBurn",
        "cluster": "eu-1",
        "namespace": "shop",
        "service": f"s{number}",
        "slo": "availability",
        "sli": "availability",
        "severity": "page",
        "kind": "symptom",
        "long": "1h",
        "owner": "payments",
        **labels,
    }


MANY = {**OURS, "alertname": "ManyServicesFailing", "cluster": "eu-1", "severity": "page", "owner": "payments"}


def incidents(inbox: Inbox, whom: str) -> dict[str, list[str]]:
    """What happened to each incident of a pager."""
    found: dict[str, list[str]] = {}
    for message in inbox.to(whom):
        found.setdefault(message.body["dedup_key"], []).append(message.body["event_action"])
    return found


def says(text: str, action: str = "trigger"):
    def matches(message: Message) -> bool:
        return message.body["event_action"] == action and text in message.body["payload"]["summary"]

    return matches


def test_each_service_and_each_promise_is_an_incident_of_its_own(running: Alertmanager, inbox: Inbox) -> None:
    running.send(page(1))
    inbox.wait("payments-primary", says("shop/s1"))
    running.send(page(1), page(2), page(1, slo="latency"), page(1, alertname="CallersGiveUp", slo="", sli=""))
    inbox.wait("payments-primary", says("shop/s2"))
    time.sleep(QUIET)
    assert len(incidents(inbox, "payments-primary")) == 4
    running.send(page(1), page(1, alertname="Outage"))
    time.sleep(QUIET)
    assert len(incidents(inbox, "payments-primary")) == 4, "another alert about the same promise is the same incident"


@pytest.fixture
def slower(start: Callable[..., Alertmanager], boutique: Model, inbox: Inbox, tmp_path: Path) -> Alertmanager:
    """Ten times as fast as it is: hundreds of alerts take a moment on a busy machine, as they may in thirty seconds."""
    return start(alertmanager(local(boutique, inbox, tmp_path / "secrets"), Options(time_scale=Fraction(1, 10))))


def test_five_hundred_at_once_are_one_page_to_their_owner_and_one_to_the_meshs(
    slower: Alertmanager, inbox: Inbox
) -> None:
    slower.send(*(page(number) for number in range(500)), MANY, age=timedelta())
    inbox.wait("payments-primary", says("ManyServicesFailing"), 30)
    inbox.wait("platform-primary", says("ManyServicesFailing"), 30)
    time.sleep(3 * QUIET)
    assert len(incidents(inbox, "payments-primary")) == 1
    assert len(incidents(inbox, "platform-primary")) == 1


def test_nine_and_then_the_rest_are_ten_pages(slower: Alertmanager, inbox: Inbox) -> None:
    slower.send(*(page(number) for number in range(9)))
    for number in range(9):
        inbox.wait("payments-primary", says(f"shop/s{number} "), 30)
    slower.send(*(page(number) for number in range(500)), MANY, age=timedelta())
    inbox.wait("payments-primary", says("ManyServicesFailing"), 30)
    time.sleep(3 * QUIET)
    assert len(incidents(inbox, "payments-primary")) == 10


def test_what_is_open_at_the_end_pages_by_itself_and_no_end_is_sent_of_what_ended_within(
    running: Alertmanager, inbox: Inbox
) -> None:
    told = [page(number) for number in range(2)]
    more = [page(number) for number in range(2, 12)]
    running.send(*told)
    inbox.wait("payments-primary", says("shop/s0"))
    inbox.wait("payments-primary", says("shop/s1"))
    running.send(*told, *more, MANY, age=timedelta())
    inbox.wait("payments-primary", says("ManyServicesFailing"))
    running.resolve(page(0), *(page(number) for number in range(2, 10)))
    time.sleep(QUIET)
    left = {**OURS, "alertname": "PageLeftOpen", "cluster": "eu-1", "namespace": "shop", "service": "s0"}
    running.send({**left, "owner": "payments", "severity": "ticket", "slo": "availability"})
    running.resolve(MANY)
    for number in (10, 11):
        inbox.wait("payments-primary", says(f"shop/s{number}"))
    inbox.wait("payments-primary", says("ManyServicesFailing", "resolve"))
    inbox.wait("#payments", lambda message: "PageLeftOpen" in message.body["attachments"][0]["title"])
    running.resolve(page(1))
    inbox.wait("payments-primary", says("shop/s1", "resolve"))
    time.sleep(QUIET)
    ends = [text for text in map(str, inbox.to("payments-primary")) if "resolve" in text]
    assert not [text for text in ends if "shop/s0" in text], "Alertmanager sends no end of what is held back"
    started = [text for text in map(str, inbox.to("payments-primary")) if "trigger" in text]
    assert not [text for text in started if "shop/s5 " in text], "what came and went within is told to nobody"


def test_a_storm_holds_back_neither_another_owner_nor_the_platform_nor_whoever_has_no_service(
    running: Alertmanager, inbox: Inbox
) -> None:
    platform = {**MANY, "owner": "platform"}
    running.send(MANY, platform)
    inbox.wait("platform-primary", says("ManyServicesFailing"))
    failing = {"alertname": "AlertingFailing", "namespace": "observability", "service": "alerting", "owner": "platform"}
    others = [page(1, owner="storefront"), page(2, slo="", service=""), {**OURS, **failing, "severity": "page"}]
    running.send(MANY, platform, page(3), *others)
    inbox.wait("storefront-primary", says("shop/s1"))
    inbox.wait("platform-primary", says("AlertingFailing"))
    held = [alert["labels"].get("service") for alert in running.ask("/api/v2/alerts") if alert["status"]["inhibitedBy"]]
    assert held == ["s3"]


def test_labels_that_both_alerts_lack_are_equal_so_that_every_rule_names_what_must_be_there(
    running: Alertmanager,
) -> None:
    mesh_wide = {**OURS, "alertname": "Anything", "cluster": "eu-1", "owner": "payments"}
    foreign = {"alertname": "Theirs", "cluster": "eu-1", "namespace": "shop", "service": "cart", "owner": "payments"}
    pairs = [{**labels, "severity": word} for labels in (mesh_wide, foreign) for word in ("page", "ticket")]
    running.send(*pairs)
    time.sleep(1)
    assert [alert for alert in running.ask("/api/v2/alerts") if alert["status"]["inhibitedBy"]] == []
