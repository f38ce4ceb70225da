"""What becomes of an incident while its issue is on its way is told, too."""

import threading
from pathlib import Path

from meshscope.adapters.memory.tracker import MemoryTracker
from meshscope.feedback.ports import Draft, Issue
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
