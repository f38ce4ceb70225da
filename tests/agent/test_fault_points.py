"""kill -9 before and after everything that the agent writes or does: the next one comes to the same end."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from meshscope.feedback.state import Incident, Phase
from tests.agent.child import WRITE, Fault, Look
from tests.agent.stage import Actor, Sender, Troupe, filed, lone, orders, shop, sound
from tests.feedback.world import alert
from tests.waiting import until

STAGES = 3
NAMES = ("ledger", "checkout", "payment")
SHOP = shop(*NAMES, calls=(("checkout", "payment"),))


@dataclass(frozen=True)
class End:
    """What a story came to; equal for two that came to the same."""

    incidents: Sequence[object]
    alerts: Sequence[object]
    issues: Sequence[object]


@dataclass(frozen=True)
class Played:
    """A story as it went."""

    end: End
    steps: Sequence[str]
    deaths: int


@dataclass
class Stage:
    """Where one story is played at a time; the processes live through many of them."""

    folder: Path
    troupe: Troupe
    number: int = 0

    def play(self, story: str, *faults: Fault) -> Played:
        """The whole story; the first start of the agent has the first fault, and so on."""
        self.number += 1
        folder = self.folder / str(self.number)
        left = list(faults)
        sender = Sender(lambda: Actor(orders(folder, self.troupe, SHOP, fault=left.pop(0) if left else None)))
        try:
            return self._played(story, sender, folder)
        finally:
            sender.actor.end()
            sound(folder)

    def _played(self, story: str, sender: Sender, folder: Path) -> Played:
        before, running = self.troupe.started(), self.troupe.running("ledger")
        bad = min(running)
        look = STORIES[story](sender, bad)
        until(lambda: self.troupe.full("ledger"), "three run again")
        killed = {bad} if story == "kill" else set()
        assert sum((self.troupe.started() - before).values()) == len(killed), "once, and nothing in its place"
        assert set(running) - set(self.troupe.running("ledger")) == killed
        assert not look.bare, f"a call that changes the world was not announced: {look.bare}"
        assert not look.failures, look.failures
        end = End(incidents=incidents(look), alerts=alerts(look), issues=issues(look, folder))
        sender.send(alert("ErrorBudgetBurn", "ledger", fingerprint="new"))
        after = sender.until(lambda look: all(one.terminal for one in look.alerts), "it takes alerts in, and decides")
        assert [one.received.fingerprint for one in after.alerts].count("new") == 1
        return Played(end=end, steps=look.steps, deaths=sender.deaths)


def killing(sender: Sender, bad: str) -> Look:
    """One instance is killed, and it helps."""
    sender.send(lone("ledger", bad))
    sender.until(lambda look: _issue(look, "ledger") and _acts(look)[0].replaced_at, "the kill and the issue")
    sender.send(lone("ledger", bad, status="resolved"))
    return sender.until(
        lambda look: (
            _of(look, "ledger").phase is Phase.MITIGATED
            and not _of(look, "ledger").due
            and all(one.terminal for one in look.alerts)
        ),
        "it helped",
    )


def folding(sender: Sender, _: str) -> Look:
    """A service suffers from another one, which recovers by itself."""
    sender.send(alert("ErrorBudgetBurn", "checkout"))
    sender.until(lambda look: _issue(look, "checkout"), "an issue of the caller's")
    sender.send(alert("ErrorBudgetBurn", "payment"))
    sender.until(lambda look: _issue(look, "payment") and not _of(look, "checkout").issue.open, "it is part of another")
    sender.send(*(alert("ErrorBudgetBurn", name, status="resolved") for name in ("checkout", "payment")))
    return sender.until(
        lambda look: (
            _of(look, "payment").phase is Phase.RESOLVED
            and not _of(look, "payment").issue.open
            and all(one.terminal for one in look.alerts)
        ),
        "all is over",
    )


STORIES: dict[str, Callable[[Sender, str], Look]] = {"kill": killing, "fold": folding}


def _of(look: Look, name: str) -> Incident:
    return next(one for one in look.incidents if one.service.name == name)


def _issue(look: Look, name: str) -> bool:
    found = [one for one in look.incidents if one.service.name == name]
    return bool(found and found[0].issue and found[0].issue.ref and found[0].issue.open)


def _acts(look: Look) -> list:
    return [act for one in look.incidents for act in one.acts]


def incidents(look: Look) -> list[object]:
    return sorted(
        (
            one.service.name, str(one.phase), bool(one.folded_into), one.reopened,
            sorted((of.name, of.service.name, of.victim, of.until is not None) for of in one.members),
            [(act.action, act.outcome in ("done", "gone"), act.effect, bool(act.replacement)) for act in one.acts],
        )
        for one in look.incidents
    )  # fmt: skip


def alerts(look: Look) -> list[object]:
    return sorted((one.received.labels["service"], one.terminal, one.resolved_at is not None) for one in look.alerts)


def issues(look: Look, folder: Path) -> list[object]:
    services = {one.id: one.service.name for one in look.incidents}
    found = filed(folder)
    for one in found:
        assert len(set(one.comments)) == len(one.comments), f"a comment of {one.key} is there twice: {one.comments}"
    return sorted((services[one.key], one.open, one.comments) for one in found)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Stage]]:
    folders = [tmp_path_factory.mktemp("stage") for _ in range(STAGES)]
    troupes = [Troupe(folder / "groups", NAMES) for folder in folders]
    with troupes[0], troupes[1], troupes[2]:
        yield [Stage(folder, troupe) for folder, troupe in zip(folders, troupes, strict=True)]


@pytest.fixture(scope="module")
def whole(stages: list[Stage]) -> Mapping[str, Played]:
    """Each story without any fault."""
    return {story: stages[0].play(story) for story in STORIES}


def cut(stages: list[Stage], story: str, cases: Sequence[tuple[Fault, ...]]) -> list[Played | Exception]:
    """Play a story for each case, some at a time."""
    free = list(stages)
    lock = threading.Lock()

    def one(faults: tuple[Fault, ...]) -> Played | Exception:
        with lock:
            stage = free.pop()
        try:
            return stage.play(story, *faults)
        except Exception as error:
            return error
        finally:
            free.append(stage)

    with ThreadPoolExecutor(len(stages)) as pool:
        return list(pool.map(one, cases))


def wrong(cases: Sequence[tuple[Fault, ...]], played: Sequence[Played | Exception], whole: Played) -> list[str]:
    """Each case that came to another end, and where it differs."""
    found = []
    for faults, one in zip(cases, played, strict=True):
        if isinstance(one, Played):
            if one.end != whole.end:
                parts = [(vars(one.end)[part], wanted) for part, wanted in vars(whole.end).items()]
                found += [f"{faults}: {got}\n    instead of {wanted}" for got, wanted in parts if got != wanted]
        else:
            found.append(f"{faults}: {type(one).__name__}: {one}")
    return found


def judged(
    what: str, stages: list[Stage], story: str, cases: Sequence[tuple[Fault, ...]], whole: Played, *, some: float
) -> None:
    """Play every case; at least the share ``some`` of the faults has to be hit."""
    played = cut(stages, story, cases)
    bad = wrong(cases, played, whole)
    deaths = sum(one.deaths for one in played if isinstance(one, Played))
    print(f"\n{what} {len(cases)} ({story}): {deaths} kills, {len(bad)} came to another end")
    assert not bad, "\n".join(bad)
    assert deaths >= some * sum(map(len, cases))


@pytest.mark.fault("F02")
@pytest.mark.parametrize("story", STORIES)
def test_killed_at_every_step_it_comes_to_the_same_end(
    stages: list[Stage], whole: Mapping[str, Played], story: str, figure: Callable[[str], None]
) -> None:
    counts = Counter(whole[story].steps)
    cases = [((name, time),) for name in counts if name != WRITE for time in range(1, min(counts[name], 2) + 1)]
    print(f"\nsteps of {story}: {', '.join(counts)}")
    judged("kill9_fault_points", stages, story, cases, whole[story], some=1.0)
    issues = len(whole[story].end.issues)
    figure(f"{len(cases)} kills, one at each step of {story}: the same end as without, {issues} issues, one a trouble")


@pytest.mark.parametrize("story", STORIES)
def test_killed_as_soon_as_any_write_is_on_disk_it_comes_to_the_same_end(
    stages: list[Stage], whole: Mapping[str, Played], story: str
) -> None:
    writes = Counter(whole[story].steps)[WRITE]
    # How many there are depends on which thread is quicker; the last ones may not be reached.
    cases = [((WRITE, time),) for time in range(1, writes + 1)]
    judged("kill9_writes", stages, story, cases, whole[story], some=0.8)


AGAIN = ("kill:before", "kill:after")
RECOVERING = ("kill:before", "kill:after", "receipt:before", "receipt:after")


def test_killed_again_while_it_recovers_it_comes_to_the_same_end(
    stages: list[Stage], whole: Mapping[str, Played]
) -> None:
    cases = [((first, 1), (second, 1)) for first in AGAIN for second in RECOVERING]
    # What the first one had killed is not killed again, so that some steps are not passed again.
    judged("kill9_twice", stages, "kill", cases, whole["kill"], some=0.75)
