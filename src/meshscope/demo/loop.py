"""The loop's own stage: the services that can be made to fail, the agent, and what the demo directs."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    tree: Path
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
