"""A deploy target in memory: instances that are killed, taken out and replaced, and calls that hang or get lost."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from meshscope.deploy.plan import Change, Instance, Outcome, Receipt, Verb
from meshscope.model.services import Identity

_MOST_LINES = 1000


@dataclass(kw_only=True)
class MemoryWorld:
    """What outlives a target: which instances run, what they wrote, what is stopped and why, and who was killed."""

    running: dict[Identity, list[Instance]] = field(default_factory=lambda: defaultdict(list))
    written: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=_MOST_LINES)))
    """By uid."""
    stops: dict[Identity, str] = field(default_factory=dict)
    killed: list[str] = field(default_factory=list)
    """The uids, in order."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    lock: threading.RLock = field(default_factory=threading.RLock)


class MemoryTarget:
    """Instances in ``world``; what is killed or taken out is replaced at once, unless ``replaces`` is false.

    ``faults`` is told ``kill:before``, ``kill:after`` and so on for each change. It may wait there, or raise
    TimeoutError, which makes the outcome unknown: before, nothing has happened; after, only the answer is lost.
    """

    def __init__(
        self,
        world: MemoryWorld | None = None,
        *,
        faults: Callable[[str], None] = lambda _: None,
        replaces: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """A target of ``world``, a new one where none is given; ``clock`` tells seconds since 1970."""
        self.world = world or MemoryWorld()
        self._faults = faults
        self._replaces = replaces
        self._clock = clock

    def start(self, service: Identity, *, workload: str = "", version: str = "") -> Instance:
        """Have another instance run, with a name and an identity that none ever had here."""
        number = next(self.world.numbers)
        named = workload or service.name
        instance = Instance(
            service=service, name=f"{named}-{number:05}", uid=f"memory-{id(self.world):x}-{number}", workload=named,
            version=version, started=self._clock(),
        )  # fmt: skip
        with self.world.lock:
            self.world.running[service].append(instance)
        return instance

    def instances(self, service: Identity) -> tuple[Instance, ...]:
        """The instances of ``service`` that run now, by name."""
        with self.world.lock:
            return tuple(sorted(self.world.running.get(service, ()), key=lambda one: one.name))

    def logs(self, instance: Instance, lines: int) -> tuple[str, ...]:
        """The last ``lines`` that the instance wrote."""
        with self.world.lock:
            return tuple(self.world.written.get(instance.uid, ()))[-lines:] if lines > 0 else ()

    def stopped(self, service: Identity) -> bool:
        """Whether nothing may be done to the service."""
        return service in self.world.stops

    def apply(self, change: Change) -> Receipt:
        """Kill or quarantine the instance that the change names, unless its service is stopped."""
        began = time.monotonic()
        try:
            self._faults(f"{change.verb}:before")
            outcome, said = self._applied(change)
            self._faults(f"{change.verb}:after")
        except TimeoutError as error:
            outcome, said = Outcome.UNKNOWN, str(error) or "no answer came"
        return Receipt(change=change, outcome=outcome, said=said, seconds=time.monotonic() - began)

    def _applied(self, change: Change) -> tuple[Outcome, str]:
        service = change.service
        if change.verb not in (Verb.KILL, Verb.QUARANTINE) or service is None or not change.precondition:
            return Outcome.REFUSED, "instances can be killed and quarantined, each by its identity"
        with self.world.lock:
            if service in self.world.stops:
                return Outcome.REFUSED, f"{service} is stopped: {self.world.stops[service]}"
            running = self.world.running.get(service, [])
            found = next((one for one in running if one.uid == change.precondition), None)
            if found is None:
                return self._missing(service, change.precondition)
            if found.name != change.subject:
                return Outcome.REFUSED, f"its workload calls it {found.name}"
            self._carried_out(change.verb, running, found)
        return Outcome.DONE, ""

    def _missing(self, service: Identity, uid: str) -> tuple[Outcome, str]:
        if any(one.uid == uid for others in self.world.running.values() for one in others):
            return Outcome.REFUSED, f"it runs, and is none of {service}"
        return Outcome.GONE, "it does not run any more"

    def _carried_out(self, verb: Verb, running: list[Instance], found: Instance) -> None:
        running.remove(found)
        if verb is Verb.KILL:
            self.world.killed.append(found.uid)
        else:
            running.append(replace(found, ready=False, quarantined=True))
        # What is taken out has been replaced before.
        if self._replaces and not found.quarantined:
            self.start(found.service, workload=found.workload, version=found.version)
