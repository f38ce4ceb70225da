"""Targets that keep the same promises: one in memory, one of real processes under a supervisor."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from meshscope.adapters.memory.target import MemoryTarget
from meshscope.adapters.targets.processes import Processes
from meshscope.deploy import groups
from meshscope.deploy.groups import Member
from meshscope.deploy.plan import Change, Instance, Outcome, Receipt, Target, Verb
from meshscope.deploy.supervisor import Supervisor, Workload
from meshscope.model.services import Identity

LEDGER = Identity("eu-1", "shop", "ledger")
CHECKOUT = Identity("eu-1", "shop", "checkout")
SLEEP = ["/bin/sleep", "600"]


def soon(wanted: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.003)


def kill(one: Instance, **more: object) -> Change:
    """The change that kills an instance, or something like it."""
    return change(Verb.KILL, one, **more)


def quarantine(one: Instance, **more: object) -> Change:
    """The change that takes an instance out."""
    return change(Verb.QUARANTINE, one, **more)


def change(verb: Verb, one: Instance, **more: object) -> Change:
    """A change about an instance."""
    told = {"subject": one.name, "service": one.service, "precondition": one.uid, **more}
    return Change(verb=verb, **told)  # type: ignore[arg-type]


def pid_of(one: Instance) -> int:
    """The number of an instance's process."""
    return int(one.uid.split("-")[-2])


@dataclass(frozen=True, kw_only=True)
class World:
    """Where `LEDGER` and `CHECKOUT` run with three instances each, and what people do there."""

    target: Target
    say: Callable[[Instance, str], None]
    stop: Callable[[str], None]
    """Stop the ledger for that reason; an empty one lifts it."""

    def ready(self, service: Identity = LEDGER) -> tuple[Instance, ...]:
        """Its instances, once three are ready."""
        soon(lambda: sum(1 for one in self.target.instances(service) if one.ready) == 3)
        return self.target.instances(service)

    def apply(self, wanted: Change) -> Outcome:
        """What comes of it."""
        receipt: Receipt = self.target.apply(wanted)
        assert receipt.change == wanted
        assert receipt.seconds >= 0
        return receipt.outcome


@pytest.fixture(params=["memory", "processes"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A world of either kind."""
    yield from memory() if request.param == "memory" else processes(tmp_path)


def memory() -> Iterator[World]:
    """A world in memory."""
    target = MemoryTarget()
    for service in (LEDGER, CHECKOUT):
        for _ in range(3):
            target.start(service, version="v1")

    def stop(why: str) -> None:
        target.world.stops.pop(LEDGER, None)
        if why:
            target.world.stops[LEDGER] = why

    def say(one: Instance, text: str) -> None:
        target.world.written[one.uid].extend(text.split("\n"))

    yield World(target=target, say=say, stop=stop)


def processes(folder: Path) -> Iterator[World]:
    """A world of real processes."""

    def say(one: Instance, text: str) -> None:
        group = groups.read(folder, one.service)
        assert group is not None
        (log,) = [member.log for member in group.instances if member.uid == one.uid]
        with Path(log).open("a") as stream:
            stream.write(f"{text}\n")

    def stop(why: str) -> None:
        path = groups.path_of(folder, LEDGER, "stop")
        path.unlink(missing_ok=True)
        if why:
            path.write_text(why)

    with ExitStack() as ends:
        for service in (LEDGER, CHECKOUT):
            workload = Workload(service=service, command=lambda _: SLEEP, replicas=3, version="v1")
            ends.enter_context(Supervisor(folder, workload))
        yield World(target=Processes(folder), say=say, stop=stop)


@pytest.fixture
def bred() -> Iterator[Callable[[str], Member]]:
    """Starts programs of Python that say when they are ready; only the end of the test waits for them."""
    children: list[subprocess.Popen[bytes]] = []

    def breed(code: str) -> Member:
        child = subprocess.Popen(
            [sys.executable, "-S", "-c", f"{code}\nprint('ready', flush=True)\nimport time\ntime.sleep(600)"],
            stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        return Member(name=f"ledger-{child.pid}", pid=child.pid, start=groups.start_of(child.pid))

    yield breed
    for child in children:
        child.kill()
        child.communicate()
