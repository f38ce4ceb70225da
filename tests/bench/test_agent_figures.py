"""What is measured of the agent is what a real one does: small sizes, and what must not be counted."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from bench import agent_action, agent_attacks, agent_cuts, agent_storm, console
from bench.__main__ import MEASUREMENTS
from bench.agent import Running, bundle, running
from bench.agent_accept import on_disk, posted
from bench.agent_action import alone, killed
from bench.agent_alerts import alerts, body
from bench.agent_ranks import ranked
from bench.agent_storm import doubled, storm
from bench.mesh import shape
from bench.talk import Talk
from meshscope.feedback.receiving import PARSERS
from meshscope.feedback.state import INCIDENT, Incident, Key, Ticket, read_incident

SERVICES = 20


@pytest.fixture(scope="module")
def built() -> Iterator[tuple[Path, Path]]:
    with bundle(SERVICES) as made:
        yield made


@pytest.fixture
def agent(built: tuple[Path, Path], tmp_path: Path) -> Iterator[Running]:
    tree, _ = built
    with running(tmp_path / "agent", tree) as started:
        yield started


def quiet() -> Talk:
    return Talk(StringIO())


def test_what_is_accepted_is_on_disk_and_nothing_else_counts(agent: Running) -> None:
    load = posted(agent, services=SERVICES, connections=4, seconds=1.0, warm=0.2)
    assert set(load.statuses) == {"200"}
    assert 0 < load.statuses["200"] < load.accepted
    known, decided = on_disk(agent)
    assert 0 < decided <= known == load.accepted
    assert 0 < load.p50_seconds <= load.p99_seconds


def test_a_sender_who_is_refused_accepts_nothing(agent: Running) -> None:
    load = posted(replace(agent, token="msk_0_0"), services=SERVICES, connections=2, seconds=0.3, warm=0.0)
    assert set(load.statuses) == {"401"}
    assert load.accepted == 0
    assert on_disk(agent) == (0, 0)


def test_an_action_is_timed_from_the_alert_to_the_death_of_the_process_that_it_names(agent: Running) -> None:
    began = time.perf_counter()
    seconds = killed(agent, alone(SERVICES)[:2])
    assert len(seconds) == 2
    assert 0 < sum(seconds) < time.perf_counter() - began
    acts = [act for record in agent.records(INCIDENT) for act in read_incident(record).acts if act.outcome == "done"]
    assert len({act.uid for act in acts}) == 2


def test_an_action_that_does_not_come_is_no_figure(agent: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_action, "_PATIENCE", 2.0)
    (agent.state / "stop").write_text("a person says so")
    with pytest.raises(SystemExit, match=r"is not dead.*stop"):
        killed(agent, alone(SERVICES)[:1])


def test_a_storm_is_followed_until_every_alert_has_an_end_and_every_incident_is_told(agent: Running) -> None:
    outcome = storm(agent, SERVICES, quiet())
    assert outcome.sent == 10 * SERVICES == sum(outcome.ends.values())
    assert (outcome.lost, outcome.doubled, outcome.untold) == (0, 0, 0)
    assert 0 < outcome.seconds <= outcome.told_seconds
    assert 0 < outcome.incidents <= SERVICES
    assert outcome.issues > 0
    assert 20 < outcome.resident_mib < 1_000
    assert {figure.name for figure in agent_storm.figures(outcome)} >= {"storm_10000_lost", "agent_rss_mib"}


def test_an_alert_without_an_end_is_lost(agent: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_storm, "_PATIENCE_SECONDS", 1.5)
    monkeypatch.setattr(agent_storm, "_TELLING_SECONDS", 0.0)
    # What is never sent has no end.
    monkeypatch.setattr(agent_storm, "_send", lambda agent, bodies: None)
    assert storm(agent, SERVICES, quiet()).lost == 10 * SERVICES


def incident(name: str, service: str, ref: str = "", folded_into: str = "", still_open: bool = False) -> Incident:
    return Incident(
        id=name, service=Key("c", "n", service), owner="o", opened=0.0, folded_into=folded_into,
        issue=Ticket(where="w", ref=ref, open=still_open) if ref else None,
    )  # fmt: skip


def test_a_trouble_that_is_told_once_is_not_doubled() -> None:
    some = [incident("a", "a", "w/a.md"), incident("b", "b", "storm:1"), incident("c", "c", folded_into="a")]
    assert doubled(some, {"a": 1, "storm-1": 1}) == 0


def test_what_is_told_twice_is_counted() -> None:
    two_files = doubled([incident("a", "a", "w/a.md")], {"a": 2})
    file_and_line = doubled([incident("a", "a", "storm:1")], {"a": 1})
    two_incidents = doubled([incident("a", "a"), incident("b", "a")], {})
    left_open = doubled([incident("a", "a"), incident("b", "b", "w/b.md", folded_into="a", still_open=True)], {})
    assert (two_files, file_and_line, two_incidents, left_open) == (1, 1, 1, 1)


def test_a_storm_has_ten_different_alerts_of_each_service_as_alertmanager_sends_them() -> None:
    every = [one for node in shape(SERVICES).services for one in alerts(node)]
    received = PARSERS["alertmanager"](body(every)).received
    assert len(received) == 10 * SERVICES == len({one.fingerprint for one in received})
    assert all(one.status == "firing" for one in received)


def test_a_killed_agent_is_counted_with_what_it_acknowledged(tmp_path: Path) -> None:
    outcome = agent_cuts.cut(3, tmp_path, quiet())
    values = {figure.name: figure.value for figure in agent_cuts.figures(outcome)}
    assert values == {"kill9_cuts": 3, "kill9_lost": 0, "kill9_doubled": 0}
    assert outcome.acknowledged > 0
    assert not agent_cuts.figures(outcome)[0].met


def test_an_attack_that_succeeds_is_a_goal_that_is_missed() -> None:
    tried, succeeded = agent_attacks.figures(250, 1)
    assert (tried.value, tried.met) == (250, True)
    assert (succeeded.value, succeeded.met) == (1, False)
    assert agent_attacks.figures(250, 0)[1].met
    assert not agent_attacks.figures(149, 0)[0].met


def test_the_first_paint_is_of_a_real_browser() -> None:
    # In a thread of its own: another test may have a browser open, and one thread drives one.
    with ThreadPoolExecutor(1) as thread:
        figure = thread.submit(console.first_paint, quiet(), 50, 200, 60).result()
    assert figure.name == "console_first_paint_seconds"
    assert 0 < figure.value < 30
    assert "50 services and 200 incidents" in figure.method


def test_the_nearest_rank_is_a_value_that_was_measured() -> None:
    values = [float(one) for one in range(100, 0, -1)]
    assert (ranked(values, 0.5), ranked(values, 0.99), ranked([7.0], 0.99), ranked([1.0, 2.0], 0.5)) == (50, 99, 7, 1)


def test_every_measurement_of_the_agent_is_made() -> None:
    assert {"accept", "action", "storm", "kill9", "attacks", "console"} <= MEASUREMENTS.keys()
