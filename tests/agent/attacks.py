"""Every attack on the receivers, against the whole agent: armed, over real processes and a real ledger.

The instance that the corpus names runs, fails alone and may be killed: whoever gets past who is let in has it killed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from meshscope.deploy import groups
from meshscope.deploy.groups import Group, Member
from meshscope.feedback.agent import Agent
from meshscope.feedback.catalog import Catalog, KnownAlert, Wanted
from meshscope.feedback.credentials import Credentials
from meshscope.feedback.state import Key
from meshscope.model.services import Identity
from meshscope.web.server import Running, application
from meshscope.wiring.agent import engaged
from meshscope.wiring.agent_settings import Configuration
from meshscope.wiring.bundles import Bundle
from tests.agent.stage import QUICK
from tests.feedback.world import Gauges, catalog, identity, service
from tests.receiving.attacking import ALERTMANAGER, GOOD
from tests.receiving.attacks import ATTACKS, Attack, Target
from tests.receiving.conftest import HMAC, OLD_HMAC, TIMESTAMP, provided
from tests.receiving.conftest import QUICK as BOUNDS
from tests.receiving.twin import Canary
from tests.receiving.wire import Heard, exchange, request
from tests.waiting import until

BAD, NOBODY = "ledger-7c9d8-x2x4q", "ledger-7c9d8-zzzzz"
NOTHING = Key("eu-1", "nowhere", "nothing")
_PATIENCE = 8.0
_MOST = 10**6


@dataclass(frozen=True)
class Tried:
    """One attack: why it counts as a success (empty: it was none), and how long its answer took."""

    attack: Attack
    success: str
    seconds: float


def run_attacks(folder: Path) -> tuple[int, int]:
    """Try every attack on an agent in ``folder``: how many were tried, and how many succeeded."""
    tried = attacked(folder)
    return len(tried), sum(1 for one in tried if one.success)


def attacked(folder: Path) -> Sequence[Tried]:
    """Try every attack. Raises `AssertionError` where the agent would not have done what was to be prevented."""
    with armed(folder) as besieged:
        found = [besieged.attacked(attack) for attack in ATTACKS]
        besieged.armed_indeed()
    return found


def mesh() -> Catalog:
    """A mesh in which everything that the attacks speak of is known, and may be acted on."""
    known = replace(catalog([service("ledger"), replace(service("nothing"), key=NOTHING)]), calls=())
    kill, take_out = (Wanted(action="kill_instance"),), (Wanted(action="quarantine"),)
    alerts = {
        name: KnownAlert(name=name, scope="instance", severity="page", summary="", definition="", responses=kill)
        for name in ("NoSuchAlert", "LedgerSlow", "LoneFailingInstance")
    }
    rules = {name: replace(one, responses=take_out) for name, one in known.rules.items()}
    return replace(known, alerts=alerts, rules=rules)


@dataclass
class Besieged:
    """An agent that is attacked."""

    agent: Agent
    port: int
    target: Target
    canary: Canary
    groups: Path
    processes: Sequence[subprocess.Popen[bytes]]
    secrets: Sequence[bytes]

    def attacked(self, attack: Attack) -> Tried:
        """Try one, and look at everything that it could have done."""
        before = self._stored()
        wire = list(attack.wire(self.target))
        if attack.stored:
            # It may be taken, for it has a right token: then it must not be an honest message.
            wire = [one.replace(BAD.encode(), NOBODY.encode()) if isinstance(one, bytes) else one for one in wire]
        head = bytes(wire[0][:5]) == b"HEAD "
        heard = exchange(self.port, wire, answers=attack.answers, patience=_PATIENCE, head=head)
        until(lambda: self._at_rest, f"the agent comes to rest after {attack.name}")
        return Tried(attack, self._success(attack, heard, before), heard.seconds)

    def _success(self, attack: Attack, heard: Heard, before: int) -> str:
        said = b"".join(reply.body for reply in heard.replies)
        whys = {
            "it is answered as it must not be": not set(heard.statuses) <= attack.allowed,
            "it hangs": not heard.closed and len(heard.replies) < attack.answers,
            "more is stored than may be": self._stored() - before > attack.stored,
            "something was done": bool(self._acts()) or not self._all_run(),
            "somebody was called": self.canary.calls > 0,
            "it was told a secret": any(secret in said for secret in self.secrets),
            "nobody else is served": not self._serves(),
            "a part of the agent failed": any(part.error for part in self.agent.parts()),
        }
        return "; ".join(why for why, so in whys.items() if so)

    def armed_indeed(self) -> None:
        """With the right token the same message does kill: it was no dead agent that was attacked."""
        sent = request(
            ALERTMANAGER, GOOD.replace(b"461cc20a2d27e805", b"0123456789abcdef"), self.target.tokens["other"]
        )
        assert exchange(self.port, [sent]).statuses == [200]
        until(lambda: not self._all_run(), "it is killed")
        assert [act.target for act in self._acts()] == [BAD]

    @property
    def _at_rest(self) -> bool:
        agent = self.agent
        busy = agent._queue or agent._later or agent.intake.pending or agent.decider.ending
        with agent.book.lock:
            return not busy and all(state.terminal for state in agent.book.alerts.values())

    def _stored(self) -> int:
        return sum(1 for _ in self.agent.ledger.heads("alert", limit=_MOST))

    def _acts(self) -> Sequence[object]:
        with self.agent.book.lock:
            return [act for incident in self.agent.book.incidents.values() for act in incident.acts]

    def _all_run(self) -> bool:
        return all(one.poll() is None for one in self.processes)

    def _serves(self) -> bool:
        return exchange(self.port, [request("/healthz", method="GET")]).statuses == [200]


@contextmanager
def armed(folder: Path) -> Iterator[Besieged]:
    """An agent in ``folder`` that may do everything, in front of three processes of each service."""
    tokens, file = provided(folder)
    settings = replace(QUICK, caps=replace(QUICK.caps, every_seconds=0.0, cool_down_seconds=0.0), flaps=_MOST)
    chosen = Configuration(
        state=folder / "state", credentials=file, people=folder / "people.toml", groups=folder / "groups",
        issues=folder / "issues", settings=settings, prometheus="",
    )  # fmt: skip
    with ExitStack() as ends:
        names = {
            "ledger": [BAD, "ledger-7c9d8-aaaaa", "ledger-7c9d8-bbbbb"],
            "nothing": ["nothing-1", "nothing-2", "nothing-3"],
        }
        whose = {"ledger": identity("ledger"), "nothing": Identity(NOTHING.cluster, NOTHING.namespace, NOTHING.name)}
        processes = [one for name in names for one in _running(chosen.groups, whose[name], names[name], ends)]
        ready = ends.enter_context(engaged(Bundle(catalog=mesh(), scale=Fraction(1)), chosen))
        failing = {BAD: 1.0, "nothing-1": 1.0}
        ready.agent.tools.metrics = Gauges(failing=failing, pods=lambda name: names.get(name, ()))
        ready.agent.start_parts()
        canary = Canary()
        ends.callback(canary.close)
        app = application(ready.agent, Credentials(file), telemetry=ready.telemetry, bounds=BOUNDS)
        running = ends.enter_context(Running(app, bounds=BOUNDS))
        secrets = [token.encode() for token in tokens.values()] + [HMAC.encode(), OLD_HMAC.encode(), b"root:x:0:0"]
        yield Besieged(
            agent=ready.agent, port=running.port, target=Target(tokens, canary.address, HMAC, OLD_HMAC, TIMESTAMP),
            canary=canary, groups=chosen.groups, processes=processes, secrets=secrets,
        )  # fmt: skip


def _running(folder: Path, whose: Identity, names: Sequence[str], ends: ExitStack) -> Iterator[subprocess.Popen[bytes]]:
    """A process for each name, listed as the service's group."""
    members = []
    for name in names:
        process = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
        ends.callback(process.wait)
        ends.callback(process.kill)
        members.append(Member(name=name, pid=process.pid, start=groups.start_of(process.pid), version="v1"))
        yield process
    folder.mkdir(exist_ok=True)
    group = Group(
        cluster=whose.cluster, namespace=whose.namespace, service=whose.name, workload=whose.name, version="v1",
        replicas=len(members), instances=tuple(members),
    )  # fmt: skip
    groups.write(folder, group)
