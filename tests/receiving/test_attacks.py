"""Whatever is sent: it is answered or ended, nothing false is believed, nobody is called, the next one is served."""

from __future__ import annotations

import pytest

from meshscope.feedback.credentials import Credentials
from tests.receiving.attacks import ATTACKS, Attack, Target
from tests.receiving.conftest import HMAC, OLD_HMAC, TIMESTAMP, Agent
from tests.receiving.twin import Canary

_PATIENCE = 8.0


def target(shared: Agent, canary: Canary) -> Target:
    return Target(shared.tokens, canary.address, HMAC, OLD_HMAC, TIMESTAMP)


def test_there_are_enough_attacks_and_no_two_have_one_name() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(names) == len(set(names))
    assert len(names) >= 150


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_refused_or_inert(attack: Attack, shared: Agent, canary: Canary) -> None:
    desk = shared.desk
    before = len(desk.alerts)
    wire = attack.wire(target(shared, canary))
    head = wire[0][:5] == b"HEAD "
    heard = shared.send(*wire, answers=attack.answers, patience=_PATIENCE, head=head)
    assert set(heard.statuses) <= attack.allowed, heard
    assert heard.closed or len(heard.replies) == attack.answers, heard
    assert heard.replies or attack.closes, "it is told what is wrong"
    assert heard.seconds < _PATIENCE
    new = desk.taken[:]
    assert len(desk.alerts) - before <= attack.stored
    assert {taken.tenant for taken in new} <= {"shop", "signed", "signed-plain", "by-password"}
    assert canary.calls == 0
    assert shared.get("/healthz").reply.status == 200


def test_what_was_taken_is_what_was_sent_and_nothing_leaked(shared: Agent, canary: Canary) -> None:
    for secret in shared.tokens.values():
        assert secret not in shared.get("/metrics").reply.body.decode()
    assert Credentials(shared.file)
    assert canary.calls == 0
    assert shared.running.alive
