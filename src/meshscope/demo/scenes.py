"""The loop in five scenes: from a fault to an act, or to why there is none, and to an issue that closes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from meshscope.demo.agency import NAME
from meshscope.demo.loop import Loop
from meshscope.demo.page import BAD, GOOD, Page
from meshscope.feedback.state import Decision, Incident, Phase
from meshscope.findings import Finding, MeshscopeError

_TICK = 0.1
_SHELL = "Terminal shell in container"
FIXED = "v2"


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


@dataclass
class Told:
    """Seconds from each scene's beginning to each of its steps."""

    steps: dict[tuple[int, str], float] = field(default_factory=dict)


class Scenes:
    """Plays them, and tells what happens."""

    def __init__(self, loop: Loop, alarms: Alarms, page: Page, patience: float) -> None:
        """``patience`` is how many seconds each step may take."""
        self.loop = loop
        self.alarms = alarms
        self.page = page
        self.told = Told()
        self._patience = patience
        self._number = 0
        self._begun = time.time()

    def run(self) -> None:
        """All five. Raises `MeshscopeError` when something doesn't happen."""
        self._one_fails()
        self._all_fail()
        self._shell()
        self._fixed()
        self._hostile()

    # The scenes

    def _one_fails(self) -> None:
        pod, *others = self.loop.pods
        self._scene(f"one of {len(others) + 1} instances of {self.loop.player.name} fails")
        self.loop.direct(replace(self.loop.directions, pods={pod: 1.0}))
        self._happened("fault", f"{pod} fails every request; its {len(others)} siblings are well", BAD)
        self.alarms.one_fails(pod)
        self._until("the agent kills it", lambda: self._acted(pod, "kill_instance"), "acted")
        self._until("another is ready in its place", lambda: self._replaced(pod), "replaced")
        gone = pod not in self.loop.pods and set(others) <= set(self.loop.pods)
        self._happened(
            "demo", f"{pod} is dead, its siblings live" if gone else "somebody else died", GOOD if gone else BAD
        )
        self.loop.direct(replace(self.loop.directions, pods={}))
        self.alarms.quiet()
        self._until("it is quiet, and the issue says that the cause is open", self._mitigated, "mitigated")

    def _all_fail(self) -> None:
        version = self.loop.player.version
        self._scene(f"all instances of {self.loop.player.name} fail: a bad revision")
        before = self._declined()
        self.loop.direct(replace(self.loop.directions, revisions={f"{self.loop.player.name}@{version}": 1.0}))
        self._happened("fault", f"every instance of {version} fails every request", BAD)
        self.alarms.all_fail()
        self._until("the agent declines to kill", lambda: self._declined() > before, "declined")

    def _shell(self) -> None:
        pod = self.loop.pods[-1]
        self._scene("Falco sees a shell in a container")
        status = self.loop.agency.send("falco", _falco(self.loop.player.identity.namespace, pod))
        self._happened("Falco", f"{_SHELL}: {pod} (answered {status})", BAD)
        self._until(
            "the instance is in quarantine", lambda: self._acted(pod, "quarantine", security=True), "quarantine"
        )
        self._until("the security owner has an issue", lambda: self._has_issue(security=True), "security issue")

    def _fixed(self) -> None:
        self._scene(f"the fixed revision {FIXED} is rolled out")
        self.loop.direct(replace(self.loop.directions, released={self.loop.player.name: FIXED}))
        self._happened(
            "fault", f"{FIXED} takes the place of {self.loop.player.version}, one instance after another", GOOD
        )
        self._until(f"only {FIXED} runs", self._rolled, "rolled")
        self.alarms.quiet()
        self._until("it has run quiet, and the issue closes with before and after", self._closed, "closed")

    def _hostile(self) -> None:
        self._scene("now you: forge an alert, kill the agent")
        forged = self.loop.agency.send("alertmanager", {"alerts": []}, token="made-up")  # noqa: S106 - it is to be refused
        self._happened(
            "you", f"a forged alert is answered {forged}, and nothing is stored", GOOD if forged == 401 else BAD
        )
        before = len(self.loop.agency.incidents())
        os.kill(self.loop.processes.pids()[NAME], signal.SIGKILL)
        self._happened("you", "kill -9 of the agent", BAD)
        self.loop.processes.forget(NAME)
        self.loop.agency.start(self.loop.processes, self.loop.tree)
        after = len(self.loop.agency.incidents())
        self._step("restarted")
        kept = f"the agent is back; {after} of {before} incidents are known"
        self._happened("agent", kept, GOOD if after == before else BAD)

    # What is looked for

    def _incident(self, *, security: bool = False) -> Incident | None:
        return self.loop.incident(security=security)

    def _acted(self, pod: str, action: str, *, security: bool = False) -> bool:
        found = self._incident(security=security)
        return found is not None and any(
            act.target == pod and act.action == action and act.outcome == "done" for act in found.acts
        )

    def _replaced(self, pod: str) -> bool:
        found = self._incident()
        return found is not None and any(act.target == pod and act.replaced_at is not None for act in found.acts)

    def _mitigated(self) -> bool:
        found = self._incident()
        issue = found.issue if found is not None else None
        return found is not None and found.phase is Phase.MITIGATED and issue is not None and bool(issue.ref)

    def _declined(self) -> int:
        return len(self._refusals())

    def _refusals(self) -> list[Decision]:
        found = self._incident()
        return [one for one in found.decisions if one.code == "no_outlier"] if found is not None else []

    def _has_issue(self, *, security: bool) -> bool:
        found = self._incident(security=security)
        return found is not None and found.issue is not None and bool(found.issue.ref)

    def _rolled(self) -> bool:
        return bool(self.loop.pods) and self.loop.rolled(FIXED)

    def _closed(self) -> bool:
        found = self._incident()
        closed = found is not None and found.phase in (Phase.RESOLVED, Phase.CLOSED)
        return closed and found is not None and found.issue is not None and not found.issue.open

    # How it is told

    def _scene(self, title: str) -> None:
        self._number += 1
        self.look()
        self._begun = time.time()
        self.alarms.begin()
        self.page.gap()
        self.page.said(f"SCENE {self._number}", [title])

    def _happened(self, who: str, text: str, colour: str | None = None) -> None:
        self.page.happened(time.time() - self._begun, self.loop.scale, who, text, colour)

    def _step(self, name: str) -> None:
        self.told.steps.setdefault((self._number, name), time.time() - self._begun)

    def _until(self, what: str, done: Callable[[], bool], step: str) -> None:
        end = time.monotonic() + self._patience
        while True:
            self.look()
            if done():
                self._step(step)
                return
            if time.monotonic() > end:
                raise MeshscopeError(_never(what))
            time.sleep(_TICK)

    def look(self) -> None:
        """Tell what happened since somebody last looked."""
        self.alarms.look()
        self.loop.processes.look()
        lines: dict[tuple[str, str], list[float]] = {}
        for incident, line in self.loop.agency.happened():
            own = incident.service.name == self.loop.player.identity.name
            whose = "" if own else f"{incident.service.namespace}/{incident.service.name}: "
            text = line.what.replace(f"{self.loop.agency.issues.as_uri()}/", "")
            lines.setdefault((line.who, f"{whose}{text}"), []).append(line.at)
        for (who, text), times in lines.items():
            often = f" ({len(times)} times)" if len(times) > 1 else ""
            self.page.happened(min(times) - self._begun, self.loop.scale, who, text + often)


def _falco(namespace: str, pod: str) -> Mapping[str, object]:
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime())
    return {
        "time": now, "rule": _SHELL, "priority": "Notice", "source": "syscall", "hostname": "node-1",
        "output": f"A shell was spawned in a container with an attached terminal (pod={pod})",
        "output_fields": {"k8s.ns.name": namespace, "k8s.pod.name": pod, "proc.name": "bash", "user.name": "root"},
        "tags": ["container", "shell"],
    }  # fmt: skip


def _never(what: str) -> Finding:
    return Finding(
        code="demo/late",
        title=f"it takes too long until {what}",
        why="every window is short here, and on a machine that is busy they may never fill",
        help="run `meshscope demo` again, or with --seconds 120, which lets time run half as fast",
    )
