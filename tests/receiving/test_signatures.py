"""Grafana's signatures: for five minutes, and once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.receiving.attacking import GOOD_GRAFANA, sign
from tests.receiving.conftest import HMAC, OLD_HMAC, QUICK, TIMESTAMP, Agent, starts
from tests.receiving.twin import FULL
from tests.receiving.wire import Reply


@dataclass
class Hand:
    """A clock that is turned by hand, and an agent that reads it."""

    agent: Agent | None = None
    now: float = 1_800_000_000.0

    def send(self, *, at: float | None = None, secret: str = HMAC, body: bytes = GOOD_GRAFANA) -> Reply:
        assert self.agent is not None
        moment = str(int(self.now if at is None else at))
        headers = {"X_Grafana_Alerting_Signature": sign(secret, body, moment), TIMESTAMP: moment}
        return self.agent.post("grafana", body, token=self.agent.tokens["signed"], **headers).reply


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[Hand]:
    turned = Hand()
    for agent in starts(tmp_path, QUICK, now=lambda: turned.now):
        turned.agent = agent
        yield turned


@pytest.mark.parametrize("shift", [-300, -299, 0, 299, 300])
def test_a_signature_is_good_for_five_minutes(hand: Hand, shift: int) -> None:
    assert hand.send(at=hand.now + shift).status == 200


@pytest.mark.fault("F28")
@pytest.mark.parametrize("shift", [-302, 302, -86_400, 86_400])
def test_an_older_or_later_one_is_refused(hand: Hand, shift: int, figure: Callable[[str], None]) -> None:
    assert hand.send(at=hand.now + shift).status == 401
    assert hand.agent is not None
    assert not hand.agent.desk.taken
    figure(f"signed {shift:+,} s away from the agent's clock: refused")


def test_both_secrets_are_good_while_one_takes_the_place_of_the_other(hand: Hand) -> None:
    assert hand.send(secret=HMAC).status == 200
    hand.now += 1
    assert hand.send(secret=OLD_HMAC).status == 200
    assert hand.send(secret="another").status == 401


def test_the_same_signed_body_again_is_answered_and_does_nothing(hand: Hand) -> None:
    """Its sender's own retry and a replay can't be told apart: both are answered, and neither does anything."""
    assert hand.agent is not None
    assert hand.send().body == b'{"stored":1}'
    over = GOOD_GRAFANA.replace(b'"status":"firing"', b'"status":"resolved"')
    hand.now += 1
    assert hand.send(body=over).body == b'{"stored":1}'
    calls = len(hand.agent.desk.taken)
    hand.agent.desk._known.clear()
    assert hand.send(at=hand.now - 1).body == b'{"stored":0}'
    assert len(hand.agent.desk.taken) == calls, "the alert that is over would fire again"


def test_a_retry_after_a_failure_is_taken(hand: Hand) -> None:
    assert hand.agent is not None
    hand.agent.desk.ledger.error = FULL
    assert hand.send().status == 503
    hand.agent.desk.ledger.error = None
    assert hand.send().body == b'{"stored":1}'


def test_the_same_body_signed_anew_is_another_message(hand: Hand) -> None:
    assert hand.send().body == b'{"stored":1}'
    assert hand.agent is not None
    hand.agent.desk._known.clear()
    hand.now += 400
    assert hand.send().body == b'{"stored":1}'


def test_a_signature_by_itself_lets_nobody_in(hand: Hand) -> None:
    assert hand.agent is not None
    moment = str(int(hand.now))
    headers = {"X_Grafana_Alerting_Signature": sign(HMAC, GOOD_GRAFANA, moment), TIMESTAMP: moment}
    assert hand.agent.post("grafana", GOOD_GRAFANA, token="", **headers).reply.status == 401
