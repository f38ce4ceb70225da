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
from meshscope.demo.troupe import Engagement
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.model import Model
from meshscope.wiring.assembly import assembled
from meshscope.wiring.building import build

SCALE = Fraction(1, 60)
_PATIENCE = 40.0


class Recorded:
    """Sends what Alertmanager sent when it was recorded, about the instances that run now."""

    def __init__(self, loop: Loop, model: Model) -> None:
        """Nothing was sent yet."""
        self._loop = loop
        self._lone, self._any = _alerts(model)
        self._sent: list[dict[str, object]] = []

    def begin(self) -> None:
        """A scene begins."""

    def one_fails(self, pod: str) -> None:
        """One instance fails alone, and the alert says so."""
        self._send([self._alert(self._lone, pod, siblings_failing="0", stage="agent")])

    def all_fail(self) -> None:
        """All instances fail alike."""
        self._send([self._alert(self._any, pod, siblings_failing="1") for pod in self._loop.pods])

    def quiet(self) -> None:
        """What was sent is over."""
        over, self._sent = self._sent, []
        self._post([{**alert, "status": "resolved", "endsAt": _now()} for alert in over])

    def look(self) -> None:
        """There is nobody else to listen to."""

    def _alert(self, name: str, pod: str, *, siblings_failing: str, **labels: str) -> dict[str, object]:
        identity = self._loop.player.identity
        named = {
            "alertname": name, "cluster": identity.cluster, "namespace": identity.namespace, "service": identity.name,
            "workload": self._loop.player.workload, "pod": pod, "severity": "page", **labels,
        }  # fmt: skip
        notes = {
            "summary": f"{identity.namespace}/{identity.name} instance {pod} fails",
            "instance_failing": "1", "siblings_failing": siblings_failing, "instance_requests": "600", "siblings": "2",
        }  # fmt: skip
        return {
            "status": "firing", "labels": named, "annotations": notes, "startsAt": _now(),
            "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": _fingerprint(name, pod),
        }  # fmt: skip

    def _send(self, alerts: list[dict[str, object]]) -> None:
        self._sent += alerts
        self._post(alerts)

    def _post(self, alerts: list[dict[str, object]]) -> None:
        body: Mapping[str, object] = {
            "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "agent",
            "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "alerts": alerts,
        }  # fmt: skip
        status = self._loop.agency.send("alertmanager", body)
        if status != 200:
            raise MeshscopeError(
                Finding(
                    code="demo/refused",
                    title=f"the agent answers the recorded alerts with {status}",
                    why="it takes what Alertmanager sends, and this is that",
                    help="run `meshscope demo` again",
                )
            )


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
        agency.start(processes, outcome.folder)
        loop = Loop(
            model=model, script=played, scale=Fraction(1), processes=processes, troupe=troupe, agency=agency,
            path=directions, tree=outcome.folder,
        )  # fmt: skip
        yield Scenes(loop, Recorded(loop, model), page, _PATIENCE)


def _alerts(model: Model) -> tuple[str, str]:
    """The alert of a lone instance, and that of any; one may be both."""
    known = killing(model)
    lone = next((one for one in known if one.page_after is not None), known[0])
    return lone.camel, next((one for one in known if one is not lone), lone).camel


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:16]
