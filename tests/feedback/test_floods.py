"""Very many alerts at once: of one service, of many, and for a tracker that fails for some of them."""

from dataclasses import replace
from pathlib import Path

from meshscope.adapters.memory.tracker import MemoryForge, MemoryTracker
from meshscope.feedback.joining import MOST_MEMBERS
from meshscope.feedback.ports import Draft, Issue, TrackerError
from meshscope.feedback.state import Incident, Phase, Received
from meshscope.findings import Finding
from meshscope.model.modes import Mode
from tests.feedback.world import FAST, World, alert, catalog, service, world

FLOOD = 3 * MOST_MEMBERS


def flood(status: str = "firing") -> list[Received]:
    return [
        alert("LoneFailingInstance", "ledger", pod=f"gone-{number}", status=status, fingerprint=f"{number:016x}")
        for number in range(FLOOD)
    ]


def test_a_flood_of_one_service_is_listed_in_part_and_written_seldom(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        for first in range(0, FLOOD, 100):
            it.send(*flood()[first : first + 100])
        it.until(lambda: all(one.terminal for one in it.alerts()) and not it.agent._queue, 60)
        incident = it.incident("ledger")
        assert (len(incident.members), incident.unlisted) == (MOST_MEMBERS, FLOOD - MOST_MEMBERS)
        written = it.ledger.history(f"incident:{incident.id}")
        assert len(written) < FLOOD / 4
        assert max(len(one.entry.body) for one in written) < 1 << 20


def test_what_is_not_listed_and_fires_keeps_an_incident_open(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        it.send(*flood())
        it.until(lambda: all(one.terminal for one in it.alerts()), 60)
        incident = it.incident("ledger")
        listed = {member.alert.split("/")[1] for member in incident.members}
        over = flood("resolved")
        last = next(one for one in over if one.fingerprint not in listed)
        it.send(*(one for one in over if one is not last))
        it.until(lambda: not incident.firing)
        it.clock.ahead += 1.0
        assert incident.phase is Phase.OPEN
        it.send(last)
        it.until(lambda: incident.phase is Phase.RESOLVED)
        it.send(replace_status(last))
        it.until(lambda: incident.phase is Phase.OPEN)


def replace_status(one: Received, status: str = "firing") -> Received:
    return Received(**{**{name: getattr(one, name) for name in one.__struct_fields__}, "status": status})


def test_a_page_behind_a_flood_is_decided_before_it_and_the_flood_does_not_wait_for_all_pages(tmp_path: Path) -> None:
    strangers = [alert("NobodyKnowsThis", "ledger", fingerprint=f"s{number:015x}") for number in range(900)]
    tickets = [
        alert("ErrorBudgetBurn", "ledger", severity="ticket", fingerprint=f"t{number:015x}") for number in range(9)
    ]
    with world(tmp_path, start=False) as it:
        bad = it.pods.names("payment")[0]
        it.gauges.failing[bad] = 1.0
        it.send(*strangers, *tickets)
        it.send(alert("LoneFailingInstance", "payment", pod=bad))
        it.send(*flood()[:100])
        it.agent.start_parts()
        it.settled()
        ended = [one.received.fingerprint for one in sorted(it.alerts(), key=lambda one: one.ended_at or 0.0)]
        place = {fingerprint: number for number, fingerprint in enumerate(ended)}
        assert [act.target for act in it.incident("payment").acts] == [bad]
    assert place[f"LoneFailingInstance-payment-{bad}-"] == 0
    pages = max(place[one.fingerprint] for one in flood()[:100])
    before = [one for one in strangers if place[one.fingerprint] < pages]
    assert len(before) == 100 // 8


NAMES = [f"s{number}" for number in range(30)]
MANY = replace(catalog([service(name) for name in NAMES]), calls=())
STORMY = replace(FAST, storm_incidents=5, storm_seconds=60.0)


def storm(it: World) -> None:
    it.send(*(alert("ErrorBudgetBurn", name) for name in NAMES))
    it.settled()


def listed_with_one_that_fails(it: World) -> Incident:
    """Have a storm, and then one instance of a service that its issue lists fail; that service's incident."""
    storm(it)
    it.until(lambda: [one.listed for one in it.agent.book.storms.values()] == [25])
    listed = next(one for one in it.incidents() if one.issue is not None and one.issue.in_storm)
    fails(it, listed.service.name, 0)
    return it.incident(listed.service.name)


def fails(it: World, service: str, number: int) -> None:
    """Have this instance of the service fail alone."""
    bad = it.pods.names(service)[number]
    it.gauges.failing = {bad: 1.0}
    it.send(alert("LoneFailingInstance", service, pod=bad))


def test_the_issue_of_a_storm_says_how_many_go_on_and_is_closed_when_none_does(tmp_path: Path) -> None:
    tracker = MemoryTracker(secret=b"secret")

    def issue() -> Issue:
        (storm,) = it.agent.book.storms.values()
        found = tracker.find(storm.where, storm.key)
        assert found is not None
        return found

    with world(tmp_path, known=MANY, settings=STORMY, tracker=tracker) as it:
        storm(it)
        it.until(lambda: [one.listed for one in it.agent.book.storms.values()] == [25])
        it.until(lambda: "25 of them go on" in issue().body)
    # Another process knows of it.
    with world(tmp_path, known=MANY, settings=STORMY, tracker=tracker, pods=it.pods) as it:
        it.send(*(alert("ErrorBudgetBurn", name, status="resolved") for name in NAMES[:20]))
        it.until(lambda: "25 of them" not in issue().body)
        assert issue().open
        it.send(*(alert("ErrorBudgetBurn", name, status="resolved") for name in NAMES[20:]))
        it.until(lambda: not issue().open)
        it.clock.ahead += 1.0
        storm(it)
        it.until(lambda: issue().open)
    assert len([one for one in tracker.forge.issues if "storm-" in one.body]) == 1


def test_what_is_acted_on_in_a_storm_has_an_issue_of_its_own_that_outlives_it(tmp_path: Path) -> None:
    tracker = MemoryTracker(secret=b"secret")
    pages = [alert("ErrorBudgetBurn", name) for name in NAMES[:-1]]
    with world(tmp_path, known=MANY, settings=STORMY, tracker=tracker) as it:
        it.send(*pages)
        it.settled()
        it.until(lambda: [one.listed for one in it.agent.book.storms.values()] == [24])
        bad = it.pods.names(NAMES[-1])[0]
        it.gauges.failing[bad] = 1.0
        lone = alert("LoneFailingInstance", NAMES[-1], pod=bad)
        it.send(lone)
        it.settled()
        incident = it.incident(NAMES[-1])
        assert [act.outcome for act in incident.acts] == ["done"]
        it.until(lambda: incident.issue is not None and bool(incident.issue.url) and not incident.issue.in_storm)
        assert len(tracker.forge.issues) == 5 + 1 + 1
        it.gauges.failing.clear()
        it.send(*(replace_status(one, "resolved") for one in (*pages, lone)))
        it.until(lambda: not it.agent.book.storms or not any(one.open for one in it.agent.book.storms.values()))
        it.until(lambda: incident.phase is Phase.MITIGATED and not incident.due)
        own = tracker.find("markdown:payments", incident.id)
        assert own is not None
        assert own.open
        assert any("It helped" in comment.body for comment in own.comments)


def test_an_incident_of_a_storm_gets_its_own_issue_when_it_is_acted_on_later_and_the_list_says_so(
    tmp_path: Path,
) -> None:
    tracker = MemoryTracker(secret=b"secret")
    with world(tmp_path, known=MANY, settings=STORMY, tracker=tracker) as it:
        incident = listed_with_one_that_fails(it)
        it.settled()
        it.until(lambda: incident.issue is not None and bool(incident.issue.url) and not incident.issue.in_storm)
        (listing,) = it.agent.book.storms.values()
        it.until(lambda: listing.apart == 1)
        told = tracker.find(listing.where, listing.key)
        assert told is not None
        (line,) = (line for line in told.body.splitlines() if "an issue of its own" in line and line.startswith("- "))
        assert incident.service.name in line
    # Another process tells it no second time.
    with world(tmp_path, known=MANY, settings=STORMY, tracker=tracker, pods=it.pods) as it:
        it.settled()
        assert not it.incident(incident.service.name).issue.in_storm
    assert len(tracker.forge.issues) == 5 + 1 + 1


def test_the_issue_of_a_storm_says_where_a_yes_is_waited_for_as_long_as_it_is(tmp_path: Path) -> None:
    tracker = MemoryTracker(secret=b"secret")
    known = replace(catalog([service(name, mode=Mode.ASK) for name in NAMES]), calls=())
    with world(tmp_path, known=known, settings=STORMY, tracker=tracker) as it:
        incident = listed_with_one_that_fails(it)
        (listing,) = it.agent.book.storms.values()
        it.until(lambda: listing.asking == 1)

        def body() -> str:
            found = tracker.find(listing.where, listing.key)
            assert found is not None
            return found.body

        assert "1 act waits for a yes in the console" in body()
        (line,) = (one for one in body().splitlines() if one.startswith("- ") and "waits for a yes" in one)
        assert incident.service.name in line
        assert "kill_instance" in line
        fails(it, incident.service.name, 1)
        it.until(lambda: listing.asking == 2)
        assert "2 acts wait for a yes in the console" in body()
        for approval in incident.approvals:
            it.agent.answer(incident.id, approval.token, yes=False, by="ada")
        it.until(lambda: listing.asking == 0 and "for a yes" not in body())


class Half(MemoryTracker):
    """It fails for all issues of one place."""

    def open(self, draft: Draft) -> Issue:
        if draft.where == "markdown:platform":
            raise TrackerError(Finding(code="tracker/down", title="that one is down"))
        return super().open(draft)


def test_issues_that_can_t_be_told_do_not_keep_others_from_being_told(tmp_path: Path) -> None:
    sick = [service(f"sick{number}", owner="platform", where="markdown:platform") for number in range(80)]
    known = replace(catalog([*sick, service("well")]), calls=())
    settings = replace(FAST, storm_incidents=10**6)
    tracker = Half(MemoryForge(), secret=b"secret")
    with world(tmp_path, known=known, settings=settings, tracker=tracker) as it:
        it.send(*(alert("ErrorBudgetBurn", one.key.name) for one in sick))
        it.settled()
        it.until(lambda: it.agent.teller.patience.failure)
        it.send(alert("ErrorBudgetBurn", "well"))
        it.settled()
        it.until(lambda: it.incident("well").issue is not None and it.incident("well").issue.ref)
