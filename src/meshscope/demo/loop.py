"""The loop's own stage: the services that can be made to fail, the agent, and what the demo directs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from meshscope.demo.agency import Agency
from meshscope.demo.directions import Directions
from meshscope.demo.processes import Processes
from meshscope.demo.programs import Troupe
from meshscope.demo.script import Player, Script
from meshscope.deploy import groups
from meshscope.feedback.state import Incident
from meshscope.model.alerting import Alert
from meshscope.model.model import Model
from meshscope.model.modes import Mode
from meshscope.model.services import Service
from meshscope.model.signals import Scope

KILL = "kill_instance"


@dataclass(kw_only=True)
class Loop:
    """What the scenes are played on."""

    model: Model
    script: Script
    scale: Fraction
    processes: Processes
    troupe: Troupe
    agency: Agency
    path: Path
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Where a person may look besides the agent's console, by name."""
    directions: Directions = field(default_factory=Directions)

    @property
    def player(self) -> Player:
        """Whose instances fail."""
        assert self.script.target is not None  # noqa: S101 - it would not be played
        return self.script.cast[self.script.target]

    @property
    def pods(self) -> list[str]:
        """The names of its instances that run now and are not taken out."""
        group = groups.read(self.agency.groups, self.player.identity)
        out = groups.marks(self.agency.groups, self.player.identity)
        return [one.name for one in group.instances if one.alive and one.name not in out] if group else []

    @property
    def version(self) -> str:
        """The revision that is to run."""
        return self.directions.released.get(self.player.name, self.player.version)

    @property
    def next_version(self) -> str:
        """What the revision after that is called."""
        name, number = re.fullmatch(r"(.*?)(\d*)", self.version, re.DOTALL).groups()  # type: ignore[union-attr]
        return f"{name}{int(number) + 1}" if number else f"{name}-2"

    @property
    def failing(self) -> bool:
        """Whether somebody is told to fail."""
        return bool(self.directions.pods or self.directions.revisions)

    def share(self, pod: str) -> float:
        """The share of its requests that ``pod``, of the revision that is to run, is told to fail."""
        revision = f"{self.player.name}@{self.version}"
        return max(self.directions.pods.get(pod, 0.0), self.directions.revisions.get(revision, 0.0))

    def fail(self, pod: str) -> None:
        """Have ``pod`` fail every request."""
        self.direct(replace(self.directions, pods={**self.directions.pods, pod: 1.0}))

    def relieve(self) -> bool:
        """Forget those that fail and are gone; whether there were some."""
        mine = self.pods
        left = {pod: share for pod, share in self.directions.pods.items() if pod in mine}
        if len(left) == len(self.directions.pods):
            return False
        self.direct(replace(self.directions, pods=left))
        return True

    def release(self, version: str, share: float = 0.0) -> None:
        """Have ``version`` take the place of what runs; ``share`` of its requests fail."""
        name = self.player.name
        failing = {f"{name}@{version}": share} if share else {}
        self.direct(Directions(revisions=failing, released={**self.directions.released, name: version}))

    def ages(self) -> list[float]:
        """Since when each of its instances runs, in seconds since 1970."""
        group, mine = groups.read(self.agency.groups, self.player.identity), self.pods
        return [one.started for one in group.instances if one.name in mine] if group else []

    def rolled(self, version: str) -> bool:
        """Whether ``version`` alone runs."""
        group = groups.read(self.agency.groups, self.player.identity)
        out = groups.marks(self.agency.groups, self.player.identity)
        running = [one for one in group.instances if one.alive and one.name not in out] if group else []
        return len(running) >= len(self.player.pods) and all(one.version == version for one in running)

    def direct(self, directions: Directions) -> None:
        """Have everybody follow ``directions`` from now on."""
        self.directions = directions
        directions.write(self.path)

    def incident(self, *, security: bool = False) -> Incident | None:
        """The newest incident of the service that is played with."""
        identity = self.player.identity
        mine = [
            one
            for one in self.agency.incidents()
            if (one.service.namespace, one.service.name) == (identity.namespace, identity.name)
            and one.security is security
        ]
        return mine[-1] if mine else None


def target_of(model: Model, script: Script) -> Service | None:
    """The service of which an instance fails."""
    return next((one for one in model.services if one.identity == script.target), None)


def killing(model: Model) -> tuple[Alert, ...]:
    """The alerts on instances that may kill one."""
    return tuple(
        alert
        for alert in model.alerts
        if alert.scope is Scope.INSTANCE and any(response.name == KILL for response in alert.respond)
    )


def loops(model: Model, script: Script) -> bool:
    """Whether there is a loop to show: an alert that may kill, about a service that lets the agent act."""
    service = target_of(model, script)
    return service is not None and service.mode is Mode.ACT and bool(killing(model))
