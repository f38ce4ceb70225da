"""Now you: the mesh runs on, and a person breaks it, key by key, for as long as they like."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from meshscope.demo.agency import NAME, PERSON
from meshscope.demo.keys import HUNG_UP, INTERRUPT, Keyboard, keyboard
from meshscope.demo.loop import Loop
from meshscope.demo.page import BAD, GOOD, Page
from meshscope.demo.scenes import KILL
from meshscope.demo.teller import Killed, Teller

_END = ("q", "Q", INTERRUPT, "\x04")
_ESCAPE = "\x1b"
# A person does not see more often than that; with nothing under way less often will do.
_TICK, _IDLE_TICK = 0.1, 0.4
_KEYS = "keys: 1 fail one, a fail all, r release a fix, f forge an alert, k kill -9 the agent, q end"

_DEAD = "the agent is dead already, and comes back"


@dataclass(frozen=True)
class _Awaited:
    """Something that is going to happen: what to say once it does (None: not yet), `always` whatever comes between."""

    told: Callable[[], tuple[str, str, str] | None]
    always: bool = False


class Yours:
    """What a person can do to the mesh, and what is told of it."""

    def __init__(self, teller: Teller, beside: Callable[[], object]) -> None:
        """``beside`` is done now and then while somebody thinks about the next key."""
        self._teller = teller
        self._loop = teller.loop
        self._page = teller.page
        self._beside = beside
        self._awaited: list[_Awaited] = []
        self._doings = {"1": self._one, "a": self._all, "r": self._release, "f": self._forge, "k": self._kill}

    def run(self) -> None:
        """Until the person has seen enough. Raises `MeshscopeError` when a program ends that is needed."""
        # Whoever reads the invitation can press a key.
        with keyboard() as keys:
            self._invite()
            while self._turn(keys):
                pass

    def _turn(self, keys: Keyboard) -> bool:
        pressed = keys.pressed(_TICK if self._awaited else _IDLE_TICK)
        if pressed == HUNG_UP:
            return False
        # An arrow and its like come as several letters, which nobody meant.
        for key in "" if pressed is None or pressed.startswith(_ESCAPE) else pressed:
            if key in _END:
                return False
            if key in self._doings:
                self._doings[key]()
        self._teller.look()
        if self._loop.relieve() and not self._loop.failing:
            self._teller.alarms.quiet()
        self._await()
        self._beside()
        return True

    def _await(self) -> None:
        for one in list(self._awaited):
            said = one.told()
            if said is not None:
                self._awaited.remove(one)
                # What led to it is told first.
                self._teller.look()
                who, text, colour = said
                self._teller.happened(who, text, colour)
                if not self._awaited:
                    self._page.lines([_KEYS])

    def _invite(self) -> None:
        page, name = self._page, self._loop.player.name
        page.gap()
        page.said("NOW YOU", ["the mesh runs on until you press q. What you break is told here, with seconds"], GOOD)
        page.lines(
            [
                f"1  one instance of {name} fails",
                f"a  all of them fail: the next revision, {self._loop.next_version}, is a bad one",
                "r  a fixed revision is released, and ends whatever fails",
                "f  an alert is forged",
                "k  kill -9 of the agent, also while it is at work",
                "q  the end (or Ctrl-C)",
            ]
        )
        looks(self._loop, page)

    # Keys

    def _one(self) -> None:
        well = [pod for pod in self._loop.pods if pod not in self._loop.directions.pods]
        if not well or self._loop.directions.revisions:
            self._page.lines(["all of them fail already: r releases a fix"])
            return
        pod = well[0]
        self._teller.begin("ONE FAILS", f"{pod}, one of {len(self._loop.pods)}")
        self._loop.fail(pod)
        self._teller.happened("fault", f"{pod} fails every request", BAD)
        self._teller.alarms.one_fails(pod)
        siblings = [one for one in self._loop.pods if one != pod and one in well]
        self._expect(lambda: self._judged(pod, siblings))

    def _all(self) -> None:
        old, bad = self._loop.version, self._loop.next_version
        self._teller.begin("ALL FAIL", f"revision {bad} of {self._loop.player.name} is bad")
        self._loop.release(bad, share=1.0)
        self._forget()
        self._teller.happened("release", f"{bad} takes the place of {old}; it fails every request", BAD)
        self._expect(lambda: self._spread(bad))

    def _release(self) -> None:
        old, fixed = self._loop.version, self._loop.next_version
        self._teller.begin("A FIX", f"revision {fixed} of {self._loop.player.name}")
        self._loop.release(fixed)
        self._forget()
        self._teller.happened("release", f"{fixed} takes the place of {old}", GOOD)
        self._expect(lambda: self._rolled(fixed))

    def _forge(self) -> None:
        if not self._loop.agency.answers():
            self._page.lines([_DEAD])
            return
        if not self._awaited:
            self._teller.begin("FORGED", "an alert from somebody who is not who they say", real=True)
        self._teller.forge()
        if not self._awaited:
            self._page.lines([_KEYS])

    def _kill(self) -> None:
        pid = self._loop.processes.pids()[NAME]
        if not self._loop.agency.answers():
            self._page.lines([_DEAD])
            return
        if not self._awaited:
            self._teller.begin("KILL -9", "the agent, and nobody is told before", real=True)
        killed = Killed(self._teller, pid)
        os.kill(pid, signal.SIGKILL)
        self._teller.happened("you", f"kill -9 {pid}: the agent is dead", BAD)
        self._awaited.append(_Awaited(lambda: self._back(killed), always=True))

    # What comes of it

    def _expect(self, told: Callable[[], tuple[str, str, str] | None]) -> None:
        self._awaited.append(_Awaited(told))

    def _forget(self) -> None:
        """What was awaited of instances that are being replaced does not come any more."""
        self._awaited = [one for one in self._awaited if one.always]

    def _judged(self, pod: str, siblings: Sequence[str]) -> tuple[str, str, str] | None:
        act = self._teller.act_on(pod, KILL)
        if act is not None and act.replaced_at is not None:
            self._expect(self._mitigated)
            well = pod not in self._loop.pods and set(siblings) <= set(self._loop.pods)
            told = f"{pod} is dead, and {act.replacement} in its place; its siblings live"
            return ("demo", told, GOOD) if well else ("demo", "somebody else died", BAD)
        refused = next((one for one in self._teller.declined() if one.target in (pod, "")), None)
        if refused is not None:
            return "demo", f"{pod} lives ({refused.code}) and goes on failing: r releases a fix", BAD
        return None

    def _mitigated(self) -> tuple[str, str, str] | None:
        found = self._loop.incident()
        return ("issue", self._teller.title(found), GOOD) if self._teller.mitigated() and found is not None else None

    def _spread(self, bad: str) -> tuple[str, str, str] | None:
        if not self._loop.rolled(bad):
            return None
        self._teller.alarms.all_fail()
        self._expect(self._left_alone)
        return "demo", f"every instance runs {bad}, and fails", BAD

    def _left_alone(self) -> tuple[str, str, str] | None:
        refused = next((one for one in self._teller.declined()), None)
        told = f"nobody is killed ({refused.code}); r releases a fix" if refused is not None else ""
        return ("demo", told, GOOD) if told else None

    def _rolled(self, fixed: str) -> tuple[str, str, str] | None:
        if not self._loop.rolled(fixed):
            return None
        self._teller.alarms.quiet()
        self._expect(self._ended)
        return "demo", f"only {fixed} runs", GOOD

    def _ended(self) -> tuple[str, str, str] | None:
        found = self._loop.incident()
        return ("issue", self._teller.title(found), GOOD) if found is not None and self._teller.closed() else None

    def _back(self, killed: Killed) -> tuple[str, str, str] | None:
        if not killed.over():
            return None
        told, well = killed.told()
        return "agent", told, GOOD if well else BAD


def looks(loop: Loop, page: Page) -> None:
    """Where a person may look while it runs."""
    agency = loop.agency
    console = f"{agency.url}, sign in as {PERSON} with {agency.password}"
    places = {
        "console": console,
        "issues": f"{agency.issues} (a git repository)",
        **loop.addresses,
        "ledger": f"meshscope verify ledger {agency.folder / 'state'}",
    }
    page.said("LOOK", list(_columns(places)))


def _columns(places: dict[str, str]) -> Iterator[str]:
    width = max(map(len, places))
    yield from (f"{name:<{width}}  {where}" for name, where in places.items())
