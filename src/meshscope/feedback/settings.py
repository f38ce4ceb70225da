"""What an agent may do and how long it waits: the defaults are those of a real mesh, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

# What no time scale changes: they bound programs, not the mesh's windows.
_UNSCALED = ("call_seconds", "evidence_lines", "tick_seconds")


@dataclass(frozen=True, kw_only=True)
class Caps:
    """How many acts an hour: on one service, for one owner, in the whole mesh; and how many of a service's instances.

    ``floor`` is the share of a service's wanted instances that must stay ready.
    """

    service: int = 3
    owner: int = 5
    mesh: int = 20
    floor: float = 0.5
    every_seconds: float = 60.0
    """Between two acts on one service."""
    cool_down_seconds: float = 600.0
    """After an act that did not help."""
    strikes: int = 3
    """Acts on one service without effect, after which there are no more."""


@dataclass(frozen=True, kw_only=True)
class Outlier:
    """When an instance stands out: its share of failures is beyond ``times`` its siblings' plus ``beyond``."""

    times: float = 5.0
    beyond: float = 0.05
    requests: float = 50.0
    """The fewest requests in the window of five minutes that say anything."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The agent's own lengths of time, and its limits."""

    caps: Caps = Caps()
    outlier: Outlier = Outlier()
    window_seconds: float = 300.0
    """What the numbers of instances are counted over."""
    calm: float = 0.01
    """The share of failing requests below which a service is well."""
    settle_seconds: float = 420.0
    """After an act, until its effect must show."""
    reopen_seconds: float = 3600.0
    """How long an incident that is over opens again instead of a new one."""
    quiet_seconds: float = 86_400.0
    """How long a new revision must run quiet before the cause counts as mended."""
    gap_seconds: float = 60.0
    """What fires again sooner after it resolved is the same episode."""
    flaps: int = 5
    """How often an incident may come back before nothing more is done about it but to tell."""
    approval_seconds: float = 900.0
    fold_seconds: float = 900.0
    """How much earlier a victim may have fired than the service that is the cause."""
    tell_seconds: float = 10.0
    """Between two changes of one issue."""
    recur_seconds: float = 600.0
    """Between two comments on one issue that it goes on."""
    poll_seconds: float = 30.0
    """How often people's answers are looked for."""
    reconcile_seconds: float = 30.0
    absent_seconds: float = 300.0
    """How long an alert must be unknown to its sender before it counts as resolved."""
    event_seconds: float = 86_400.0
    """After which an event is over that its sender never ends: Falco says nothing when a break-in is over."""
    storm_incidents: int = 20
    """So many new incidents within ``storm_seconds`` are told in one issue."""
    storm_seconds: float = 60.0
    attempts: int = 5
    """After which an alert that can't be dealt with is dead, and said to be."""
    freeze: tuple[str, ...] = ()
    """Times without acts, each ``WEEKDAYS HH:MM-HH:MM`` in UTC: ``sat,sun 00:00-24:00``."""
    call_seconds: float = 10.0
    evidence_lines: int = 20
    tick_seconds: float = 0.25

    def scaled(self, scale: float) -> Settings:
        """The same with every length of time multiplied by ``scale``: for a mesh that was built with a time scale."""
        times = {
            one.name: getattr(self, one.name) * scale
            for one in fields(self)
            if one.name.endswith("_seconds") and one.name not in _UNSCALED
        }
        caps = {
            one.name: getattr(self.caps, one.name) * scale for one in fields(self.caps) if one.name.endswith("_seconds")
        }
        return replace(self, caps=replace(self.caps, **caps), **times)
