"""What every tracker promises."""

from dataclasses import replace

import pytest

from meshscope.feedback.ports import Comment, Issue, TrackerError
from meshscope.feedback.tracking import marked
from tests.issue.hostile import HOSTILE
from tests.trackers.conftest import SECRET, WHERE, World, draft

# Git has no part in what a file says.
WITHOUT_GIT = pytest.mark.parametrize("world", ["memory", "markdown without git"], indirect=True)
PERSONS = [text for text in HOSTILE if text.strip() and len(text) < 1000 and text.isprintable()]


def test_an_issue_that_is_nowhere_is_not_found(world: World) -> None:
    assert world.start().find(WHERE, "ledger-1") is None


def test_an_issue_is_found_as_it_was_opened_after_a_restart_too(world: World) -> None:
    opened = world.start().open(draft())
    found = world.start().find(WHERE, "ledger-1")
    assert found == opened
    assert (opened.open, opened.title, opened.url != "", opened.ref != "") == (True, draft().title, True, True)
    assert "It fails." in opened.body
    assert marked(opened.body, "ledger-1", SECRET)


def test_an_issue_that_is_opened_twice_is_one(world: World) -> None:
    first = world.start().open(draft())
    again = world.start().open(draft())
    assert again == first
    assert world.count("ledger-1") == 1


def test_opening_again_brings_title_and_body_up_to_date(world: World) -> None:
    tracker = world.start()
    tracker.open(draft())
    tracker.open(draft(title="[page] shop/ledger: mitigated", body="It is well."))
    found = world.start().find(WHERE, "ledger-1")
    assert found is not None
    assert (found.title, "It is well." in found.body, "It fails." in found.body) == (
        "[page] shop/ledger: mitigated", True, False,
    )  # fmt: skip


def test_an_issue_that_is_closed_twice_is_closed(world: World) -> None:
    tracker = world.start()
    issue = tracker.open(draft())
    assert not tracker.close(issue).open
    assert not world.start().close(issue).open
    found = tracker.find(WHERE, "ledger-1")
    assert found is not None
    assert not found.open


def test_opening_a_closed_issue_opens_it_again_with_its_comments(world: World) -> None:
    tracker = world.start()
    issue = tracker.open(draft())
    tracker.comment(issue, Comment(number=1, body="It is over."))
    tracker.close(issue)
    again = tracker.open(draft(body="It is back."))
    assert again.open
    assert [one.body for one in again.comments] == ["It is over."]
    assert world.count("ledger-1") == 1


def test_a_comment_is_written_once_for_its_number(world: World) -> None:
    tracker = world.start()
    issue = tracker.open(draft())
    tracker.comment(issue, Comment(number=1, body="one"))
    tracker.comment(issue, Comment(number=2, body="two"))
    world.start().comment(issue, Comment(number=1, body="one, told again"))
    found = tracker.find(WHERE, "ledger-1")
    assert found is not None
    assert [(one.number, one.body) for one in found.comments] == [(1, "one"), (2, "two")]


def test_a_comment_has_a_number(world: World) -> None:
    tracker = world.start()
    issue = tracker.open(draft())
    with pytest.raises(TrackerError) as error:
        tracker.comment(issue, Comment(number=0, body="one"))
    assert error.value.definite


def test_a_comment_may_be_told_with_what_a_ledger_remembers_of_the_issue(world: World) -> None:
    opened = world.start().open(draft())
    bare = Issue(key=opened.key, where=opened.where, ref=opened.ref, url="", open=True)
    assert [one.body for one in world.start().comment(bare, Comment(number=1, body="one")).comments] == ["one"]
    assert not world.start().close(replace(bare, ref=opened.ref)).open


@pytest.mark.parametrize("call", ["comment", "close"])
def test_an_issue_that_was_never_opened_can_not_be_commented_on_or_closed(world: World, call: str) -> None:
    tracker = world.start()
    issue = Issue(key="ledger-1", where=WHERE, ref="7", url="", open=True)
    with pytest.raises(TrackerError) as error:
        tracker.close(issue) if call == "close" else tracker.comment(issue, Comment(number=1, body="one"))
    assert error.value.definite
    assert world.count("ledger-1") == 0


def test_a_persons_comment_is_read_with_who_wrote_it_and_always_under_the_same_name(world: World) -> None:
    tracker = world.start()
    issue = tracker.open(draft())
    world.say("ledger-1", "ada", "/why")
    tracker.comment(issue, Comment(number=1, body="Because."))
    world.say("ledger-1", "ada", "/why")
    world.say("ledger-1", "bob", "/why")
    tracker.open(draft(body="It still fails."))
    tracker.close(issue)
    first, second = tracker.find(WHERE, "ledger-1"), world.start().find(WHERE, "ledger-1")
    assert first is not None
    assert first == second
    persons = [one for one in first.comments if not one.number]
    assert [(one.author or one.signed, one.body) for one in persons] == [
        ("ada", "/why"),
        ("ada", "/why"),
        ("bob", "/why"),
    ]
    assert len({one.uid for one in persons}) == 3
    assert all(one.uid for one in persons)


@WITHOUT_GIT
@pytest.mark.parametrize("text", PERSONS)
def test_whatever_a_person_writes_is_read_as_theirs_and_takes_nothing_from_the_issue(world: World, text: str) -> None:
    tracker = world.start()
    issue = tracker.open(draft())
    tracker.comment(issue, Comment(number=1, body="one"))
    world.say("ledger-1", "ada", text)
    tracker.comment(issue, Comment(number=2, body="two"))
    found = tracker.find(WHERE, "ledger-1")
    assert found is not None
    assert [one.body for one in found.comments if one.number] == ["one", "two"]
    assert any(text.split("\n")[0].strip() in one.body for one in found.comments if not one.number) or "## " in text
    assert found.open


@WITHOUT_GIT
@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_in_a_body_and_a_title_stays_there(world: World, text: str) -> None:
    tracker = world.start()
    issue = tracker.open(draft(title=text[:200], body=f"It says:\n\n{text}\n\nthat."))
    tracker.comment(issue, Comment(number=1, body=text))
    found = world.start().find(WHERE, "ledger-1")
    assert found is not None
    assert [one.number for one in found.comments] == [1]
    assert (found.open, world.count("ledger-1")) == (True, 1)
    assert world.start().open(draft(title=text[:200], body=f"It says:\n\n{text}\n\nthat.")).comments == found.comments


WRONG_KEYS = ("", "../x", "a/b", "A", "a.b", "a" * 81, "a\n", "ü", ".git", "a b", "a\x00")
WRONG_PLACES = (
    "", "github", "github:", ":acme", "github:../..", "github:acme/../../etc", "github:/etc", "github:acme//x", "a b:c",
    "github:acme/.git", "github:acme/.GIT/hooks", "github:-x/y", "github:acme\\x", "github:acme/\x00", "github:ü",
    "github:a/b/c/d/e/f/g/h/i/j", "GitHub:acme/x", "github:acme/x\n", "github:" + "a" * 200, "../github:acme/x",
    "github:acme/x..y", "git\u202ehub:acme", "github:acme/\ud800",
)  # fmt: skip


@pytest.mark.parametrize("key", WRONG_KEYS)
def test_a_key_that_could_lead_elsewhere_is_refused(world: World, key: str) -> None:
    tracker = world.start()
    for call in (lambda: tracker.find(WHERE, key), lambda: tracker.open(draft(key=key))):
        with pytest.raises(TrackerError) as error:
            call()
        assert error.value.definite


@pytest.mark.parametrize("where", WRONG_PLACES)
def test_an_address_that_could_lead_elsewhere_is_refused(world: World, where: str) -> None:
    tracker = world.start()
    for call in (lambda: tracker.find(where, "ledger-1"), lambda: tracker.open(replace(draft(), where=where))):
        with pytest.raises(TrackerError) as error:
            call()
        assert error.value.definite


def test_issues_of_one_key_in_two_places_are_two(world: World) -> None:
    tracker = world.start()
    tracker.open(draft())
    tracker.open(replace(draft(title="other"), where="gitlab:acme/group/payments"))
    here, there = tracker.find(WHERE, "ledger-1"), tracker.find("gitlab:acme/group/payments", "ledger-1")
    assert here is not None
    assert there is not None
    assert (here.title, there.title) == (draft().title, "other")
