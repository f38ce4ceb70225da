"""What stands around an agent that is killed: real processes under a supervisor, its files, and who sends alerts."""

from __future__ import annotations

import multiprocessing
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from meshscope.deploy import groups
from meshscope.deploy.supervisor import Supervisor, Workload
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.settings import Settings
from meshscope.feedback.state import Received
from meshscope.wiring.ledgers import verified
from tests.agent.child import Fault, Look, Orders, run
from tests.feedback.world import TENANT, alert, catalog, identity, key, service
from tests.waiting import PATIENCE, until

SLEEP = ("/bin/sleep", "600")
# Nothing here waits for what a restart of the agent could outlast.
QUICK = Settings(
    settle_seconds=60.0, gap_seconds=0.0, tell_seconds=0.0, recur_seconds=0.0, poll_seconds=0.2, tick_seconds=0.02,
    reconcile_seconds=0.2, absent_seconds=60.0, call_seconds=10.0,
)  # fmt: skip
TOLD = {"instance_failing": "1", "siblings_failing": "0", "instance_requests": "900", "siblings": "2"}
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.agent.child"])
_STARTED = re.compile(r"(.+)-[a-z0-9]{9}-[a-z0-9]{5}\.log")


class Died(Exception):
    """The agent's process ended in the middle of what it was asked."""


def shop(*names: str, calls: Sequence[tuple[str, str]] = ()) -> Catalog:
    """A mesh of these services, three instances each, in which the agent may act."""
    known = catalog([service(name) for name in names])
    return replace(known, calls=tuple((key(one), key(two)) for one, two in calls))


def lone(name: str, pod: str, status: str = "firing", **labels: str) -> Received:
    """An instance fails alone; the alert brings the numbers, so that no store of metrics is asked."""
    one = alert("LoneFailingInstance", name, pod=pod, status=status, **labels)
    return Received(
        source=one.source, fingerprint=one.fingerprint, status=status, labels=one.labels,
        annotations={**one.annotations, **TOLD},
    )  # fmt: skip


class Troupe:
    """The processes of each service, kept by supervisors of this process."""

    def __init__(self, folder: Path, names: Sequence[str], replicas: int = 3) -> None:
        self.folder = folder
        self.names = names
        self._replicas = replicas
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Troupe:
        with ExitStack() as ends:
            for name in self.names:
                workload = Workload(
                    service=identity(name),
                    command=lambda _: SLEEP,
                    replicas=self._replicas,
                    version="v1",
                    workload=name,
                )
                ends.enter_context(Supervisor(self.folder, workload))
            until(lambda: all(map(self.full, self.names)), "all run")
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def running(self, name: str) -> dict[str, str]:
        """The identities of those that run now, by their names."""
        group = groups.read(self.folder, identity(name))
        return {one.name: one.uid for one in group.instances if one.alive} if group else {}

    def full(self, name: str) -> bool:
        """Whether as many run as are wanted."""
        return len(self.running(name)) == self._replicas

    def started(self) -> Counter[str]:
        """How many of each service were ever started."""
        found = (_STARTED.fullmatch(path.name) for path in (self.folder / "logs").iterdir())
        return Counter(one[1] for one in found if one)


class Actor:
    """An agent in a process of its own."""

    def __init__(self, orders: Orders, *, wait: bool = True) -> None:
        self.orders = orders
        orders.folder.mkdir(parents=True, exist_ok=True)
        self._pipe, other = _context.Pipe()
        self.process = _context.Process(target=run, args=(orders, other), daemon=True)
        self.process.start()
        other.close()
        self.refused = self.heard() if wait else ""

    def heard(self, seconds: float = PATIENCE) -> object:
        """What it says next. Raises `Died`."""
        try:
            assert self._pipe.poll(seconds), "the agent says nothing"
            return self._pipe.recv()
        except (EOFError, OSError) as error:
            raise Died from error

    def ask(self, *order: object) -> object:
        """What it answers. Raises `Died`."""
        try:
            self._pipe.send(order)
        except OSError as error:
            raise Died from error
        return self.heard()

    def send(self, *alerts: Received) -> int:
        """How many were new, once they are on disk. Raises `Died`."""
        answer = self.ask("send", TENANT, alerts)
        assert isinstance(answer, int), answer
        return answer

    def look(self) -> Look:
        """How far it is. Raises `Died`."""
        answer = self.ask("look")
        assert isinstance(answer, Look)
        return answer

    def until(self, holds: Callable[[Look], object], what: str, seconds: float = PATIENCE) -> Look:
        """Wait until it is so; nothing is under way then. Raises `Died`."""
        end = time.monotonic() + seconds
        while True:
            look = self.look()
            if not look.busy and holds(look):
                return look
            assert time.monotonic() < end, f"{what}: it does not happen\n{told(look)}"
            time.sleep(0.01)

    def end(self) -> None:
        """Have it end in good order."""
        with suppress(OSError):
            self._pipe.send(("end",))
        self.process.join(PATIENCE)
        self.gone()

    def gone(self) -> None:
        """Be sure that it is no more."""
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self._pipe.close()


@contextmanager
def acting(orders: Orders) -> Iterator[Actor]:
    """An agent for as long as the context is open."""
    actor = Actor(orders)
    try:
        yield actor
    finally:
        actor.end()


@dataclass
class Sender:
    """As Alertmanager: sends again what was not answered, and what still fires."""

    start: Callable[[], Actor]
    actor: Actor = field(init=False)
    deaths: int = 0
    now: dict[str, Received] = field(default_factory=dict)
    _owed: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.actor = self._started()

    def _started(self) -> Actor:
        while True:
            try:
                return self.start()
            except Died:
                self.deaths += 1

    def send(self, *alerts: Received) -> None:
        """Have these told, as soon as somebody listens."""
        for one in alerts:
            self.now[one.fingerprint] = one
            self._owed[one.fingerprint] = None

    def until(self, holds: Callable[[Look], object], what: str) -> Look:
        """Wait until all is told and it is so, however often the agent dies."""
        while True:
            try:
                for name in list(self._owed):
                    self.actor.send(self.now[name])
                    del self._owed[name]
                return self.actor.until(holds, what)
            except Died:
                self.deaths += 1
                self.actor.gone()
                self.actor = self._started()
                for name, one in self.now.items():
                    if one.status == "firing":
                        self._owed[name] = None


@dataclass(frozen=True)
class Filed:
    """An issue as its file has it."""

    key: str
    open: bool
    comments: tuple[int, ...]


def filed(folder: Path) -> list[Filed]:
    """Every issue that there is."""
    found = []
    # Not within git's own folder, where files come and go.
    for path in sorted((folder / "issues").glob("[!.]*/**/*.md")):
        text = path.read_text()
        numbers = tuple(int(one) for one in re.findall(r"^## Comment (\d+) by meshscope", text, re.MULTILINE))
        found.append(Filed(key=path.stem, open="\nstate: open\n" in text, comments=numbers))
    return found


def sound(folder: Path) -> None:
    """The ledger is what was written, from its first record to its last."""
    found = verified(folder / "state", None, lambda _: None)
    assert found.clean, found.findings


def orders(folder: Path, troupe: Troupe, known: Catalog, *, fault: Fault | None = None, **more: object) -> Orders:
    """Orders for an agent of this troupe."""
    given = {"settings": QUICK, **more}
    return Orders(folder=folder, groups=troupe.folder, known=known, fault=fault, **given)  # type: ignore[arg-type]


def told(look: Look) -> str:
    """What there is, for whoever reads why a test failed."""
    lines = [f"busy {look.busy} {look.failures}"]
    lines += [
        f"{one.received.fingerprint} {one.terminal or '-'} {one.code} {one.why}; over {one.resolved_at}"
        for one in look.alerts
    ]
    for one in look.incidents:
        issue = one.issue
        lines.append(
            f"{one.id} {one.phase}, in {one.folded_into or 'nothing'}, issue {issue and (issue.ref, issue.open)}"
        )
        lines += [f"    {act.action} {act.target} {act.outcome} {act.effect} {act.replacement}" for act in one.acts]
        lines += [f"    {happened.who}: {happened.what}" for happened in one.story[-12:]]
    return "\n".join(lines)
