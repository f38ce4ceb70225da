"""The loop in five scenes: from a fault to an act, or to why there is none, and to an issue that closes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping

from meshscope.demo.agency import NAME
from meshscope.demo.page import BAD, GOOD
from meshscope.demo.teller import Killed, Teller, now_if, plain
from meshscope.feedback.state import Incident

_SHELL = "Terminal shell in container"
KILL, QUARANTINE = "kill_instance", "quarantine"
# How much of a comment is shown.
_LINES = 8


class Scenes:
    """Plays them, and has a teller tell what happens."""

    def __init__(self, teller: Teller) -> None:
        """Nothing was played yet."""
        self.teller = teller
        self.loop = teller.loop

    def run(self) -> None:
        """All five. Raises `MeshscopeError` when something doesn't happen."""
        self._one_fails()
        self._all_fail()
        self._shell()
        self._fixed()
        self._hostile()

    def _one_fails(self) -> None:
        teller, loop = self.teller, self.loop
        pod, *others = loop.pods
        teller.scene(f"one of {len(others) + 1} instances of {loop.player.name} fails")
        loop.fail(pod)
        well = f"its {len(others)} siblings are well" if len(others) > 1 else "its sibling is well"
        teller.happened("fault", f"{pod} fails every request; {well}", BAD)
        teller.alarms.one_fails(pod)
        teller.until("the agent is told of it", lambda: teller.told_of(pod), "alert")
        teller.until("the agent kills it", lambda: self._done(pod, KILL), "killed")
        self._evidence(pod)
        teller.until("another is ready in its place", lambda: self._replaced(pod), "replaced")
        gone = pod not in loop.pods and set(others) <= set(loop.pods)
        teller.happened(
            "demo", f"{pod} is dead, its siblings live" if gone else "somebody else died", GOOD if gone else BAD
        )
        loop.relieve()
        teller.alarms.quiet()
        mitigated = "mitigated, cause open"
        teller.until("the issue says that the cause is open", lambda: now_if(teller.mitigated()), mitigated)
        self._issue(loop.incident())

    def _all_fail(self) -> None:
        teller, loop = self.teller, self.loop
        old, bad = loop.version, loop.next_version
        teller.scene(f"all instances of {loop.player.name} fail: revision {bad} is bad")
        loop.release(bad, share=1.0)
        teller.happened("release", f"{bad} takes the place of {old}; it fails every request", BAD)
        teller.until(f"only {bad} runs", lambda: now_if(loop.rolled(bad)), "rolled out")
        teller.alarms.all_fail()
        teller.until("the agent declines to kill", self._no_outlier, "declined")
        self._since(bad)
        killed = [act for act in teller.acts() if act.action == KILL and act.at >= teller.begun]
        teller.happened(
            "demo", "somebody was killed" if killed else "nobody is killed: the next one would fail as well",
            BAD if killed else GOOD,
        )  # fmt: skip

    def _shell(self) -> None:
        teller, loop = self.teller, self.loop
        pod = loop.pods[-1]
        teller.scene("Falco sees a shell in a container")
        status = loop.agency.send("falco", _falco(loop.player.identity.namespace, pod))
        teller.happened("Falco", f"{_SHELL}: {pod} (answered {status})", BAD)
        teller.until("the instance is in quarantine", lambda: self._done(pod, QUARANTINE), "in quarantine")
        secured = "issue for who owns security"
        teller.until("the security owner has an issue", lambda: now_if(self._secured()), secured)
        self._issue(loop.incident(security=True))

    def _fixed(self) -> None:
        teller, loop = self.teller, self.loop
        bad, fixed = loop.version, loop.next_version
        teller.scene(f"the fixed revision {fixed} is rolled out")
        loop.release(fixed)
        teller.happened("release", f"{fixed} takes the place of {bad}, one instance after another", GOOD)
        teller.until(f"only {fixed} runs", lambda: now_if(loop.rolled(fixed)), "rolled out")
        teller.alarms.quiet()
        teller.until("it has run quiet, and the issue closes", lambda: now_if(teller.closed()), "issue closed")
        self._closing(loop.incident())

    def _hostile(self) -> None:
        teller = self.teller
        teller.scene("somebody forges an alert, and kills the agent", real=True)
        teller.forge()
        pid = self.loop.processes.pids()[NAME]
        killed = Killed(teller, pid)
        os.kill(pid, signal.SIGKILL)
        teller.happened("you", f"kill -9 {pid}: the agent is dead", BAD)
        teller.until("the agent is back", lambda: now_if(killed.over()), "back")
        told, well = killed.told()
        teller.happened("agent", told, GOOD if well else BAD)

    # What is looked for

    def _done(self, pod: str, action: str) -> float | None:
        act = self.teller.act_on(pod, action)
        return act.done_at or act.at if act is not None else None

    def _replaced(self, pod: str) -> float | None:
        act = self.teller.act_on(pod, KILL)
        return act.replaced_at if act is not None else None

    def _no_outlier(self) -> float | None:
        return next((one.at for one in self.teller.declined() if one.code == "no_outlier"), None)

    def _secured(self) -> bool:
        found = self.loop.incident(security=True)
        return found is not None and found.issue is not None and bool(found.issue.ref)

    # What is shown of it

    def _evidence(self, pod: str) -> None:
        found = self.loop.incident()
        kept = next((one for one in found.evidence if one.instance == pod), None) if found is not None else None
        if kept is not None and kept.lines:
            lines = "line of its log is" if len(kept.lines) == 1 else f"{len(kept.lines)} lines of its log are"
            self.teller.happened("evidence", f"the last {lines} kept (SHA-256 {kept.digest[:12]}...)")
            self.teller.page.quoted([kept.lines[-1]])

    def _issue(self, incident: Incident | None) -> None:
        if incident is not None:
            self.teller.happened("issue", self.teller.title(incident), GOOD)

    def _since(self, version: str) -> None:
        ages = self.loop.ages()
        if ages:
            seconds = time.time() - min(ages)
            told = f"all {len(ages)} instances run {version}, the oldest for {seconds:.1f} s: suspect that revision"
            self.teller.happened("since", told)

    def _closing(self, incident: Incident | None) -> None:
        """The last comment of the issue, with what was before and after."""
        if incident is None:
            return
        self._issue(incident)
        said = self.loop.agency.issue_of(incident).rpartition("\n## Comment ")[2].splitlines()[1:]
        self.teller.page.quoted([plain(line) for line in said if line.strip() and not line.startswith("<!--")][:_LINES])


def _falco(namespace: str, pod: str) -> Mapping[str, object]:
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime())
    return {
        "time": now, "rule": _SHELL, "priority": "Notice", "source": "syscall", "hostname": "node-1",
        "output": f"A shell was spawned in a container with an attached terminal (pod={pod})",
        "output_fields": {"k8s.ns.name": namespace, "k8s.pod.name": pod, "proc.name": "bash", "user.name": "root"},
        "tags": ["container", "shell"],
    }  # fmt: skip
