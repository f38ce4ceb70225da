"""From an alert to its end: what is acted on, what is declined and why, and what is told of it."""

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from meshscope.adapters.memory.tracker import MemoryTracker
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.comments import closed
from meshscope.feedback.ports import Entry, LedgerError, Record, TrackerError
from meshscope.feedback.state import AlertState, Incident, Phase, Received, read_incident
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.modes import Mode
from tests.feedback.world import FAST, NAMES, World, alert, catalog, identity, key, service, world


def watched(it: World) -> float:
    """When the watcher last ended a turn."""
    return next(one.at for one in it.agent.parts() if one.name == "watch")


def mitigated(it: World) -> tuple[str, Incident]:
    """Have one instance of ledger killed, which helps: its name, and the incident."""
    bad = it.pods.names("ledger")[0]
    it.gauges.failing[bad] = 1.0
    it.send(alert("LoneFailingInstance", "ledger", pod=bad))
    it.settled()
    it.send(alert("LoneFailingInstance", "ledger", pod=bad, status="resolved"))
    incident = it.incident("ledger")
    it.until(lambda: incident.phase is Phase.MITIGATED)
    return bad, incident


def test_the_instance_that_fails_alone_is_killed_and_the_issue_says_that_the_cause_is_open(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        bad, *well = it.pods.names("ledger")
        uid = it.pods.uid(bad)
        it.gauges.failing[bad] = 1.0
        assert it.send(alert("LoneFailingInstance", "ledger", pod=bad, stage="agent")) == 1
        it.settled()
        assert it.pods.killed == [uid]
        assert set(well) < set(it.pods.names("ledger"))
        assert it.alerts()[0].terminal == "acted"
        incident = it.incident("ledger")
        (act,) = incident.acts
        assert (act.target, act.outcome) == (bad, "done")
        assert incident.evidence[0].lines == [f"ERROR {bad}: the connection pool is exhausted"]
        it.until(lambda: act.replaced_at is not None)
        it.send(alert("LoneFailingInstance", "ledger", pod=bad, stage="agent", status="resolved"))
        it.until(lambda: incident.phase is Phase.MITIGATED)
        assert act.effect == "effective"
        it.until(lambda: incident.issue is not None and incident.issue.ref)
        issue = it.tracker.find("markdown:payments", incident.id)
        it.until(lambda: "cause open" in it.tracker.find("markdown:payments", incident.id).title)
        assert issue is not None
        assert issue.open


def test_where_all_instances_fail_a_kill_is_declined(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        for pod in it.pods.names("ledger"):
            it.gauges.failing[pod] = 1.0
        it.send(alert("LoneFailingInstance", "ledger", pod=it.pods.names("ledger")[0]))
        it.settled()
        assert it.pods.killed == []
        assert (it.alerts()[0].terminal, it.alerts()[0].code) == ("declined", "no_outlier")


def test_a_resolved_alert_is_never_acted_on(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        bad = it.pods.names("ledger")[0]
        it.gauges.failing[bad] = 1.0
        it.send(alert("LoneFailingInstance", "ledger", pod=bad, status="resolved"))
        it.settled()
        assert it.pods.killed == []
        assert it.alerts()[0].code == "resolved_first"


def test_who_calls_what_fails_is_a_victim_and_has_no_issue_of_its_own(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        it.send(alert("ErrorBudgetBurn", "payment", slo="availability"))
        it.send(alert("ErrorBudgetBurn", "frontend", slo="availability"))
        it.settled()
        assert {one.service.name for one in it.incidents() if not one.folded_into} == {"payment", "frontend"}
    with world(tmp_path / "chain") as it:
        it.send(alert("ErrorBudgetBurn", "payment", slo="availability"))
        it.settled()
        it.send(alert("ErrorBudgetBurn", "checkout", slo="availability"))
        it.send(alert("ErrorBudgetBurn", "frontend", slo="availability"))
        it.settled()
        (incident,) = it.incidents()
        assert incident.service == key("payment")
        assert incident.victims == [key("checkout"), key("frontend")]
        assert {one.code for one in it.alerts()} == {"issue", "folded"}


def test_a_deeper_service_that_fires_later_takes_its_callers_incident_over(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        it.send(alert("ErrorBudgetBurn", "checkout", slo="availability"))
        it.settled()
        it.until(lambda: it.incident("checkout").issue is not None)
        it.send(alert("ErrorBudgetBurn", "payment", slo="availability"))
        it.settled()
        by_service = {one.service.name: one for one in it.incidents()}
        assert by_service["checkout"].folded_into == by_service["payment"].id
        assert by_service["payment"].victims == [key("checkout")]
        checkout = by_service["checkout"].id
        it.until(lambda: not it.tracker.find("markdown:payments", checkout).open)


def test_an_instance_that_fails_is_never_anybody_s_victim(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        it.send(alert("ErrorBudgetBurn", "checkout", slo="availability"))
        it.settled()
        bad = it.pods.names("ledger")[0]
        uid = it.pods.uid(bad)
        it.gauges.failing[bad] = 1.0
        it.send(alert("LoneFailingInstance", "ledger", pod=bad))
        it.settled()
        assert it.pods.killed == [uid], "checkout calls ledger and ledger calls checkout"
        assert {one.service.name: one.folded_into for one in it.incidents()}["ledger"] == ""


def test_a_dependency_that_fires_forbids_the_kill(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        it.send(alert("ErrorBudgetBurn", "payment", slo="availability"))
        it.settled()
        bad = it.pods.names("checkout")[0]
        it.gauges.failing[bad] = 1.0
        it.send(alert("LoneFailingInstance", "checkout", pod=bad))
        it.settled()
        assert it.alert(f"LoneFailingInstance-checkout-{bad}-").code == "dependency_fires"
        assert it.pods.killed == []


def test_a_stored_alert_is_not_stored_twice(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        one = alert("ErrorBudgetBurn", "payment", slo="availability")
        assert [it.send(one, one), it.send(one), it.send(one)] == [1, 0, 0]
        it.settled()
        assert len(it.alerts()) == 1


def test_a_fresh_alert_after_the_gap_is_a_new_episode_and_within_it_the_same(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        firing, over = (alert("ErrorBudgetBurn", "payment", status=status) for status in ("firing", "resolved"))
        it.send(firing)
        it.settled()
        it.send(over)
        it.send(firing)
        it.until(lambda: it.alerts()[0].resolved_at is None)
        assert len(it.alerts()) == 1
        it.send(over)
        it.clock.ahead += 1.0
        it.send(firing)
        it.settled()
        assert len(it.alerts()) == 2
        assert len({one.incident for one in it.alerts()}) == 1, "the incident opens again"
        assert it.incident("payment").phase is Phase.OPEN


def test_what_was_killed_stays_an_open_cause_until_another_revision_has_run_quiet(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        bad, incident = mitigated(it)
        it.pods.roll("ledger", "v2")
        it.until(lambda: incident.phase is Phase.RESOLVED)
        assert incident.fixed_by == "v2"
        it.until(lambda: not it.tracker.find("markdown:payments", incident.id).open)
        said = closed(incident)
        assert f"mended by revision `v2`: before, `{bad}` failed 100% of its requests; now 0% fail" in said


def test_numbers_that_come_late_are_still_taken(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        bad = it.pods.names("ledger")[0]
        it.gauges.failing[bad] = 1.0
        it.send(alert("LoneFailingInstance", "ledger", pod=bad))
        it.settled()
        it.gauges.down = True
        it.send(alert("LoneFailingInstance", "ledger", pod=bad, status="resolved"))
        (act,) = it.incident("ledger").acts
        it.until(lambda: act.effect)
        assert act.after is None
        it.gauges.down = False
        it.clock.ahead += FAST.window_seconds / 30
        it.until(lambda: act.after is not None)
        assert (act.after.instance, act.after.failing) == (act.replacement, 0.0)
        it.until(lambda: read_incident(it.agent.book.ledger.heads("incident")[0]).acts[0].after == act.after)


@pytest.mark.parametrize("asked", ["what an act came to", "whether it is mended"])
def test_while_somebody_waits_for_metrics_alerts_are_taken(tmp_path: Path, asked: str) -> None:
    with world(tmp_path) as it:
        if asked == "whether it is mended":
            _, incident = mitigated(it)
            it.until(lambda: incident.acts[0].after is not None)
            it.gauges.hold = threading.Event()
            it.pods.roll("ledger", "v2")
        else:
            bad = it.pods.names("ledger")[0]
            it.gauges.failing[bad] = 1.0
            it.send(alert("LoneFailingInstance", "ledger", pod=bad))
            it.settled()
            it.gauges.hold = threading.Event()
            it.send(alert("LoneFailingInstance", "ledger", pod=bad, status="resolved"))
        it.until(lambda: it.gauges.waiting)
        try:
            it.send(alert("ErrorBudgetBurn", "payment"))
            it.until(lambda: key("payment") in {one.service for one in it.agent.book.incidents.copy().values()})
            assert it.gauges.waiting
        finally:
            it.gauges.hold.set()


def test_a_revision_under_which_it_fires_again_has_not_mended_it(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        _, incident = mitigated(it)
        it.pods.roll("ledger", "v2")
        it.until(lambda: incident.phase is Phase.RESOLVED)
        it.clock.ahead += FAST.caps.cool_down_seconds + 1
        worse = it.pods.names("ledger")[0]
        it.gauges.failing[worse] = 1.0
        it.send(alert("LoneFailingInstance", "ledger", pod=worse))
        it.settled()
        it.until(lambda: incident.revision)
        assert (incident.phase, incident.revision, incident.fixed_by) == (Phase.OPEN, "v2", "")
        it.send(alert("LoneFailingInstance", "ledger", pod=worse, status="resolved"))
        it.until(lambda: incident.phase is Phase.MITIGATED)
        it.pods.roll("ledger", "v3")
        it.until(lambda: incident.phase is Phase.RESOLVED)
        assert incident.fixed_by == "v3"


def test_nor_has_one_under_which_it_goes_on_after_a_moment(tmp_path: Path) -> None:
    with world(tmp_path, settings=replace(FAST, gap_seconds=60.0)) as it:
        bad, incident = mitigated(it)
        it.pods.roll("ledger", "v2")
        it.until(lambda: incident.phase is Phase.RESOLVED)
        it.send(alert("LoneFailingInstance", "ledger", pod=bad))
        it.until(lambda: incident.phase is Phase.OPEN)
        it.until(lambda: incident.revision)
        assert (len(it.alerts()), incident.revision, incident.fixed_by) == (1, "v2", "")


def test_where_nobody_knows_what_ran_when_it_failed_no_revision_counts_as_another(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        _, incident = mitigated(it)
        incident.revision = ""
        it.pods.roll("ledger", "v2")
        it.clock.ahead += 3 * FAST.quiet_seconds
        for _ in range(3):
            last = watched(it)
            it.until(lambda last=last: watched(it) != last)
        assert (incident.phase, incident.fixed_by) == (Phase.MITIGATED, "")


def test_what_was_over_without_an_act_closes_with_the_numbers(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        it.send(alert("ErrorBudgetBurn", "payment"))
        it.settled()
        incident = it.incident("payment")
        it.until(lambda: incident.issue is not None and incident.issue.open)
        it.send(alert("ErrorBudgetBurn", "payment", status="resolved"))
        it.until(lambda: incident.phase is Phase.RESOLVED)
        it.until(lambda: not it.tracker.find("markdown:payments", incident.id).open)
        it.clock.ahead += FAST.reopen_seconds + 1
        it.until(lambda: it.incidents()[0].phase is Phase.CLOSED)


def test_a_shell_in_a_container_is_quarantined_for_the_security_owner(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        pod = it.pods.names("ledger")[1]
        labels = {"alertname": "Terminal shell in container", "namespace": "shop", "pod": pod, "priority": "Notice"}
        it.agent.accept("falco", [Received(source="falco", fingerprint="f", status="firing", labels=labels)]).result(5)
        it.settled()
        assert it.alerts()[0].terminal == "acted"
        incident = it.incident("ledger")
        assert (incident.owner, incident.security) == ("platform", True)
        assert next(one for one in it.pods.running("ledger") if one.name == pod).quarantined
        it.until(lambda: it.tracker.find("markdown:platform", incident.id) is not None)


@pytest.mark.parametrize(("failing", "against"), [({}, ["no_outlier"]), ({"ledger": 1.0}, ["no_outlier"]), (None, [])])
def test_in_observe_mode_it_is_told_what_the_guards_say(
    tmp_path: Path, failing: dict[str, float] | None, against: list[str]
) -> None:
    with world(tmp_path, known=catalog(mode=Mode.OBSERVE)) as it:
        first, *_ = it.pods.names("ledger")
        it.gauges.failing = {first: 1.0} if failing is None else failing
        it.send(alert("LoneFailingInstance", "ledger", pod=first))
        it.settled()
        incident = it.incident("ledger")
        decision = next(one for one in incident.decisions if one.action == "kill_instance")
        assert (decision.code, it.pods.killed) == ("observe_mode", [])
        assert list(decision.against) == against
        it.until(lambda: incident.issue is not None and incident.issue.open)
        issue = it.tracker.find("markdown:payments", incident.id)
        assert ("It would have done this: " in issue.body) is (not against)
        assert ("It would not have done this, whatever its mode: " in issue.body) is bool(against)


@pytest.mark.parametrize(
    ("name", "notes"), [("LoneFailingInstance", {"Error": "dial tcp: refused"}), ("DatasourceNoData", {})]
)
def test_an_alert_whose_query_failed_is_about_its_definition(tmp_path: Path, name: str, notes: dict[str, str]) -> None:
    with world(tmp_path) as it:
        first, *_ = it.pods.names("ledger")
        it.gauges.failing[first] = 1.0
        told = structs.replace(alert(name, "ledger", pod=first), source="grafana", annotations=notes)
        it.send(told, structs.replace(told, fingerprint="another"))
        it.settled()
        assert {one.code for one in it.alerts()} == {"query_failed"}
        assert it.pods.killed == []
        (incident,) = it.incidents()
        assert (str(incident.service), incident.owner) == ("eu-1/alert-definitions", "platform")
        it.until(lambda: it.tracker.find("markdown:platform", incident.id) is not None)
        it.send(
            structs.replace(told, status="resolved"), structs.replace(told, fingerprint="another", status="resolved")
        )
        it.until(lambda: it.incident("alert-definitions").phase is Phase.RESOLVED)


def test_a_break_in_without_an_address_is_told_to_the_security_owner(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        labels = {"alertname": "Terminal shell in container", "priority": "Notice", "source": "syscall"}
        for number in range(3):
            event = Received(source="falco", fingerprint=f"f{number}", status="firing", labels=labels)
            it.agent.accept("falco", [event]).result(5)
        it.settled()
        (incident,) = it.incidents()
        assert (str(incident.service), incident.owner, incident.security) == ("eu-1/unattributed", "platform", True)
        assert it.pods.killed == []
        it.until(lambda: it.tracker.find("markdown:platform", incident.id) is not None)
    with world(tmp_path) as it:
        it.until(lambda: it.agent.book.incidents)


def test_what_falco_sees_outside_of_the_mesh_or_says_of_itself_is_no_break_in(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        for number, more in enumerate(({"namespace": "kube-system", "pod": "x"}, {"source": "internal"})):
            labels = {"alertname": "Terminal shell in container", "priority": "Notice", **more}
            event = Received(source="falco", fingerprint=f"f{number}", status="firing", labels=labels)
            it.agent.accept("falco", [event]).result(5)
        it.settled()
        assert [one.code for one in it.alerts()] == ["unknown_service"] * 2
        assert it.incidents() == []


@pytest.mark.parametrize("mode", [Mode.ACT, Mode.OBSERVE])
def test_an_event_that_nobody_ends_is_over_after_a_day_and_its_incident_is_not(tmp_path: Path, mode: Mode) -> None:
    with world(tmp_path, known=catalog(mode=mode)) as it:
        pod = it.pods.names("ledger")[1]
        labels = {"alertname": "Terminal shell in container", "namespace": "shop", "pod": pod, "priority": "Notice"}
        event = Received(source="falco", fingerprint="f", status="firing", labels=labels)
        it.agent.accept("falco", [event]).result(5)
        it.settled()
        incident = it.incident("ledger")
        it.until(lambda: incident.issue is not None and incident.issue.open)
        it.clock.ahead += FAST.event_seconds + 61
        it.until(lambda: it.alerts()[0].resolved_at is not None)
        it.until(lambda: incident.phase is Phase.MITIGATED)
        it.clock.ahead += 3_700
        it.until(lambda: not it.agent.book.alerts)
        assert it.tracker.find("markdown:platform", incident.id).open
        it.agent.accept("falco", [event]).result(5)
        it.until(lambda: incident.phase is Phase.OPEN)
        assert len(it.incidents()) == 1
        it.agent.close_incident(incident.id, by="ada")
        it.until(lambda: not it.tracker.find("markdown:platform", incident.id).open)


def test_a_shell_in_a_container_is_no_symptom_of_what_the_service_calls(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        it.send(alert("ErrorBudgetBurn", "payment", slo="availability"))
        it.settled()
        pod = it.pods.names("checkout")[1]
        labels = {"alertname": "Terminal shell in container", "namespace": "shop", "pod": pod, "priority": "Notice"}
        it.agent.accept("falco", [Received(source="falco", fingerprint="f", status="firing", labels=labels)]).result(5)
        it.settled()
        assert next(one for one in it.pods.running("checkout") if one.name == pod).quarantined


@pytest.mark.parametrize("how", ["file", "switch", "service", "label"])
def test_a_stop_switch_forbids_every_act(tmp_path: Path, how: str) -> None:
    with world(tmp_path) as it:
        bad = it.pods.names("ledger")[0]
        it.gauges.failing[bad] = 1.0
        match how:
            case "file":
                (tmp_path / "stop").write_text("drill")
            case "switch":
                it.agent.stop("all", by="ada", why="drill")
            case "service":
                it.agent.stop("shop/ledger", by="ada", why="drill")
            case "label":
                it.pods.world.stops[identity("ledger")] = "drill"
        it.send(alert("LoneFailingInstance", "ledger", pod=bad))
        it.settled()
        assert (it.alerts()[0].code, it.pods.killed) == ("stopped", [])


def test_a_stop_switch_survives_a_restart_and_can_be_turned_off(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        it.agent.stop("all", by="ada", why="drill")
    with world(tmp_path) as it:
        assert [(one.scope, one.by, one.why) for one in it.agent.stops()] == [("all", "ada", "drill")]
        it.agent.start("all", by="ada")
    with world(tmp_path) as it:
        assert it.agent.stops() == []


@pytest.mark.parametrize(("mesh", "own", "code"), [
    (Mode.OBSERVE, Mode.ACT, "observe_mode"), (Mode.ACT, Mode.OBSERVE, "observe_mode"),
    (Mode.ACT, None, "not_opted_in"),
    (Mode.PROPOSE, Mode.ACT, "propose_mode"),
])  # fmt: skip
def test_the_lower_mode_is_in_force(tmp_path: Path, mesh: Mode, own: Mode | None, code: str) -> None:
    known = catalog([service(name, mode=own) for name in NAMES], mode=mesh)
    with world(tmp_path, known=known) as it:
        bad = it.pods.names("ledger")[0]
        it.gauges.failing[bad] = 1.0
        it.send(alert("LoneFailingInstance", "ledger", pod=bad))
        it.settled()
        assert it.alerts()[0].code == code
        assert it.pods.killed == []


def asking(tmp_path: Path) -> Catalog:
    return catalog([service(name, mode=Mode.ASK) for name in NAMES])


def test_an_act_that_is_asked_for_waits_for_one_yes(tmp_path: Path) -> None:
    with world(tmp_path, known=asking(tmp_path)) as it:
        bad = it.pods.names("ledger")[0]
        it.gauges.failing[bad] = 1.0
        it.send(alert("LoneFailingInstance", "ledger", pod=bad))
        it.until(lambda: it.agent.book.incidents and it.incident("ledger").approvals)
        incident = it.incident("ledger")
        (waiting,) = incident.approvals
        assert it.pods.killed == []
        assert "acted" in it.agent.answer(incident.id, waiting.token, yes=True, by="ada")
        assert it.pods.killed == [waiting.uid]
        with pytest.raises(MeshscopeError, match="nothing waits"):
            it.agent.answer(incident.id, waiting.token, yes=True, by="ada")
        assert incident.acts[0].approved_by == "ada"
        it.settled()


def test_a_no_and_a_silence_decline(tmp_path: Path) -> None:
    with world(tmp_path, known=asking(tmp_path)) as it:
        for number, pod in enumerate(it.pods.names("ledger")[:2]):
            it.gauges.failing = {pod: 1.0}
            it.send(alert("LoneFailingInstance", "ledger", pod=pod))
            it.until(lambda number=number: it.agent.book.incidents and len(it.incident("ledger").approvals) > number)
        first, second = it.incident("ledger").approvals
        it.agent.answer(it.incident("ledger").id, first.token, yes=False, by="ada")
        it.clock.ahead += FAST.approval_seconds + 1
        it.settled()
        assert {one.code for one in it.alerts()} == {"rejected", "expired"}
        assert second.answer == "expired"
        assert it.pods.killed == []


def test_numbers_that_can_t_be_had_forbid_a_kill_unless_the_alert_brings_them(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        it.gauges.down = True
        first, second, _ = it.pods.names("ledger")
        it.send(alert("LoneFailingInstance", "ledger", pod=first))
        it.settled()
        assert it.alerts()[0].code == "numbers_unknown"
        told = alert("LoneFailingInstance", "ledger", pod=second)
        notes = {"instance_failing": "1", "siblings_failing": "0", "instance_requests": "900", "siblings": "2"}
        it.send(structs.replace(told, annotations=notes))
        it.settled()
        assert len(it.pods.killed) == 1


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e308, 5e-324, -1.0])
@pytest.mark.parametrize("asked", ["store", "alert"])
def test_what_is_no_number_is_unknown_and_the_next_start_reads_what_is_kept(
    tmp_path: Path, value: float, asked: str
) -> None:
    with world(tmp_path) as it:
        first, *_ = it.pods.names("ledger")
        it.gauges.down = asked == "alert"
        it.gauges.requests = value
        told = alert("LoneFailingInstance", "ledger", pod=first)
        notes = {"instance_failing": "1", "siblings_failing": "0", "instance_requests": str(value), "siblings": "2"}
        it.send(structs.replace(told, annotations=notes if asked == "alert" else {}))
        it.settled()
        assert it.alerts()[0].code == "numbers_unknown"
        assert it.pods.killed == []
    with world(tmp_path) as it:
        assert [len(one.decisions) for one in it.incidents()] == [1]


def test_no_burst_of_alerts_kills_more_than_the_caps_allow(tmp_path: Path) -> None:
    settings = replace(FAST, caps=replace(FAST.caps, every_seconds=0.0))
    with world(tmp_path, settings=settings) as it:
        for _ in range(8):
            for name in NAMES:
                for pod in it.pods.names(name):
                    it.gauges.failing = {pod: 1.0}
                    it.send(alert("LoneFailingInstance", name, pod=pod))
                    it.settled()
                    it.until(lambda: all(a.replaced_at for one in it.incidents() for a in one.acts))
        assert len(it.pods.killed) == FAST.caps.owner
        assert {one.code for one in it.alerts() if one.terminal == "declined"} <= {
            "cap_owner", "cap_service", "rate", "dependency_fires"
        }  # fmt: skip


@pytest.mark.fault("F17")
def test_a_poison_alert_is_dead_and_the_others_go_on(tmp_path: Path, figure: Callable[[str], None]) -> None:
    settings = replace(FAST, attempts=2)
    with world(tmp_path, settings=settings) as it:
        taken = it.agent.decider.take

        def take(one: AlertState) -> None:
            if one.received.fingerprint == "poison":
                raise RuntimeError("no luck")
            taken(one)

        it.agent.decider.take = take  # type: ignore[method-assign]
        it.send(alert("ErrorBudgetBurn", "ledger", fingerprint="poison"))
        it.send(*(alert("ErrorBudgetBurn", "payment", fingerprint=f"{number}") for number in range(20)))
        it.until(lambda: all(it.alert(f"{number}").terminal for number in range(20)))
        first = it.alert("poison").terminal
        it.settled()
        assert it.alert("poison").terminal == "dead"
        assert "no luck" in it.alert("poison").why
        assert {it.alert(f"{number}").terminal for number in range(20)} == {"acted"}
    figure(
        f"1 poison alert: dead after {settings.attempts} tries; 20 behind it decided while it was {first or 'tried'}"
    )


@pytest.mark.fault("F32")
def test_the_agent_s_own_alerts_are_never_acted_on(tmp_path: Path, figure: Callable[[str], None]) -> None:
    with world(tmp_path) as it:
        bad = it.pods.names("ledger")[0]
        it.gauges.failing[bad] = 1.0
        names = ("MeshscopeAgentSilent", "MeshscopeAgentStalled", "MeshscopeAgentWhateverComes")
        # Each round what the agent did is told about again, as if its own doings were the next trouble.
        for number in range(10):
            it.send(*(alert(name, "ledger", pod=bad, fingerprint=f"{name}{number}") for name in names))
            it.settled()
        assert {one.code for one in it.alerts()} == {"own_alert"}
        assert it.pods.killed == []
        assert it.incidents() == []
        figure(f"{len(it.alerts())} alerts about the agent itself: 0 acts, 0 incidents, 0 issues of them")


def test_labels_that_name_nothing_of_ours_do_nothing(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        it.send(alert("ErrorBudgetBurn", "../../etc/passwd"), alert("Made up", "ledger"))
        it.settled()
        assert {one.code for one in it.alerts()} == {"unknown_service", "unknown_alert"}
        assert it.incidents() == []


def test_a_tracker_that_is_down_loses_nothing(tmp_path: Path) -> None:
    broken = [True]

    def faults(where: str) -> None:
        if broken[0]:
            raise TrackerError(Finding(code="tracker/down", title="it does not answer"))

    with world(tmp_path, tracker=MemoryTracker(secret=b"secret", faults=faults)) as it:
        it.send(alert("ErrorBudgetBurn", "payment"))
        it.settled()
        it.until(lambda: it.agent.teller.patience.failure)
        broken[0] = False
        incident = it.incident("payment")
        it.until(lambda: it.tracker.find("markdown:payments", incident.id) is not None)


def test_a_storm_is_told_in_one_issue(tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(30)]
    settings = replace(FAST, storm_incidents=5)
    with world(tmp_path, known=catalog([service(name) for name in names]), settings=settings) as it:
        it.send(*(alert("ErrorBudgetBurn", name) for name in names))
        it.settled()
        it.until(lambda: all(one.issue for one in it.incidents()), 20)
        own = [one for one in it.incidents() if not one.issue.ref.startswith("storm:")]
        assert len(own) == 5
        it.until(lambda: [one.listed for one in it.agent.book.storms.values()] == [25])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_commit_that_fails_twice_loses_no_firing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: tuple[int, int]
) -> None:
    with world(tmp_path, start=False) as it:
        append = it.ledger.append
        under_way: list[Future[Sequence[Record]]] = []

        def waits(_: Sequence[Entry]) -> Future[Sequence[Record]]:
            under_way.append(Future())
            return under_way[-1]

        monkeypatch.setattr(it.ledger, "append", waits)
        told = alert("ErrorBudgetBurn", "ledger")
        answers = [it.agent.accept("alertmanager", [one]) for one in (told, structs.replace(told, status="resolved"))]
        for number in order:
            under_way[number].set_exception(LedgerError(Finding(code="ledger/full", title="the disk is full")))
        for answer in answers:
            with pytest.raises(LedgerError):
                answer.result(5)
        monkeypatch.setattr(it.ledger, "append", append)
        assert it.send(told) == 1
    with world(tmp_path) as it:
        it.settled()
        assert it.alert(told.fingerprint).resolved_at is None
