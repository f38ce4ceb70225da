"""What becomes of an incident while its issue is on its way is told, too."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from meshscope.adapters.memory.tracker import MemoryTracker
from meshscope.feedback.answers import Close
from meshscope.feedback.ports import Draft, Issue
from meshscope.feedback.state import Phase
from tests.feedback.world import alert, world


class Slow(MemoryTracker):
    """Opens an issue and does not come back before it is let go."""

    def __init__(self) -> None:
        super().__init__(secret=b"secret")
        self.asked, self.go = threading.Event(), threading.Event()

    def open(self, draft: Draft) -> Issue:
        opened = super().open(draft)
        self.asked.set()
        assert self.go.wait(10)
        return opened


def test_an_incident_that_is_folded_into_another_while_its_issue_is_opened_leaves_no_open_issue(tmp_path: Path) -> None:
    tracker = Slow()
    with world(tmp_path, tracker=tracker) as it:
        it.send(alert("ErrorBudgetBurn", "frontend"))
        assert tracker.asked.wait(10)
        frontend = it.incident("frontend")
        it.send(alert("ErrorBudgetBurn", "checkout"))
        it.until(lambda: frontend.folded_into)
        tracker.go.set()
        it.until(lambda: frontend.issue is not None and frontend.issue.ref and not frontend.issue.open)
        issue = tracker.find("markdown:payments", frontend.id)
        assert issue is not None
        assert not issue.open


def test_a_flood_of_questions_gets_a_few_answers(tmp_path: Path) -> None:
    forge = MemoryTracker(secret=b"secret")
    with world(tmp_path, tracker=forge) as it:
        it.send(alert("ErrorBudgetBurn", "ledger"))
        it.settled()
        incident = it.incident("ledger")
        it.until(lambda: incident.issue is not None and incident.issue.open)
        for _ in range(300):
            forge.forge.say("markdown:payments", incident.id, "eve", "/why")
        forge.forge.say("markdown:payments", incident.id, "eve", "/noise a test")
        it.until(lambda: incident.noise)
        it.until(lambda: not incident.due)
        found = forge.find("markdown:payments", incident.id)
        assert found is not None
        assert 1 <= sum(1 for one in found.comments if one.number) <= 12


def test_closing_what_is_closed_for_good_opens_nothing(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        it.send(alert("ErrorBudgetBurn", "ledger"))
        it.settled()
        incident = it.incident("ledger")
        for answer in (Close(), Close()):
            it.agent.answerer.heard(incident, answer, "ada")
            assert incident.phase is Phase.RESOLVED
        incident.phase = Phase.CLOSED
        it.agent.answerer.heard(incident, Close(), "eve")
        assert incident.phase is Phase.CLOSED


class Unsure(MemoryTracker):
    """A tracker that does not know who writes: everybody signs as they like."""

    def find(self, where: str, key: str) -> Issue | None:
        found = super().find(where, key)
        if found is None:
            return None
        signed = (replace(one, author="", signed=one.author) if not one.number else one for one in found.comments)
        return replace(found, comments=tuple(signed))


@pytest.mark.parametrize(
    ("author", "tracker", "who"),
    [("ada", MemoryTracker, "ada"), ("ada", Unsure, "somebody who signs as ada"), ("", Unsure, "somebody")],
)
def test_who_wrote_a_comment_is_somebody_where_the_tracker_does_not_know(
    tmp_path: Path, author: str, tracker: type[MemoryTracker], who: str
) -> None:
    forge = tracker(secret=b"secret")
    with world(tmp_path, tracker=forge) as it:
        it.send(alert("ErrorBudgetBurn", "ledger"))
        it.settled()
        it.until(lambda: it.incident("ledger").issue is not None and it.incident("ledger").issue.open)
        forge.forge.say("markdown:payments", it.incident("ledger").id, author, "/noise a test")
        it.until(lambda: it.incident("ledger").noise)
        assert [one.who for one in it.incident("ledger").story if "noise" in one.what] == [who]
