"""What the agent tells of itself, so that people are told when it is in trouble; and that those alerts are theirs."""

import time
from pathlib import Path

from msgspec import structs

from meshscope.adapters.memory.alert_source import MemoryAlertSource
from meshscope.adapters.memory.tracker import MemoryTracker
from meshscope.feedback.ports import Active, TrackerError
from meshscope.feedback.state import AlertState
from meshscope.findings import Finding, MeshscopeError
from tests.feedback.world import FAST, TENANT, World, alert, world


def fires(name: str, on: str, **more: bool) -> Active:
    one = alert(name, on)
    return Active(fingerprint=one.fingerprint, labels=one.labels, annotations=one.annotations, **more)


def number(it: World, name: str, **labels: str) -> float | None:
    telemetry = it.agent.tools.telemetry
    telemetry.heartbeats(it.agent.parts(), time.monotonic())
    return telemetry.registry.get_sample_value(f"meshscope_agent_{name}", labels)


def test_what_is_about_the_agent_is_not_taken_from_a_sender_that_is_asked(tmp_path: Path) -> None:
    source = MemoryAlertSource(alerts=[fires("MeshscopeAgentSilent", "ledger"), fires("ErrorBudgetBurn", "ledger")])
    with world(tmp_path, sources={TENANT: source}) as it:
        it.settled()
        it.until(lambda: number(it, "alerts_undelivered_total"))
        assert [one.received.labels["alertname"] for one in it.alerts()] == ["ErrorBudgetBurn"]


def test_only_alerts_of_the_model_that_somebody_should_have_sent_count_as_undelivered(tmp_path: Path) -> None:
    source = MemoryAlertSource(
        alerts=[
            fires("ErrorBudgetBurn", "ledger"),
            fires("LoneFailingInstance", "payment", inhibited=True),
            fires("SomebodyElses", "checkout"),
            fires("LoneFailingInstance", "frontend", silenced=True),
        ]
    )
    with world(tmp_path, sources={TENANT: source}) as it:
        it.until(lambda: len(it.alerts()) == 3)
        it.settled()
        assert number(it, "alerts_undelivered_total") == 1


def test_what_came_before_it_was_asked_for_is_not_undelivered(tmp_path: Path) -> None:
    source = MemoryAlertSource(alerts=[fires("ErrorBudgetBurn", "ledger")])
    with world(tmp_path, sources={TENANT: source}, start=False) as it:
        it.send(alert("ErrorBudgetBurn", "ledger"))
        it.agent.start_parts()
        it.settled()
        asked = it.agent.parts()
        it.until(lambda: {one.at for one in it.agent.parts()}.isdisjoint({one.at for one in asked}))
        assert number(it, "alerts_undelivered_total") == 0


def test_an_alert_that_is_given_up_is_counted(tmp_path: Path) -> None:
    with world(tmp_path) as it:

        def take(one: AlertState) -> None:
            raise RuntimeError("no luck")

        assert number(it, "alerts_dead_total") == 0, "it is there before the first, which would be missed otherwise"
        it.agent.decider.take = take  # type: ignore[method-assign]
        it.send(alert("ErrorBudgetBurn", "ledger"))
        it.settled()
        assert number(it, "alerts_dead_total") == 1


def test_a_part_says_that_its_turns_fail_and_when_they_do_no_more(tmp_path: Path) -> None:
    source = MemoryAlertSource(broken=MeshscopeError(Finding(code="x/y", title="it does not answer")))
    with world(tmp_path, sources={TENANT: source}) as it:
        it.until(lambda: number(it, "part_failing", part="reconcile") == 1)
        assert number(it, "part_failing", part="decide") == 0
        source.broken = None
        it.until(lambda: number(it, "part_failing", part="reconcile") == 0)


def test_each_part_says_how_long_it_may_be_silent(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        for part in ("decide", "watch", "tell", "listen"):
            age, patience = (number(it, f"heartbeat_{what}_seconds", part=part) for what in ("age", "patience"))
            assert age is not None
            assert patience is not None
            assert age < patience


def test_calls_to_a_tracker_that_fails_are_counted_as_long_as_it_does(tmp_path: Path) -> None:
    broken = [True]

    def faults(where: str) -> None:
        if broken[0]:
            raise TrackerError(Finding(code="tracker/down", title="it does not answer"))

    with world(tmp_path, tracker=MemoryTracker(secret=b"secret", faults=faults)) as it:
        assert number(it, "issues_total", outcome="failed") == 0
        it.send(alert("ErrorBudgetBurn", "payment"))
        it.until(lambda: (number(it, "issues_total", outcome="failed") or 0) >= 2)
        broken[0] = False
        it.until(lambda: number(it, "issues_total", outcome="opened"))


def test_what_was_absent_before_its_end_is_not_absent_when_it_fires_again(tmp_path: Path) -> None:
    source = MemoryAlertSource(alerts=[])
    one = alert("ErrorBudgetBurn", "ledger")
    with world(tmp_path, sources={TENANT: source}, start=False) as it:
        it.send(one)
        it.agent.reconciler.look()
        it.send(structs.replace(one, status="resolved"))
        it.agent.reconciler.look()
        it.clock.ahead += FAST.absent_seconds + FAST.gap_seconds + 60
        it.send(one)
        it.agent.reconciler.look()
        assert it.agent.book.alerts[TENANT, one.fingerprint].resolved_at is None
        it.clock.ahead += FAST.absent_seconds + 1
        it.agent.reconciler.look()
        it.until(lambda: it.agent.book.alerts[TENANT, one.fingerprint].resolved_at is not None)
