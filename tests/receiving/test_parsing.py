"""What senders say is read as they mean it. The bodies of Alertmanager are its own; see bodies/README.md."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshscope.feedback.receiving import PARSERS, Delivery, Unreadable
from tests.receiving.attacking import alert, event, webhook
from tests.receiving.conftest import body


def one(sender: str, text: bytes):
    delivery = PARSERS[sender](text)
    assert len(delivery.received) == 1
    return delivery.received[0]


def test_an_alert_of_alertmanager_is_read_whole() -> None:
    found = one("alertmanager", body("alertmanager-firing.json"))
    assert (found.source, found.status, found.fingerprint) == ("alertmanager", "firing", "461cc20a2d27e805")
    assert found.labels["pod"] == "ledger-7c9d8-x2x4q"
    assert found.annotations["runbook_url"] == "https://runbooks.example/ledger"
    assert found.starts_at == "2026-11-26T22:59:38.26374Z"
    assert found.ends_at == "", "Alertmanager writes the year 1 where there is no end"
    assert found.url.startswith("http://prometheus.example/graph?")


def test_a_group_may_hold_what_fires_and_what_is_over() -> None:
    found = PARSERS["alertmanager"](body("alertmanager-mixed.json"))
    assert [(one.labels["alertname"], one.status) for one in found.received] == [
        ("CallsFail", "firing"),
        ("LoneFailingInstance", "resolved"),
    ]
    assert found.received[1].ends_at == "2026-11-26T23:02:41.272356Z"


def test_what_a_sender_left_out_is_known() -> None:
    assert PARSERS["alertmanager"](body("alertmanager-truncated.json")).truncated == 2
    assert PARSERS["alertmanager"](body("alertmanager-firing.json")).truncated == 0


@pytest.mark.parametrize("name", ["firing", "grouped", "mixed", "resolved", "truncated"])
def test_keys_that_are_added_one_day_are_passed_over(name: str) -> None:
    text = json.loads(body(f"alertmanager-{name}.json"))
    before = PARSERS["alertmanager"](json.dumps(text).encode())
    text["added"] = {"a": [1, 2.5, None, True, "x"]}
    for added in text["alerts"]:
        added["addedToo"] = [[]]
    assert PARSERS["alertmanager"](json.dumps(text).encode()) == before


def test_an_alert_of_grafana_is_read_whole() -> None:
    found = one("grafana", body("grafana-firing.json"))
    assert (found.source, found.status, found.fingerprint) == ("grafana", "firing", "c6eadffa33fcdf37")
    assert found.labels["service"] == "ledger"


def test_an_event_of_falco_is_an_alert_about_its_pod() -> None:
    found = one("falco", body("falco.json"))
    assert found.labels == {
        "alertname": "Terminal shell in container",
        "priority": "Warning",
        "source": "syscall",
        "namespace": "shop",
        "pod": "ledger-7c9d8-x2x4q",
        "uid": "3f1f0c9e-5a0b-4a51-9d3b-3c1f8a9e7d21",
        "service": "ledger",
    }
    assert (found.source, found.status, found.ends_at) == ("falco", "firing", "")
    assert found.annotations["proc.cmdline"] == "sh -i"


def test_the_uuid_of_falcosidekick_is_the_fingerprint() -> None:
    assert one("falco", body("falcosidekick.json")).fingerprint == "0f9d4a3e-6b7c-4d8e-9f01-23456789abcd"


def test_without_a_uuid_the_same_event_has_the_same_fingerprint_and_another_has_another() -> None:
    first, again = one("falco", event()), one("falco", event(hostname="node-3", tags=[]))
    assert first.fingerprint == again.fingerprint
    later = one("falco", event(time="2026-11-26T22:59:39.263740000Z"))
    assert later.fingerprint != first.fingerprint


def test_what_falco_says_of_itself_names_nothing_that_could_be_acted_on() -> None:
    found = one("falco", body("falco-internal.json"))
    assert found.labels == {
        "alertname": "Falco internal: syscall event drop",
        "priority": "Debug",
        "source": "internal",
    }


def test_fields_of_an_event_do_not_become_labels_by_their_name() -> None:
    fields = {"alertname": "X", "namespace": "kube-system", "service": "ledger", "summary": "mine", "uid": "1"}
    found = one("falco", event(output_fields=fields, rule="Y"))
    assert found.labels == {"alertname": "Y", "priority": "Warning", "source": "syscall"}
    assert found.annotations["summary"] == "Y"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace(b'"status": "firing"', b'"status":"firing","status":"resolved"'), "duplicate_key"),
        (lambda text: text[:-1] + b',"x":' + b"[" * 101 + b"]" * 101 + b"}", "depth"),
        (lambda text: text[:-1] + b',"x":1e999}', "number"),
        (lambda text: text[:-1] + b',"x":NaN}', "json"),
        (lambda text: text[:-1] + b',"x":"\xff"}', "json"),
        (lambda text: text.replace(b'"4"', b'"5"'), "shape"),
    ],
)
def test_what_is_refused_says_why_in_a_word_of_few(change, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        PARSERS["alertmanager"](change(webhook()))
    assert refused.value.reason == reason
    assert len(str(refused.value)) <= 200


def test_nesting_is_counted_where_it_is_and_not_in_texts() -> None:
    assert one("alertmanager", webhook(alert(labels={"a": "[{" * 1000})))
    flat = webhook()[:-1] + b',"x":[' + b"[]," * 500 + b"[]]}"
    assert one("alertmanager", flat)


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(PARSERS)), st.binary() | _json.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_a_delivery_or_unreadable(sender: str, text: bytes) -> None:
    with suppress(Unreadable):
        assert isinstance(PARSERS[sender](text), Delivery)


@settings(deadline=None)
@given(st.sampled_from(("alertmanager-grouped.json", "grafana-firing.json", "falco.json")), st.data())
def test_a_good_body_with_one_value_that_is_another_is_a_delivery_or_unreadable(name: str, data: st.DataObject) -> None:
    text = json.loads(body(name))
    places: list = [text, *text.get("alerts", [])]
    place = data.draw(st.sampled_from(places))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(_json)
    try:
        delivery = PARSERS[name.partition("-")[0].partition(".")[0]](json.dumps(text).encode())
    except Unreadable:
        return
    for found in delivery.received:
        assert found.status in ("firing", "resolved")
        assert "/" not in found.fingerprint
        assert found.fingerprint.isascii()


def test_texts_full_of_commas_are_taken_and_values_without_end_are_not() -> None:
    numbers = ",".join("1" for _ in range(60_000)) + '{"a":[' * 1_000
    assert (
        one("alertmanager", webhook(alert(n="csv", annotations={"values": numbers}))).annotations["values"] == numbers
    )
    good = webhook(alert(n="x"))
    for more in (b"[]," * 40_000 + b"[]", b"1," * 40_000 + b"1", b"{}," * 40_000 + b"{}"):
        with pytest.raises(Unreadable, match="more values"):
            PARSERS["alertmanager"](good[:-1] + b',"x":[' + more + b"]}")
