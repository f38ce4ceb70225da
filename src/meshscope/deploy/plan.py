"""A plan is frozen data that two interpreters read: one explains it, one applies it, so a dry run cannot lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from meshscope.model.services import Identity


class Verb(StrEnum):
    """What a change does to the world."""

    KILL = "kill"
    QUARANTINE = "quarantine"
    RUN = "run"
    CALL = "call"


class Outcome(StrEnum):
    """How a change ended. Only `UNKNOWN` leaves open whether the world is another."""

    DONE = "done"
    GONE = "gone"
    """What it was about is no more: by us or by another, nobody can tell."""
    REFUSED = "refused"
    """The other side said no; the world is as it was."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One running instance of a service. ``uid`` never comes back: a pod's UID, a process's boot, pid and start."""

    service: Identity
    name: str
    uid: str
    workload: str
    version: str = ""
    ready: bool = True
    quarantined: bool = False
    started: float = 0.0
    """Seconds since 1970."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One step: what to do to whom. ``precondition`` is the uid that must still be there, empty where none can be."""

    verb: Verb
    subject: str
    service: Identity | None = None
    precondition: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        told = "".join(f", {name} {value}" for name, value in sorted(self.arguments.items()))
        only = f", only while it is {self.precondition}" if self.precondition else ""
        return f"{self.verb} {self.subject}{told}{only}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one action would do, in order."""

    action: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of a change: ``said`` is for a person, ``seconds`` how long it took."""

    change: Change
    outcome: Outcome
    said: str = ""
    seconds: float = 0.0


class Hand(Protocol):
    """Something that can carry out a kind of change. It never raises for what the world answers."""

    def apply(self, change: Change) -> Receipt:
        """Carry out ``change`` within a bounded time; what is not sure to have happened or not is `UNKNOWN`."""


class Target(Hand, Protocol):
    """Where services run: what a kill and a quarantine are carried out on."""

    def instances(self, service: Identity) -> tuple[Instance, ...]:
        """The instances of ``service`` that run now, by name. Raises `MeshscopeError` where it can't be asked."""

    def logs(self, instance: Instance, lines: int) -> tuple[str, ...]:
        """The last ``lines`` that the instance wrote; none where it wrote none or can't be asked."""

    def stopped(self, service: Identity) -> bool:
        """Whether the service's label says that nothing may be done to it."""


Step = Callable[[str], None]


def explained(plan: Plan) -> Iterator[str]:
    """The plan in words, a line for each change, in the order in which they would be applied."""
    return (f"{number}. {change}" for number, change in enumerate(plan.changes, 1))


def applied(plan: Plan, hands: Mapping[Verb, Hand], step: Step) -> Sequence[Receipt]:
    """Apply the plan until a change doesn't end well; the rest is left, with no receipt.

    ``step`` is told before and after each call that changes the world.
    """
    receipts: list[Receipt] = []
    for change in plan.changes:
        step(f"{change.verb}:before")
        receipt = hands[change.verb].apply(change)
        step(f"{change.verb}:after")
        receipts.append(receipt)
        if receipt.outcome in (Outcome.REFUSED, Outcome.UNKNOWN):
            break
    return receipts
