"""The board: what is open, in the order in which it needs a person, as the ledger goes on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshscope.adapters.memory.ledger import MemoryLedger
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.ports import Entry, LedgerError
from meshscope.feedback.state import Act, Approval, Incident, Key, Member, Phase, incident_entry
from meshscope.findings import Finding
from meshscope.web.console.board import Board, Group
from tests.console.boutique_nights import NOW
from tests.console.desk_twin import DeskTwin, Moment

KEY = Key("eu-1", "shop", "ledger")


def incident(number: int = 1, **more: object) -> Incident:
    one = Incident(id=f"ledger-{number}", service=KEY, owner="payments", opened=NOW - 60 - number)
    for name, value in more.items():
        setattr(one, name, value)
    return one


def member(severity: str = "page", **more: object) -> Member:
    one = Member(alert="a/b/1", name="LoneFailingInstance", severity=severity, since=NOW - 60)
    for name, value in more.items():
        setattr(one, name, value)
    return one


def act(**more: object) -> Act:
    one = Act(key="k", action="kill_instance", target="x", uid="u", at=NOW - 30, deadline=NOW, alert="a/b/1")
    for name, value in more.items():
        setattr(one, name, value)
    return one


def approval(**more: object) -> Approval:
    one = Approval(token="t", alert="a/b/1", action="kill_instance", target="x", uid="u", at=NOW, until=NOW + 60)
    for name, value in more.items():
        setattr(one, name, value)
    return one


def board(ledger: MemoryLedger, known: Catalog, now: Moment | None = None) -> Board:
    return Board(ledger=ledger, catalog=lambda: known, now=(now or Moment(NOW)).now, rest=0.0)


def put(ledger: MemoryLedger, *incidents: Incident) -> None:
    ledger.append([incident_entry(one) for one in incidents]).result()


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (incident(members=[member()]), Group.HURTS),
        (incident(members=[member("ticket")]), Group.LATER),
        (incident(members=[member(victim=True)]), Group.LATER),
        (incident(members=[member(until=NOW)]), Group.LATER),
        (incident(members=[member()], acts=[act(outcome="done")]), Group.AGENT),
        (incident(members=[member()], acts=[act()]), Group.AGENT),
        (incident(members=[member()], acts=[act(outcome="done", effect="none")]), Group.HURTS),
        (incident(members=[member()], acts=[act(outcome="refused")]), Group.HURTS),
        (incident(members=[member()], acts=[act(outcome="unknown")]), Group.HURTS),
        (incident(members=[member()], approvals=[approval()]), Group.WAITING),
        (incident(members=[member()], approvals=[approval(until=NOW)]), Group.HURTS),
        (incident(members=[member()], approvals=[approval(answer="no")]), Group.HURTS),
        (incident(members=[member()], noise="it is"), Group.LATER),
        (incident(members=[member()], noise="it is", approvals=[approval()]), Group.WAITING),
        (incident(members=[member()], snoozed_until=NOW + 1), Group.LATER),
        (incident(members=[member()], snoozed_until=NOW - 1), Group.HURTS),
        (incident(members=[member("Notice")], security=True), Group.HURTS),
        (incident(members=[member("Notice")], security=True, acts=[act(outcome="done")]), Group.HURTS),
        (incident(phase=Phase.MITIGATED), Group.CAUSE),
        (incident(phase=Phase.RESOLVED, approvals=[approval()]), Group.OVER),
    ],
)
def test_an_incident_stands_where_it_needs_a_person(known: Catalog, one: Incident, expected: Group) -> None:
    ledger = MemoryLedger(Moment(NOW))
    put(ledger, one)
    it = board(ledger, known)
    it.look()
    assert [which for which, rows in it.grouped().items() if rows] == [expected]
    assert it.needs == (expected in (Group.WAITING, Group.HURTS))


def test_what_is_written_later_is_followed(known: Catalog) -> None:
    ledger = MemoryLedger(Moment(NOW))
    put(ledger, incident(1, members=[member()]))
    it = board(ledger, known)
    it.look()
    before = it.newest
    put(ledger, incident(2, members=[member()]), incident(1, members=[member()], phase=Phase.MITIGATED))
    it.look()
    assert it.since(before) == {"incident:ledger-1", "incident:ledger-2"}
    assert it.since(it.newest) == set()
    assert (len(it.grouped()[Group.HURTS]), len(it.grouped()[Group.CAUSE])) == (1, 1)
    put(ledger, incident(1, phase=Phase.CLOSED))
    it.look()
    assert set(it.rows) == {"ledger-2"}


def test_what_is_over_for_good_is_not_shown_while_its_issue_is_still_open(known: Catalog) -> None:
    ledger = MemoryLedger(Moment(NOW))
    ledger.append([replace(incident_entry(incident(1, phase=Phase.CLOSED)), open=True)]).result()
    it = board(ledger, known)
    it.look()
    assert it.rows == {}


def test_what_is_too_long_ago_to_be_known_is_everything(known: Catalog) -> None:
    ledger = MemoryLedger(Moment(NOW))
    it = board(ledger, known)
    it.look()
    for start in range(0, 5000, 500):
        ledger.append([Entry(kind="stop", subject=f"stop:{start + one}", body=b"{}") for one in range(500)]).result()
        it.look()
    assert it.since(1) == {"*"}
    assert it.since(it.newest - 2) == {"stop:4998", "stop:4999"}


@given(st.integers(0, 60), st.integers(0, 60))
def test_it_is_the_same_whether_it_was_read_or_followed(first: int, later: int) -> None:
    known = Catalog(mesh="m", environment="", cluster="", mode="act", owner="", security="", page="page", addresses={},
                    owners={}, services={}, alerts={}, rules={}, calls=())  # type: ignore[arg-type] # fmt: skip
    ledger = MemoryLedger(Moment(NOW))
    for number in range(first):
        put(ledger, incident(number % 17, members=[member()], phase=list(Phase)[number % 4]))
    followed = board(ledger, known)
    followed.look()
    for number in range(later):
        put(ledger, incident(number % 23, members=[member()], phase=list(Phase)[number % 3]))
    followed.look()
    fresh = board(ledger, known)
    fresh.look()
    assert followed.rows == fresh.rows
    assert followed.newest == fresh.newest


def test_one_record_that_cannot_be_read_hides_no_other(known: Catalog) -> None:
    ledger = MemoryLedger(Moment(NOW))
    bad = replace(incident_entry(incident(7)), body=b'{"id": 7}')
    ledger.append([bad, incident_entry(incident(1, members=[member()]))]).result()
    it = board(ledger, known)
    it.look()
    assert set(it.rows) == {"ledger-1"}
    assert it.unread == {"incident:ledger-7": 2}
    put(ledger, incident(7))
    it.look()
    assert it.unread == {}


def test_a_ledger_that_is_sick_is_said_to_be_and_then_caught_up_with(known: Catalog) -> None:
    sick: list[LedgerError] = []
    ledger = MemoryLedger(Moment(NOW), broken=lambda: sick[0] if sick else None)
    it = board(ledger, known)
    it.look()
    put(ledger, incident(1, members=[member()]))
    sick.append(LedgerError(Finding(code="ledger/locked", title="the ledger is locked")))
    with pytest.raises(LedgerError):
        it.look()
    sick.clear()
    it.look()
    assert set(it.rows) == {"ledger-1"}


def test_an_approval_ends_by_itself(known: Catalog) -> None:
    ledger, now = MemoryLedger(Moment(NOW)), Moment(NOW)
    put(ledger, incident(1, members=[member("ticket")], approvals=[approval()]))
    it = board(ledger, known, now)
    it.look()
    assert it.needs == 1
    now.at += 61
    assert it.needs == 0


def test_what_ends_first_and_what_matters_most_come_first(known: Catalog) -> None:
    ledger = MemoryLedger(Moment(NOW))
    put(
        ledger,
        incident(1, members=[member()], approvals=[approval(until=NOW + 300)]),
        incident(2, members=[member()], approvals=[approval(until=NOW + 20)]),
        incident(3, members=[member()], service=Key("eu-1", "platform", "email")),
        incident(4, members=[member()]),
    )
    it = board(ledger, known)
    it.look()
    assert [row.seen.id for row in it.grouped()[Group.WAITING]] == ["ledger-2", "ledger-1"]
    assert [row.seen.id for row in it.grouped()[Group.HURTS]] == ["ledger-4", "ledger-3"]


def test_a_service_has_its_own_incidents_before_those_whose_victim_it_is(desk: DeskTwin) -> None:
    it = board(desk.ledger, desk.catalog)  # type: ignore[arg-type]
    it.look()
    found = [row.seen.service.name for row in it.of_service(Key("eu-1", "web", "search"))]
    assert found[:2] == ["search", "catalog"]
