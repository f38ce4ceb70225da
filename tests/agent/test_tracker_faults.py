"""The tracker loses replies, says no, wants to be left alone, and its lists lag: there is one issue all the same."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from meshscope.adapters.memory.tracker import MemoryTracker
from meshscope.adapters.trackers.markdown import MarkdownTracker
from meshscope.feedback.ports import Comment, Draft, Issue, TrackerError
from meshscope.feedback.state import Phase
from meshscope.findings import Finding
from tests.feedback.world import FAST, Clock, World, alert, catalog, service, world

NAMES = ("frontend", "checkout", "ledger", "payment")
FOUR = replace(catalog([service(name) for name in NAMES]), calls=())


def failed(title: str, *, definite: bool = False, after: float = 0.0) -> TrackerError:
    error = TrackerError(Finding(code="tracker/failed", title=title))
    error.definite, error.after = definite, after
    return error


@dataclass
class Forge:
    """The real tracker of Markdown as a forge would have it: far away, and its lists lag.

    ``faults`` is told ``open:before``, ``open:after`` and so on, and raises what is to go wrong there: before, nothing
    has happened; after, only the reply is lost. Who opens an issue that the lists don't show yet gets a double.
    """

    inner: MarkdownTracker
    faults: Callable[[str], None] = lambda _: None
    lag: float = 0.0
    clock: Callable[[], float] = time.monotonic
    calls: list[tuple[float, str]] = field(default_factory=list)
    _since: dict[str, float] = field(default_factory=dict)

    def _shown(self, key: str) -> bool:
        return key in self._since and self.clock() - self._since[key] >= self.lag

    def _called(self, name: str) -> None:
        self.calls.append((self.clock(), name))
        self.faults(f"{name}:before")

    def find(self, where: str, key: str) -> Issue | None:
        self._called("find")
        return self.inner.find(where, key) if self._shown(key) else None

    def open(self, draft: Draft) -> Issue:
        self._called("open")
        if draft.key in self._since and not self._shown(draft.key):
            self.inner.open(replace(draft, key=f"{draft.key}-double"))
        self._since.setdefault(draft.key, self.clock())
        found = self.inner.open(draft)
        self.faults("open:after")
        return found

    def comment(self, issue: Issue, comment: Comment) -> Issue:
        self._called("comment")
        found = self.inner.comment(issue, comment)
        self.faults("comment:after")
        return found

    def close(self, issue: Issue) -> Issue:
        self._called("close")
        found = self.inner.close(issue)
        self.faults("close:after")
        return found

    def count(self, name: str) -> int:
        return sum(1 for _, call in self.calls if call == name)


def forge(folder: Path, **more: object) -> Forge:
    return Forge(MarkdownTracker(folder / "issues", secret=b"secret", git=False), **more)  # type: ignore[arg-type]


def files(folder: Path) -> list[Path]:
    return sorted((folder / "issues").rglob("*.md"))


def lived(it: World, *names: str) -> None:
    """A trouble of each service, from its first alert to the closed issue."""
    it.send(*(alert("ErrorBudgetBurn", name) for name in names))
    it.settled()
    it.until(lambda: len(it.incidents()) == len(names) and all(one.issue and one.issue.ref for one in it.incidents()))
    it.send(*(alert("ErrorBudgetBurn", name, status="resolved") for name in names))
    it.until(lambda: all(one.phase is Phase.RESOLVED and not one.issue.open for one in it.incidents()), 30)


@pytest.mark.fault("F03")
def test_a_reply_that_is_lost_after_the_call_took_effect_makes_no_second_issue(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    left = Counter({"open:after": 2, "comment:after": 1, "close:after": 1})
    lock = threading.Lock()

    def faults(where: str) -> None:
        with lock:
            if left[where] > 0:
                left[where] -= 1
                raise failed("the connection broke off")

    tracker = forge(tmp_path, faults=faults)
    with world(tmp_path, tracker=tracker, known=FOUR) as it:
        lived(it, "payment")
        (incident,) = it.incidents()
        (path,) = files(tmp_path)
        issue = tracker.inner.find("markdown:payments", incident.id)
    assert path.stem == incident.id
    assert not +left, f"these were to be lost, and were not: {+left}"
    numbers = [one.number for one in issue.comments]
    assert len(set(numbers)) == len(numbers)
    figure(f"4 replies lost, {tracker.count('open')} opens, 1 issue, {len(numbers)} comment, none of them twice")


@pytest.mark.fault("F04")
def test_a_tracker_that_fails_or_wants_to_be_left_alone_is_asked_later(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    said = [
        failed("500"), failed("502"), failed("503, Retry-After", after=0.8),
        failed("429, Retry-After", definite=True, after=1.2), failed("403, Retry-After", definite=True, after=0.6),
    ]  # fmt: skip
    quiet: list[tuple[float, float]] = []
    lock = threading.Lock()

    def faults(where: str) -> None:
        with lock:
            if where == "open:before" and said:
                error = said.pop(0)
                if error.after:
                    quiet.append((time.monotonic(), time.monotonic() + error.after))
                raise error

    tracker = forge(tmp_path, faults=faults)
    with world(tmp_path, tracker=tracker, known=FOUR, settings=replace(FAST, poll_seconds=60.0)) as it:
        lived(it, *NAMES)
    assert not said
    assert len(quiet) == 3
    early = [name for at, name in tracker.calls for begin, end in quiet if begin < at < end]
    assert early == [], "it was to be left alone"
    assert len(files(tmp_path)) == len(NAMES)
    opens = [at for at, name in tracker.calls if name == "open"]
    most = max(sum(1 for other in opens if at <= other < at + 1.0) for at in opens)
    figure(
        f"500, 502, 503, 429 and 403: 4 incidents, 4 issues, no call within any Retry-After, "
        f"at the most {most} opens within a second"
    )


@pytest.mark.fault("F05")
@pytest.mark.parametrize("lost", [False, True], ids=["the reply comes", "the reply is lost"])
@pytest.mark.parametrize("lag", [0.0, 3.0, 30.0])
def test_nothing_is_opened_that_a_list_may_only_not_show_yet(
    tmp_path: Path, figure: Callable[[str], None], lag: float, lost: bool
) -> None:
    clock, missing = Clock(), [lost]

    def faults(where: str) -> None:
        if where == "open:after" and missing[0]:
            missing[0] = False
            raise failed("the connection broke off")

    tracker = forge(tmp_path, faults=faults, lag=lag, clock=clock.monotonic)
    with world(tmp_path, tracker=tracker, known=FOUR, clock=clock) as it:
        it.send(alert("ErrorBudgetBurn", "payment"))
        it.until(lambda: tracker.count("open"))
        began = tracker.calls[0][0]
        # What changes meanwhile is to be told, and people's answers are looked for.
        it.send(alert("LoneFailingInstance", "payment", pod="payment-0"))
        for _ in range(20):
            clock.ahead += (lag + 8) / 20
            time.sleep(0.05)
        incident = it.incident("payment")
        it.until(lambda: incident.issue.ref and "LoneFailingInstance" in files(tmp_path)[0].read_text())
        again = [at - began for at, name in tracker.calls if name == "open"][1:]
        it.until(lambda: tracker.count("find"))
        assert [path.stem for path in files(tmp_path)] == [incident.id]
    assert again
    assert min(again) >= lag
    figure(f"lists lag {lag:g} s, {'its' if lost else 'no'} reply lost: 1 issue, opened again after {min(again):.1f} s")


@pytest.mark.fault("F05")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_after_a_crash_within_an_open_it_is_waited_for_as_long(tmp_path: Path, figure: Callable[[str], None]) -> None:
    clock, lag = Clock(), 30.0
    tracker = forge(tmp_path, lag=lag, clock=clock.monotonic)
    cut = threading.Event()

    def step(name: str) -> None:
        # The process ends after the call, and before anything is known of it.
        if name == "issue:after" and not cut.is_set():
            cut.set()
            raise SystemExit

    with world(tmp_path, tracker=tracker, known=FOUR, clock=clock, step=step) as it:
        it.send(alert("ErrorBudgetBurn", "payment"))
        assert cut.wait(10)
    with world(tmp_path, tracker=tracker, known=FOUR, clock=clock) as it:
        for _ in range(20):
            clock.ahead += (lag + FAST.call_seconds) / 18
            time.sleep(0.05)
        it.until(lambda: it.incident("payment").issue.ref)
        begun, after, *_ = [at for at, name in tracker.calls if name == "open"]
        assert len(files(tmp_path)) == 1
    assert after - begun >= lag
    figure(f"killed within an open, lists lag {lag:g} s: 1 issue, opened again after {after - begun:.1f} s")


class Boasting:
    """A tracker whose lists lag, and which says that they don't."""

    lag = 0.0

    def __init__(self, inner: MemoryTracker) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


@pytest.mark.fault("F05")
def test_a_double_of_lists_that_lag_longer_than_they_are_said_to_is_closed(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    clock, missing = Clock(), [True]

    def faults(where: str) -> None:
        if where == "open:after" and missing[0]:
            missing[0] = False
            raise failed("the connection broke off")

    inner = MemoryTracker(secret=b"secret", faults=faults, lag=30.0, clock=clock.monotonic)
    with world(tmp_path, tracker=Boasting(inner), known=FOUR, clock=clock) as it:  # type: ignore[arg-type]
        it.send(alert("ErrorBudgetBurn", "payment"))
        it.settled()
        incident = it.incident("payment")
        it.until(lambda: incident.issue is not None and incident.issue.ref)
        doubles = len(inner.forge.bearing(incident.id))
        assert doubles > 1
        clock.ahead += 31.0
        it.until(lambda: sum(one.open for one in inner.forge.bearing(incident.id)) == 1)
    figure(f"lists lag beyond their bound: {doubles} issues, all but the oldest closed within an interval")
