"""Who is told on this machine: each way answers as the real one does, and what came can be read."""

import json
import smtplib
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage

import pytest

from meshscope.demo.receiver import CHAT, MAIL, PAGER, Message, Receiver
from meshscope.demo.workshop import free_ports


@dataclass
class Open:
    receiver: Receiver
    web: int
    mail: int

    def post(self, path: str, body: object) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{self.web}{path}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)

    def got(self) -> Message:
        return self.receiver.messages.get(timeout=60)


@pytest.fixture
def inbox() -> Iterator[Open]:
    web, mail = free_ports(2)
    receiver = Receiver()
    receiver.open(web, mail)
    yield Open(receiver, web, mail)
    receiver.close()


def test_a_page_is_accepted_and_says_whom_it_wakes(inbox: Open) -> None:
    body = {"routing_key": "payments-primary", "event_action": "trigger", "dedup_key": "1",
            "payload": {"summary": "[page] X"}}  # fmt: skip
    assert inbox.post("/pagerduty", body) == 202
    message = inbox.got()
    assert (message.way, message.who, message.title, message.over) == (PAGER, "payments-primary", "[page] X", False)
    inbox.post("/pagerduty", {**body, "event_action": "resolve"})
    over = inbox.got()
    assert over.over
    assert over.thread == message.thread


def test_a_ticket_is_read_in_its_channel(inbox: Open) -> None:
    assert inbox.post("/slack", {"channel": "#payments", "attachments": [{"title": "[resolved] X"}]}) == 200
    message = inbox.got()
    assert (message.way, message.who, message.over) == (CHAT, "#payments", True)


def test_a_heartbeat_is_counted_and_no_message(inbox: Open) -> None:
    inbox.post("/deadman", {"alerts": []})
    inbox.post("/deadman", {"alerts": []})
    assert inbox.receiver.heartbeats == 2
    assert inbox.receiver.messages.empty()


def test_an_unknown_path_is_refused(inbox: Open) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        inbox.post("/elsewhere", {})
    assert refused.value.code == 404


def test_a_mail_is_taken_for_everybody_whom_it_is_to(inbox: Open) -> None:
    mail = EmailMessage()
    mail["Subject"] = "[ticket] PlaintextTraffic shop/cart"
    mail.set_content("one line\n.\nand another")
    with smtplib.SMTP("127.0.0.1", inbox.mail, timeout=60) as client:
        client.send_message(mail, "alertmanager@example.org", ["a@example.org", "b@example.org"])
    found = [inbox.got(), inbox.got()]
    assert {message.who for message in found} == {"a@example.org", "b@example.org"}
    assert {(message.way, message.title, message.over) for message in found} == {
        (MAIL, "[ticket] PlaintextTraffic shop/cart", False)
    }
