"""The loop without engines: alerts as Alertmanager sends them are played from a recording; all else is real.

The services are processes that call each other and fail, the agent kills and opens issues. What is missing is whoever
sees them fail: the alerts come when the recording says so, and bring the numbers that Prometheus would have been asked
for.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from meshscope.build.options import Options
from meshscope.demo import local
from meshscope.demo.agency import Agency
from meshscope.demo.history import History
from meshscope.demo.loop import Loop, killing
from meshscope.demo.page import Page
from meshscope.demo.processes import Processes
from meshscope.demo.programs import hired
from meshscope.demo.scenes import Scenes
from meshscope.demo.script import script
from meshscope.demo.teller import Teller
from meshscope.demo.troupe import Engagement
from meshscope.deploy import groups
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.alerting import Alert
from meshscope.model.model import Model
from meshscope.wiring.assembly import assembled
from meshscope.wiring.building import build

SCALE = Fraction(1, 60)
_PATIENCE = 60.0
_FAILING_SECONDS = 10.0


class Recorded:
    """Sends what Alertmanager sent when it was recorded, about the instances that run now.

    What the agent does not take, as it is being started again, is sent again, as Alertmanager would.
    """

    def __init__(self, loop: Loop, model: Model) -> None:
        """Nothing was sent yet."""
        self._loop = loop
        self._lone, self._any = _alerts(model)
        self._firing: list[dict[str, object]] = []
        self._waiting: list[list[dict[str, object]]] = []

    def begin(self) -> None:
        """A scene begins."""

    def one_fails(self, pod: str) -> None:
        """One instance fails alone, and the alert says so."""
        self._seen([pod])
        self._send([self._alert(self._lone, pod)])

    def all_fail(self) -> None:
        """All instances fail alike."""
        pods = self._loop.pods
        self._seen(pods)
        self._send([self._alert(self._any, pod) for pod in pods])

    def quiet(self) -> None:
        """What was sent is over."""
        over, self._firing = self._firing, []
        if over:
            self._waiting.append([{**alert, "status": "resolved", "endsAt": _now()} for alert in over])
        self.look()

    def look(self) -> None:
        """Send what waits. Raises `MeshscopeError` where the agent does not want it."""
        while self._waiting:
            status = self._post(self._waiting[0])
            if status == 0 or status >= 500:
                return
            if status != 200:
                raise MeshscopeError(_refused(status))
            self._waiting.pop(0)

    def _seen(self, pods: list[str]) -> None:
        """Wait until each of ``pods`` has really failed: no alert comes before that."""
        until = time.monotonic() + _FAILING_SECONDS
        group = groups.read(self._loop.agency.groups, self._loop.player.identity)
        logs = [Path(one.log) for one in group.instances if one.name in pods] if group else []
        while time.monotonic() < until and not all(log.stat().st_size for log in logs):
            time.sleep(0.05)

    def _alert(self, alert: Alert, pod: str) -> dict[str, object]:
        identity = self._loop.player.identity
        siblings = [one for one in self._loop.pods if one != pod]
        failing = sum(map(self._loop.share, siblings)) / max(1, len(siblings))
        stage = {"stage": "agent"} if alert.page_after is not None else {}
        named = {
            "alertname": alert.camel, "cluster": identity.cluster, "namespace": identity.namespace,
            "service": identity.name, "workload": self._loop.player.workload, "pod": pod, "severity": alert.severity,
            **stage,
        }  # fmt: skip
        notes = {
            "summary": f"{identity.namespace}/{identity.name} instance {pod} fails",
            "instance_failing": "1", "siblings_failing": f"{failing:g}", "instance_requests": "600",
            "siblings": str(len(siblings)),
        }  # fmt: skip
        return {
            "status": "firing", "labels": named, "annotations": notes, "startsAt": _now(),
            "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": _fingerprint(alert.camel, pod),
        }  # fmt: skip

    def _send(self, alerts: list[dict[str, object]]) -> None:
        self._firing += alerts
        self._waiting.append(alerts)
        self.look()

    def _post(self, alerts: list[dict[str, object]]) -> int:
        body: Mapping[str, object] = {
            "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": alerts[0]["status"],
            "receiver": "agent", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
            "alerts": alerts,
        }  # fmt: skip
        return self._loop.agency.send("alertmanager", body)


@contextmanager
def playing(house: Path, folder: Path, page: Page, *, seconds: float) -> Iterator[Scenes]:
    """The scenes on real processes and a real agent, with recorded alerts. Raises `MeshscopeError`."""
    listening = local.ports()
    root = local.copied(house, folder)
    local.environment(root, listening, folder / "secrets")
    fast = Options(time_scale=SCALE)
    assembly = assembled(root, local.NAME, fast, seconds=seconds)
    outcome = build(root, folder / "tree", local.NAME, fast, seconds=seconds)
    model = assembly.house.model
    assert model is not None  # noqa: S101 - the house itself was assembled before
    played = script(model, 1 / 25)
    logs = folder / "logs"
    logs.mkdir()
    agency = Agency(folder=folder / "agent", groups=folder / "groups", port=listening.agent)
    agency.prepare("", "")
    directions = folder / "directions.json"
    with Processes(logs) as processes:
        agency.begin(processes, outcome.folder)
        troupe = hired(
            processes,
            folder,
            Engagement(
                script=played, collector="", time_scale=1 / 25, logs=logs, directions=directions,
                history=History(path=folder / "past.om", cluster="", job="", time_scale=1 / 25, promises=()),
                groups=agency.groups, targets=folder / "none",
            ),
        )  # fmt: skip
        (folder / "past.om").unlink()
        agency.wait(processes)
        loop = Loop(
            model=model, script=played, scale=Fraction(1), processes=processes, troupe=troupe, agency=agency,
            path=directions,
        )  # fmt: skip
        yield Scenes(Teller(loop, Recorded(loop, model), page, _PATIENCE))


def _alerts(model: Model) -> tuple[Alert, Alert]:
    """The alert of a lone instance, and that of any; one may be both."""
    known = killing(model)
    lone = next((one for one in known if one.page_after is not None), known[0])
    return lone, next((one for one in known if one is not lone), lone)


def _refused(status: int) -> Finding:
    return Finding(
        code="demo/refused",
        title=f"the agent answers the recorded alerts with {status}",
        why="it takes what Alertmanager sends, and this is that",
        help="run `meshscope demo` again",
    )


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:16]
