"""Who tells the loop's story while it happens: a clock that each scene sets, and everybody who is listened to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from meshscope.demo.agency import NAME
from meshscope.demo.loop import Loop
from meshscope.demo.page import BAD, Page
from meshscope.feedback.state import Act, Decision, Incident, Phase
from meshscope.findings import Finding, MeshscopeError

_TICK = 0.1


class Alarms(Protocol):
    """Who raises the alerts: the mesh's own Prometheus, or a recording."""

    def begin(self) -> None:
        """A scene begins."""

    def one_fails(self, pod: str) -> None:
        """One instance began to fail."""

    def all_fail(self) -> None:
        """All of them did."""

    def quiet(self) -> None:
        """Nothing fails any more."""

    def look(self) -> None:
        """Say what happened beside; raises `MeshscopeError` where a program ended."""


class Teller:
    """Tells what happens, and waits for it. ``steps`` has seconds by the number of a scene and a word for the step."""

    def __init__(self, loop: Loop, alarms: Alarms, page: Page, patience: float) -> None:
        """``patience`` is how many seconds each step may take."""
        self.loop = loop
        self.alarms = alarms
        self.page = page
        self.steps: dict[tuple[int, str], float] = {}
        self.begun = time.time()
        self._number = 0
        self._patience = patience
        self._real = False
        self._said: set[tuple[str, str]] = set()

    # Scenes

    def scene(self, title: str, *, real: bool = False) -> None:
        """The next scene begins."""
        self._number += 1
        self.begin(f"SCENE {self._number}", title, real=real)

    def begin(self, head: str, title: str, *, real: bool = False) -> None:
        """The clock begins anew; what is ``real`` has no windows that are scaled."""
        self.look()
        self._real = real
        self.page.gap()
        self.page.said(head, [title])
        self._said.clear()
        self.begun = time.time()
        self.alarms.begin()

    def happened(self, who: str, text: str, colour: str | None = None) -> None:
        """Tell of something that happened just now."""
        self.page.happened(self.since(), self.loop.scale, who, text, colour, real=self._real)

    def since(self) -> float:
        """Seconds since the scene began."""
        return time.time() - self.begun

    def until(self, what: str, done: Callable[[], float | None], step: str) -> None:
        """Wait for ``step`` of this scene: ``done`` says when it was, in seconds since 1970.

        Raises `MeshscopeError` where it doesn't happen.
        """
        end = time.monotonic() + self._patience
        while True:
            self.look()
            at = done()
            if at is not None:
                # What led to it is told before what comes of it.
                self.look()
                self.steps.setdefault((self._number, step), max(0.0, at - self.begun))
                return
            if time.monotonic() > end:
                raise MeshscopeError(_never(what))
            time.sleep(_TICK)

    def look(self) -> None:
        """Tell what happened since somebody last looked."""
        self.alarms.look()
        self.loop.processes.look()
        for revived in self.loop.processes.revived():
            told = f"{revived.name} {revived.how}, and is started again as process {revived.pid}"
            self._line(revived.at, "supervisor", told)
        lines: dict[tuple[str, str], list[float]] = {}
        for incident, line in self.loop.agency.happened():
            lines.setdefault((line.who, self._told(incident, line.what)), []).append(line.at)
        for (who, text), times in lines.items():
            if (who, text) not in self._said:
                self._said.add((who, text))
                self._line(min(times), who, text + (f" ({len(times)} times)" if len(times) > 1 else ""))

    def _line(self, at: float, who: str, text: str) -> None:
        self.page.happened(at - self.begun, self.loop.scale, who, text, real=self._real)

    def _told(self, incident: Incident, what: str) -> str:
        own = incident.service.name == self.loop.player.identity.name
        whose = "" if own else f"{incident.service.namespace}/{incident.service.name}: "
        words = what.replace(f"{self.loop.agency.issues.as_uri()}/", "")
        return whose + words.replace("an issue is open: ", f"an issue is open for {incident.owner}: ")

    # What the agent knows

    def acts(self) -> list[Act]:
        """Everything that it did."""
        return [act for incident in self.loop.agency.incidents() for act in incident.acts]

    def act_on(self, pod: str, action: str) -> Act | None:
        """What it did to ``pod``; None where it has not, yet."""
        done = (one for one in self.acts() if (one.target, one.action, one.outcome) == (pod, action, "done"))
        return next(done, None)

    def told_of(self, pod: str) -> float | None:
        """When it was told that ``pod`` fails, in this scene; None where it was not, yet."""
        found = self.loop.incident()
        members = found.members if found is not None else []
        return next((one.since for one in members if one.pod == pod and one.since >= self.begun), None)

    def declined(self) -> list[Decision]:
        """What it declined to do to the service since the scene began."""
        found = self.loop.incident()
        decisions = found.decisions if found is not None else []
        return [one for one in decisions if one.verdict == "declined" and one.at >= self.begun]

    def mitigated(self) -> bool:
        """Whether all is quiet, and the issue says that the cause is still there."""
        found = self.loop.incident()
        return found is not None and found.phase is Phase.MITIGATED and "mitigated, cause open" in self.title(found)

    def closed(self) -> bool:
        """Whether the cause is mended and the issue closed."""
        found = self.loop.incident()
        over = found is not None and found.phase in (Phase.RESOLVED, Phase.CLOSED)
        return over and found is not None and found.issue is not None and not found.issue.open

    def title(self, incident: Incident) -> str:
        """The first line of the incident's issue; empty where it has none."""
        lines = self.loop.agency.issue_of(incident).partition("\n---\n")[2].strip().splitlines()
        return plain(lines[0].removeprefix("# ")) if lines else ""

    # What a person may do to it

    def forge(self) -> None:
        """Tell the agent something under a name that is not one's own."""
        pod, fingerprint = self.loop.pods[0], "f0" * 8
        alert = {"status": "firing", "labels": {"alertname": "LoneFailingInstance", "pod": pod},
                 "annotations": {}, "startsAt": "2026-01-01T00:00:00Z", "fingerprint": fingerprint}  # fmt: skip
        body = {"version": "4", "status": "firing", "receiver": "agent", "alerts": [alert]}
        tokens = {"a made-up token": "made-up", "the token of Falco": self.loop.agency.tokens["falco"]}
        answers = {whose: self.loop.agency.send("alertmanager", body, token=token) for whose, token in tokens.items()}
        told = ", ".join(f"with {whose} {status}" for whose, status in answers.items())
        stored = self.loop.agency.knows(fingerprint)
        well = not stored and set(answers.values()) == {401}
        end = "and it is stored" if stored else "and nothing is stored"
        self.happened("you", f"an alert that asks to kill {pod} is answered {told}, {end}", None if well else BAD)


def now_if(done: bool) -> float | None:
    """The time where something is so, in seconds since 1970; None where it is not."""
    return time.time() if done else None


def plain(text: str) -> str:
    """A line of Markdown as it is read."""
    return text.replace("\\", "").replace("**", "").replace("`", "")


def _never(what: str) -> Finding:
    return Finding(
        code="demo/late",
        title=f"it takes too long until {what}",
        why="every window is short here, and on a machine that is busy they may never fill",
        help="run `meshscope demo` again, or with --seconds 120, which lets time run half as fast",
    )


class Killed:
    """The agent after a ``kill -9``, until it is back: what it knew before, and what it knows then."""

    def __init__(self, teller: Teller, pid: int) -> None:
        """``pid`` is the process that was killed."""
        self._teller = teller
        self._pid = pid
        self._incidents = {one.id for one in teller.loop.agency.incidents()}

    def over(self) -> bool:
        """Whether another process answers in its place."""
        loop = self._teller.loop
        return loop.processes.pids()[NAME] != self._pid and loop.agency.answers()

    def told(self) -> tuple[str, bool]:
        """What is left of what it knew, and whether that is all and nothing was done twice."""
        incidents = {one.id for one in self._teller.loop.agency.incidents()}
        acts = self._teller.acts()
        kept, once = len(self._incidents & incidents), len({act.uid for act in acts}) == len(acts)
        done = f"{len(acts)} acts on {len({act.uid for act in acts})} instances, none of them twice"
        return (
            f"the agent is back; {kept} of {len(self._incidents)} incidents are known; "
            f"{done if once else 'something was done twice'}"
        ), once and kept == len(self._incidents)
