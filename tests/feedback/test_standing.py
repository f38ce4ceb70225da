"""Which services fail is known from the incidents, and whether that has changed."""

from meshscope.feedback.standing import Standing
from meshscope.feedback.state import Incident, Key, Member, Phase

LEDGER, CHECKOUT, OTHER = (Key("", "shop", name) for name in ("ledger", "checkout", "other"))


def incident(*members: Member) -> Incident:
    return Incident(id="ledger-1", service=LEDGER, owner="payments", opened=1.0, members=list(members))


def member(number: int, since: float, on: Key = LEDGER) -> Member:
    return Member(alert=f"a/{number}/1", name="ErrorBudgetBurn", severity="page", since=since, service=on)


def test_services_fail_since_the_first_alert_that_fires() -> None:
    standing = Standing()
    standing.note(incident(member(1, 5.0), member(2, 3.0), member(3, 4.0, CHECKOUT)))
    assert dict(standing.failing(OTHER)) == {LEDGER: 3.0, CHECKOUT: 4.0}
    assert dict(standing.failing(LEDGER)) == {CHECKOUT: 4.0}


def test_one_more_alert_of_what_fails_already_changes_nothing() -> None:
    standing = Standing()
    found = incident(member(1, 3.0))
    standing.note(found)
    before = standing.changes
    found.members.append(member(2, 5.0))
    standing.note(found)
    assert standing.changes == before


def test_a_service_that_begins_to_fail_or_ends_is_a_change() -> None:
    standing = Standing()
    found = incident(member(1, 3.0))
    seen = [standing.changes]
    standing.note(found)
    seen.append(standing.changes)
    found.members.append(member(2, 5.0, CHECKOUT))
    standing.note(found)
    seen.append(standing.changes)
    found.phase = Phase.RESOLVED
    standing.note(found)
    seen.append(standing.changes)
    assert len(set(seen)) == len(seen)
    assert dict(standing.failing(OTHER)) == {}


def test_what_is_forgotten_fails_no_more() -> None:
    standing = Standing()
    found = incident(member(1, 3.0))
    standing.note(found)
    before = standing.changes
    standing.forget(found)
    assert standing.changes != before
    assert dict(standing.failing(OTHER)) == {}
    assert standing.listing("a/1/1") == ()
