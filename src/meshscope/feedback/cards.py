"""An action's card: what it does, what it needs, how far it reaches, how often, and whether it may be repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from meshscope.deploy.plan import Instance, Plan, Verb
from meshscope.feedback.catalog import KnownService, Wanted
from meshscope.feedback.state import AlertState
from meshscope.findings import Finding, MeshscopeError


class Repeat(StrEnum):
    """What a second attempt can do, when nobody knows how the first one ended."""

    BY_IDENTITY = "by identity"
    """Nothing: it names an identity that never comes back."""
    BY_STATE = "by state"
    """Nothing: it asks for a state that may be there already."""
    AT_MOST_ONCE = "at most once"
    """Harm: it is never repeated, a person is asked."""
    CONVERGES = "at least once, converging"
    """A double that is found and mended."""


class Reach(StrEnum):
    """How much an action can touch."""

    NOTHING = "nothing that runs"
    INSTANCE = "one instance"
    WORKLOAD = "a workload"
    OUTSIDE = "something outside the mesh"


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a person must know of an action before it is let loose; the console and the docs show it."""

    name: str
    does: str
    reach: Reach
    undo: str
    repeat: Repeat
    needs: tuple[str, ...] = ()
    """Labels without which it can't be chosen."""
    rbac: tuple[str, ...] = ()
    """The verbs that it needs of Kubernetes: ``create pods/eviction``."""
    verb: Verb | None = None
    """None: it changes nothing that runs."""
    an_hour: int = 20
    asks: bool = False
    """Whether a person must always say yes."""
    outlier: bool = False
    """Whether the instance must stand out from its siblings."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What an action sees when it makes its plan: the service, what runs of it now, and what the alert asked for."""

    service: KnownService
    instances: tuple[Instance, ...]
    wanted: Wanted


@dataclass(frozen=True, kw_only=True)
class Declined:
    """Why there is no plan: a code of `REASONS`, and the particulars."""

    code: str
    why: str


Planner = Callable[[AlertState, World], "Plan | Declined"]


@dataclass(frozen=True, kw_only=True)
class Action:
    """An action: its card, and how it makes a plan."""

    card: Card
    plan: Planner


def action(card: Card) -> Callable[[Planner], Action]:
    """Make an action of a function that plans it. Raises `MeshscopeError` for a card that leaves out its class."""
    if not isinstance(card.repeat, Repeat):
        raise MeshscopeError(
            Finding(
                code="action/no-class",
                title=f"the card of action `{card.name}` does not say whether it may be repeated",
                why="after a crash nobody knows whether a call took effect; what then depends on it",
                help=f"write repeat=Repeat.BY_IDENTITY, or one of {', '.join(one.name for one in Repeat)}",
            )
        )
    return lambda plan: Action(card=card, plan=plan)


def instance_named(alert: AlertState, world: World) -> Instance | Declined:
    """The instance that the alert's labels name, if it runs now; why not, else."""
    labels = alert.received.labels
    name = labels.get("pod") or labels.get("k8s.pod.name") or ""
    if not name:
        return Declined(code="no_instance", why="the alert names no instance")
    for one in world.instances:
        if one.name == name:
            return one
    return Declined(code="gone", why=f"{name} does not run any more")


Actions = Mapping[str, Action]
