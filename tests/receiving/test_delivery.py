"""A real Alertmanager sends to a real server: it sends again what was not stored, and a wrong token is not for ever."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from meshscope.feedback.credentials import new_credential
from tests.receiving.conftest import Agent, write_credentials
from tests.receiving.sender import alertmanager, ask
from tests.receiving.twin import FULL
from tests.waiting import until


class Sender:
    """An Alertmanager whose one receiver is the agent."""

    def __init__(self, program: Path, folder: Path, agent: Agent, ends: ExitStack) -> None:
        self.token = folder / "token"
        self.token.write_text(agent.tokens["alertmanager"])
        hook = {
            "url": f"{agent.running.url}/v1/alerts/alertmanager",
            "send_resolved": True,
            "max_alerts": 0,
            "http_config": {"authorization": {"credentials_file": str(self.token)}},
        }
        config = {
            "route": {"receiver": "agent", "group_by": ["..."], "group_wait": "50ms", "group_interval": "1s"},
            "receivers": [{"name": "agent", "webhook_configs": [hook]}],
        }
        self.url = alertmanager(program, folder, config, ends)

    def fire(self, name: str, *, over: bool = False) -> None:
        now = datetime.now(UTC)
        end = now if over else now + timedelta(minutes=5)
        labels = {"alertname": name, "namespace": "shop", "service": "ledger"}
        one = {"labels": labels, "startsAt": (now - timedelta(minutes=1)).isoformat(), "endsAt": end.isoformat()}
        ask(f"{self.url}/api/v2/alerts", [one])


@pytest.fixture
def sender(engine: Callable[[str], Path], agent: Agent, tmp_path: Path) -> Iterator[Sender]:
    with ExitStack() as ends:
        yield Sender(engine("alertmanager"), tmp_path, agent, ends)


def wait(agent: Agent, name: str, status: str = "firing") -> None:
    until(lambda: any((one.labels["alertname"], one.status) == (name, status) for one in agent.desk.alerts), seconds=20)


def told(agent: Agent, reason: str) -> bool:
    return f'refused_total{{reason="{reason}"}}'.encode() in agent.get("/metrics").reply.body


def test_an_alert_that_fires_and_is_over_is_stored_twice(agent: Agent, sender: Sender) -> None:
    sender.fire("A")
    wait(agent, "A")
    sender.fire("A", over=True)
    wait(agent, "A", "resolved")
    assert [one.status for one in agent.desk.alerts] == ["firing", "resolved"]
    assert agent.desk.taken[0].tenant == "shop"


def test_what_the_ledger_could_not_write_is_sent_again(agent: Agent, sender: Sender) -> None:
    agent.desk.ledger.error = FULL
    sender.fire("A")
    until(lambda: told(agent, "ledger"), seconds=20)
    assert not agent.desk.taken
    agent.desk.ledger.error = None
    wait(agent, "A")
    assert len(agent.desk.alerts) == 1


@pytest.mark.fault("F31")
def test_a_token_takes_the_place_of_another_without_an_alert_that_is_lost(
    agent: Agent, sender: Sender, figure: Callable[[str], None]
) -> None:
    """Two are good at once: the file first, then the sender, then the file again."""
    new, entry = new_credential("shop", "alertmanager")
    old = next(one for one in tomllib.loads(agent.file.read_text())["credential"] if one["sender"] == "alertmanager")
    write_credentials(agent.file, entry + f'previous = "{old["hash"]}"\n')
    agent.credentials.look()
    sender.fire("A")
    wait(agent, "A")
    sender.token.write_text(new)
    sender.fire("B")
    wait(agent, "B")
    write_credentials(agent.file, entry)
    agent.credentials.look()
    sender.fire("C")
    wait(agent, "C")
    assert not any(told(agent, f"auth_{reason}") for reason in ("unknown", "malformed", "absent"))
    figure(f"{len(agent.desk.alerts)} alerts before, between and after: all taken, 0 refused")


def test_a_token_that_is_wrong_for_a_while_costs_one_interval(agent: Agent, sender: Sender) -> None:
    sender.token.write_text("msk_0123456789abcdef_wrong")
    sender.fire("A")
    until(lambda: told(agent, "auth_unknown"), seconds=20)
    assert not agent.desk.taken
    sender.token.write_text(agent.tokens["alertmanager"])
    wait(agent, "A")
