"""A real Alertmanager is asked: what was never delivered is found, and what it holds back is known as a victim."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from meshscope.feedback.credentials import new_credential
from meshscope.feedback.state import Received
from tests.agent.child import Orders
from tests.agent.posting import Poster
from tests.agent.stage import QUICK, Actor, filed, shop, sound
from tests.feedback.world import TENANT, alert, key
from tests.ports import free_port
from tests.receiving.conftest import write_credentials
from tests.receiving.sender import alertmanager, ask

OTHERS = tuple(f"other{number}" for number in range(30))
SHOP = shop("frontend", "checkout", "payment", *OTHERS, calls=(("frontend", "checkout"), ("checkout", "payment")))
EVERY = replace(QUICK, reconcile_seconds=3.0)


@dataclass(frozen=True)
class Lab:
    """A real Alertmanager whose receiver is at ``port``, where an agent may listen."""

    url: str
    port: int

    def spoken(self, name: str) -> Received:
        """The alert of a service as it would be sent: under Alertmanager's own fingerprint."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=5) as answer:
            mark = next(one["fingerprint"] for one in json.load(answer) if one["labels"]["service"] == name)
        return alert("ErrorBudgetBurn", name, fingerprint=mark)

    def fire(self, *alerts: Received, over: bool = False) -> None:
        now = datetime.now(UTC)
        ends = now if over else now + timedelta(minutes=5)
        told = {"startsAt": (now - timedelta(minutes=1)).isoformat(), "endsAt": ends.isoformat()}
        ask(f"{self.url}/api/v2/alerts", [{"labels": one.labels, "annotations": {}, **told} for one in alerts])


@pytest.fixture
def lab(engine: Callable[[str], Path], tmp_path: Path) -> Iterator[Lab]:
    port, folder = free_port(), tmp_path / "alertmanager"
    folder.mkdir()
    config = {
        "route": {"receiver": "agent", "group_by": ["..."], "group_wait": "50ms", "group_interval": "1s"},
        "receivers": [
            {"name": "agent", "webhook_configs": [{"url": f"http://127.0.0.1:{port}/v1/alerts/alertmanager"}]}
        ],
        "inhibit_rules": [
            {"source_matchers": ['service="payment"'], "target_matchers": ['service="checkout"'], "equal": ["cluster"]}
        ],
    }
    with ExitStack() as ends:
        yield Lab(alertmanager(engine("alertmanager"), folder, config, ends), port)


def started(folder: Path, lab: Lab, port: int | None = None) -> Actor:
    given = Orders(
        folder=folder, groups=folder / "groups", known=SHOP, settings=EVERY, alertmanagers={TENANT: lab.url}, port=port
    )
    return Actor(given)


@pytest.mark.fault("F11")
def test_what_fired_while_no_agent_was_there_is_found_within_an_interval(
    tmp_path: Path, lab: Lab, figure: Callable[[str], None]
) -> None:
    lab.fire(alert("ErrorBudgetBurn", "payment"), *(alert("ErrorBudgetBurn", name) for name in OTHERS))
    lab.fire(alert("ErrorBudgetBurn", "checkout"))
    time.sleep(0.5)
    began = time.monotonic()
    actor = started(tmp_path / "agent", lab)
    try:
        look = actor.until(lambda look: len(look.alerts) == 32 and all(one.terminal for one in look.alerts), "all")
        seconds = time.monotonic() - began
        assert not look.failures
        by_name = {one.service.name: one for one in look.incidents}
        assert set(by_name) == {"payment", *OTHERS}, "who is held back has no incident of its own"
        assert by_name["payment"].victims == [key("checkout")]
        assert [(one.service, one.victim) for one in by_name["payment"].members] == [
            (key("payment"), False), (key("checkout"), True)
        ]  # fmt: skip
        held = next(one for one in look.alerts if one.service == key("checkout"))
        assert (held.terminal, held.code) == ("superseded", "folded")
        actor.until(lambda look: all(one.issue and one.issue.ref for one in look.incidents), "all is told")
    finally:
        actor.end()
    sound(tmp_path / "agent")
    assert len([one for one in filed(tmp_path / "agent") if one.open]) <= EVERY.storm_incidents + 1
    figure(
        f"31 alerts fired and 1 was held back while no agent ran: all 32 known and decided {seconds:.1f} s after its "
        f"start, where an interval has {EVERY.reconcile_seconds:g} s; the one held back is a victim"
    )


@pytest.mark.fault("F11")
def test_what_a_message_left_out_is_found_within_an_interval(
    tmp_path: Path, lab: Lab, figure: Callable[[str], None]
) -> None:
    folder, port = tmp_path / "agent", free_port()
    folder.mkdir()
    token, entry = new_credential(TENANT, "alertmanager")
    write_credentials(folder / "credentials.toml", entry)
    actor = started(folder, lab, port)
    poster = Poster(port, token)
    try:
        actor.look()
        lab.fire(*(alert("ErrorBudgetBurn", name) for name in OTHERS))
        began = time.monotonic()
        assert poster.post(lab.spoken(OTHERS[0]), truncated=len(OTHERS) - 1) == 200
        look = actor.until(
            lambda look: len(look.alerts) == len(OTHERS) and all(one.terminal for one in look.alerts), "all"
        )
        seconds = time.monotonic() - began
        assert {one.service.name for one in look.incidents} == set(OTHERS)
        assert f"truncated_total {len(OTHERS) - 1}.0".encode() in poster.get("/metrics")[1]
    finally:
        poster.close()
        actor.end()
    figure(
        f"1 of {len(OTHERS)} alerts was sent, {len(OTHERS) - 1} left out: all known after {seconds:.1f} s, once each"
    )
