"""What comes twice, out of its order, again and again, and at a time that is none; and what changes meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from meshscope.adapters.trackers.markdown import MarkdownTracker
from meshscope.feedback.settings import Caps
from meshscope.feedback.state import Phase, Received
from tests.agent.posting import listening
from tests.feedback.world import FAST, TENANT, Clock, World, alert, identity, world

BEGAN, SOONER, OVER, AGAIN = (
    f"2026-11-26T22:{minute}:38.26374Z" for minute in ("50", "48", "55", "57")
)  # fmt: skip
WIDE = Caps(service=10**6, owner=10**6, mesh=10**6, every_seconds=0.0, cool_down_seconds=0.0, strikes=10**6)


def lone(pod: str, status: str = "firing", *, at: str = BEGAN, until: str = "", fingerprint: str = "") -> Received:
    one = alert("LoneFailingInstance", "ledger", pod=pod, status=status, fingerprint=fingerprint)
    return structs.replace(one, starts_at=at, ends_at=until or (OVER if status == "resolved" else ""))


def bad(it: World, name: str = "ledger") -> str:
    """An instance that fails alone from now on."""
    it.until(lambda: len(it.pods.names(name)) == 3)
    it.gauges.failing = {it.pods.names(name)[0]: 1.0}
    return it.pods.names(name)[0]


@pytest.mark.fault("F08")
def test_what_two_alertmanagers_say_of_one_alert_is_one_episode_and_one_act(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    with world(tmp_path) as it, listening(it, "the-other") as server:
        pod = bad(it)
        one, other = lone(pod, fingerprint="a" * 16), lone(pod, at=SOONER, fingerprint="a" * 16)
        same, apart = server.poster(), server.poster("the-other")
        for told in (one, other, one, other):
            assert same.post(told) == 200
            assert apart.post(told) == 200
        it.settled()
        assert len(it.pods.killed) == 1
        assert len([state for state in it.alerts() if state.tenant == TENANT]) == 1
        (incident,) = it.incidents()
        assert len(incident.acts) == 1
        for line in (same, apart):
            line.close()
    figure("8 deliveries by a pair of 1 alert, whose start moves: 1 episode for each credential, 1 incident, 1 act")


@pytest.mark.fault("F09")
def test_what_fires_again_is_new_only_after_its_end_and_a_gap_and_flapping_ends_the_acts(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    rounds, settings = 8, replace(FAST, caps=WIDE, flaps=3, gap_seconds=60.0, settle_seconds=0.2)
    with world(tmp_path, settings=settings) as it:
        for number in range(rounds):
            pod = bad(it)
            firing, over = (lone(pod, status, fingerprint="a" * 16) for status in ("firing", "resolved"))
            assert [it.send(firing), it.send(firing)] == [1, 0]
            it.settled()
            assert it.send(over) == 1
            assert it.send(firing) == 1
            it.until(lambda: it.alerts()[0].resolved_at is None)
            assert len(it.alerts()) == number + 1, "within the gap it is the same episode"
            it.send(over)
            it.until(lambda: it.incident("ledger").phase is not Phase.OPEN)
            it.clock.ahead += settings.gap_seconds + 1
        codes = [state.code for state in reversed(it.alerts())]
        acts, incidents = len(it.pods.killed), len(it.incidents())
    assert len(codes) == rounds
    assert codes[-1] == "flapping"
    assert acts == codes.index("flapping")
    assert set(codes[acts:]) == {"flapping"}
    figure(
        f"{rounds} episodes of 1 alert, each doubled and each back once within its gap: {incidents} incident, "
        f"{acts} acts, then {rounds - acts} times declined as flapping"
    )


F, R = "firing", "resolved"


@pytest.mark.fault("F10")
@pytest.mark.parametrize(
    "order", [(R,), (R, F), (R, F, R), (R, R, F, F), (F, R), (F, R, F)], ids=lambda order: ",".join(order)
)
def test_what_is_over_before_it_is_said_to_fire_is_kept_and_never_acted_on(
    tmp_path: Path, figure: Callable[[str], None], order: Sequence[str]
) -> None:
    with world(tmp_path, start=False, settings=replace(FAST, gap_seconds=60.0)) as it:
        pod = bad(it)
        told = [lone(pod, status, fingerprint="a" * 16) for status in order]
        if order[0] == F:
            for one in told[:2]:
                it.send(one)
            it.agent.start_parts()
            it.settled()
            rest = told[2:]
        else:
            it.agent.start_parts()
            rest = told
        for one in rest:
            it.send(one)
            it.settled()
        it.settled()
        (state,) = it.alerts()
        assert (state.terminal, state.code) == ("superseded", "resolved_first")
        assert it.pods.killed == []
        # What begins later is another matter.
        it.send(lone(pod, at=AGAIN, fingerprint="a" * 16))
        it.settled()
        assert len(it.pods.killed) == 1
    figure(f"{', '.join(order)}: 1 record, 0 acts; what began later was acted on")


@pytest.mark.fault("F28")
@pytest.mark.parametrize("turn", [3600.0, -3600.0], ids=["an hour forward", "an hour back"])
def test_a_clock_that_is_turned_makes_no_budget_anew_and_stops_nothing(
    tmp_path: Path, figure: Callable[[str], None], turn: float
) -> None:
    settings = replace(FAST, caps=replace(WIDE, service=2))
    issues = MarkdownTracker(tmp_path / "issues", secret=b"secret", git=False)
    with world(tmp_path, settings=settings, tracker=issues) as it:
        codes = []

        def failing() -> str:
            pod = bad(it)
            it.send(lone(pod, fingerprint=f"{pod:0>16}"))
            it.settled()
            it.until(lambda: all(act.replaced_at for one in it.incidents() for act in one.acts))
            return it.alert(f"{pod:0>16}").code

        codes.append(failing())
        it.clock.turned = turn
        codes.append(failing())
        it.clock.turned = 2 * turn
        codes.append(failing())
        assert codes == ["done", "done", "cap_service"]
        it.send(alert("ErrorBudgetBurn", "payment"))
        it.settled()
        incident = it.incident("payment")
        it.until(lambda: incident.issue is not None and incident.issue.open)
        it.send(alert("ErrorBudgetBurn", "payment", status="resolved"))
        it.until(lambda: issues.find("markdown:payments", incident.id).open is False)
        assert len(it.pods.killed) == 2
    figure(f"clock turned by {turn:+.0f} s and {2 * turn:+.0f} s: 2 acts where 2 are allowed, issues told and closed")


@pytest.mark.fault("F28")
def test_an_act_too_soon_after_another_is_so_by_whatever_clock(tmp_path: Path, figure: Callable[[str], None]) -> None:
    settings = replace(FAST, caps=replace(WIDE, every_seconds=60.0))
    clock = Clock()
    with world(tmp_path, settings=settings, clock=clock) as it:
        codes = []
        for turn in (0.0, 3600.0, -3600.0):
            clock.turned = turn
            pod = bad(it)
            it.send(lone(pod, fingerprint=f"{pod:0>16}"))
            it.settled()
            it.until(lambda: all(act.replaced_at for one in it.incidents() for act in one.acts))
            codes.append(it.alert(f"{pod:0>16}").code)
        clock.ahead += 61.0
        pod = bad(it)
        it.send(lone(pod, fingerprint="b" * 16))
        it.settled()
        codes.append(it.alert("b" * 16).code)
    assert codes == ["done", "rate", "rate", "done"]
    figure("60 s must lie between two acts: declined at +3600 s and -3600 s by the wall, done after 61 s that passed")


@pytest.mark.fault("F33")
@pytest.mark.parametrize("moment", ["intent:before", "intent:after", "kill:before"])
def test_an_opt_out_that_comes_after_the_decision_is_heeded(
    tmp_path: Path, figure: Callable[[str], None], moment: str
) -> None:
    def step(name: str) -> None:
        if name == moment:
            it.pods.world.stops[identity("ledger")] = "its owner said so just now"

    with world(tmp_path, step=step) as it:
        it.send(lone(bad(it)))
        it.settled()
        (state,) = it.alerts()
        (act,) = it.incident("ledger").acts
        assert it.pods.killed == []
        assert (state.terminal, state.code) == ("declined", "refused" if moment == "kill:before" else "stopped")
        assert act.outcome == state.code
    figure(f"the label says stop at {moment}: declined as {state.code}, 0 deaths")
