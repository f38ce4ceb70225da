"""A forge that fails and lags as forges do."""

import pytest

from meshscope.adapters.memory.tracker import MemoryForge, MemoryTracker
from meshscope.feedback.ports import Comment, TrackerError
from meshscope.feedback.tracking import refused
from tests.trackers.conftest import SECRET, WHERE, draft


class Faults:
    """Raises once at a place."""

    def __init__(self, at: str) -> None:
        self.at = at

    def __call__(self, place: str) -> None:
        if place == self.at:
            self.at = ""
            raise refused("tracker/lost", "no reply", why="a test", help="", definite=place.endswith(":before"))


@pytest.mark.parametrize(("at", "there"), [("open:before", False), ("open:after", True)])
def test_a_call_that_fails_may_have_taken_effect_and_is_safe_to_repeat(at: str, there: bool) -> None:
    forge = MemoryForge()
    tracker = MemoryTracker(forge, secret=SECRET, faults=Faults(at))
    with pytest.raises(TrackerError) as error:
        tracker.open(draft())
    assert error.value.definite is not there
    assert bool(forge.bearing("ledger-1")) is there
    tracker.open(draft())
    assert len(forge.bearing("ledger-1")) == 1


@pytest.mark.parametrize("at", ["comment:before", "comment:after", "close:before", "close:after"])
def test_a_comment_and_a_close_are_repeated_without_harm(at: str) -> None:
    forge = MemoryForge()
    tracker = MemoryTracker(forge, secret=SECRET, faults=Faults(at))
    issue = tracker.open(draft())
    for _ in range(2):
        try:
            tracker.comment(issue, Comment(number=1, body="one"))
            tracker.close(issue)
        except TrackerError:
            continue
    (kept,) = forge.bearing("ledger-1")
    assert ([one.number for one in kept.comments], kept.open) == ([1], False)


def test_who_opens_again_before_the_list_shows_it_gets_a_double_that_is_closed_later() -> None:
    now = [0.0]
    forge = MemoryForge()
    tracker = MemoryTracker(forge, secret=SECRET, lag=5.0, clock=lambda: now[0])
    first = tracker.open(draft())
    assert tracker.find(WHERE, "ledger-1") is None
    assert tracker.comment(first, Comment(number=1, body="one")).comments
    tracker.open(draft())
    assert len(forge.bearing("ledger-1")) == 2
    now[0] = 6.0
    found = tracker.find(WHERE, "ledger-1")
    assert found is not None
    assert found.ref == first.ref
    assert [kept.open for kept in forge.bearing("ledger-1")] == [True, False]


def test_who_waits_for_the_list_gets_no_double() -> None:
    now = [0.0]
    forge = MemoryForge()
    tracker = MemoryTracker(forge, secret=SECRET, lag=5.0, clock=lambda: now[0])
    tracker.open(draft())
    now[0] = 5.0
    tracker.open(draft())
    assert len(forge.bearing("ledger-1")) == 1


def test_an_issue_with_a_mark_that_somebody_made_up_is_not_ours() -> None:
    forge = MemoryForge()
    MemoryTracker(forge, secret=b"another").open(draft())
    assert MemoryTracker(forge, secret=SECRET).find(WHERE, "ledger-1") is None


def test_a_person_can_only_comment_on_what_is_there() -> None:
    with pytest.raises(LookupError):
        MemoryForge().say(WHERE, "ledger-1", "ada", "hello")
