"""The live demo's stage: the house built for this machine, and everything that runs on what was built."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from meshscope.artefacts.files import File
from meshscope.build.agent import JOB
from meshscope.build.assemble import Built
from meshscope.build.options import Options
from meshscope.build.prometheus import PROXIES
from meshscope.build.rules.statics import identity_labels
from meshscope.demo import local
from meshscope.demo.agency import Agency
from meshscope.demo.asking import Prometheus, get
from meshscope.demo.history import History, Promise
from meshscope.demo.loop import Loop
from meshscope.demo.processes import Processes
from meshscope.demo.programs import Engines, Theatre, Troupe
from meshscope.demo.receiver import Receiver
from meshscope.demo.script import Player, Script, script
from meshscope.demo.store import Store
from meshscope.demo.tier import chosen, otlp_endpoint, surroundings
from meshscope.demo.troupe import Engagement
from meshscope.findings import Finding, MeshscopeError, counted
from meshscope.model.model import Model
from meshscope.wiring.assembly import Assembly, assembled
from meshscope.wiring.building import build

# In true time.
_LOOKED_BACK = 900.0


@dataclass(frozen=True, kw_only=True)
class Home:
    """The copy of the house in its environment for this machine, built as it would be and with time scaled."""

    folder: Path
    root: Path
    tree: Path
    listening: local.Ports
    model: Model
    true: tuple[File, ...]
    scaled: Built
    agency: Agency


@dataclass(frozen=True, kw_only=True)
class Live:
    """Everything that runs."""

    home: Home
    script: Script
    scale: Fraction
    processes: Processes
    troupe: Troupe
    receiver: Receiver
    store: Store
    prometheus: Prometheus
    loop: Loop
    since: float
    """When Prometheus began to look, on the clock of time.monotonic()."""

    def look(self) -> None:
        """Raise `MeshscopeError` when a program has ended."""
        self.processes.look()

    def tell(self, player: str, path: str, **asked: str) -> Any:
        """Tell the process called ``player`` what to do, or ask it."""
        _, host, port = self.troupe.processes[player]
        return get(port, path, asked, host)

    def failed(self, player: Player) -> dict[str, float]:
        """When each pod of ``player`` failed first, in seconds since 1970; 0 for one that never did."""
        found: dict[str, float] = {}
        for name in (player.name, *player.pods):
            if name in self.troupe.processes:
                # One that is being replaced has nothing to say for a moment.
                with suppress(MeshscopeError):
                    found |= self.tell(name, "/failed")
        return found

    def held_back(self) -> list[dict[str, Any]]:
        """The labels of every alert that Alertmanager tells nobody of, because another says it."""
        alerts = get(self.home.listening.alertmanager, "/api/v2/alerts", {"inhibited": "true"})
        return [alert["labels"] for alert in alerts if alert["status"]["inhibitedBy"]]

    def busy(self) -> str:
        """What was left out because the machine is busy; empty where nothing was."""
        window = f"{_LOOKED_BACK * float(self.scale):.0f}s"
        # Who is killed and replaced answers no scrape for a moment, however idle the machine.
        workload = self.loop.player.workload
        scrapes = self._sum(f'sum(sum_over_time((1 - up{{job!="{JOB}",pod!~"{workload}-.*"}})[{window}:]))')
        rounds = self._sum(f"sum(increase(prometheus_rule_group_iterations_missed_total[{window}]))")
        late = f"{counted(scrapes, 'scrape')} failed, {counted(rounds, 'evaluation')} of rules left out"
        return f"this machine is busy: {late}" if scrapes or rounds else ""

    def _sum(self, query: str) -> int:
        found = self.prometheus.now(query)
        return round(float(found[0]["value"][1])) if found else 0


def prepared(house: Path, folder: Path, scale: Fraction, *, seconds: float) -> Home:
    """Copy the house, add the environment of this machine, and build it twice: as it would be, and as it runs.

    Raises `MeshscopeError` where the copy can't be built.
    """
    listening = local.ports()
    root = local.copied(house, folder)
    local.environment(root, listening, folder / "secrets")
    fast = Options(time_scale=scale)
    true = _whole(assembled(root, local.NAME, Options(), seconds=seconds))
    scaled = assembled(root, local.NAME, fast, seconds=seconds)
    outcome = build(root, folder / "tree", local.NAME, fast, seconds=seconds)
    model = scaled.house.model
    if outcome.manifest is None or model is None:
        raise MeshscopeError(_unbuilt(outcome.findings))
    if model.mesh.prometheus != listening.url(listening.prometheus):
        raise MeshscopeError(_taken(model))
    agency = Agency(folder=folder / "agent", groups=folder / "groups", port=listening.agent)
    agency.prepare(listening.url(listening.prometheus), listening.url(listening.alertmanager))
    local.write_secrets(_whole(scaled).artefacts, folder / "secrets", listening, agency.tokens["alertmanager"])
    return Home(
        folder=folder, root=root, tree=outcome.folder, listening=listening, model=model, true=true.files,
        scaled=_whole(scaled), agency=agency,
    )  # fmt: skip


@contextmanager
def running(home: Home, engines: Engines, scale: Fraction) -> Iterator[Live]:
    """Run everything until the context is left, however it is left.

    Raises `MeshscopeError` where the mesh can't be played or a program doesn't start.
    """
    played = script(home.model, float(scale))
    logs = home.folder / "logs"
    logs.mkdir()
    receiver, store = Receiver(), Store(local.TOKEN)
    with ExitStack() as ends:
        ends.callback(receiver.close)
        receiver.open(home.listening.receiver, home.listening.mail)
        ends.callback(store.close)
        store.open(home.listening.store)
        processes = ends.enter_context(Processes(logs))
        theatre = Theatre(
            tree=home.tree, folder=home.folder, listening=home.listening, engines=engines, processes=processes
        )
        tier = chosen(home.model)
        for config in home.scaled.artefacts.collectors:
            if tier is not None and config.name == tier.name:
                theatre.collector(tier.name, surroundings(tier, config, home.listening, home.folder))
        # It takes as long to start as all others together, so it begins with them.
        home.agency.begin(processes, home.tree)
        theatre.alertmanager()
        past = home.folder / "past.om"
        directions, members = home.folder / "directions.json", home.folder / "groups"
        troupe = theatre.services(
            Engagement(
                script=played, collector=otlp_endpoint(tier, home.listening), time_scale=float(scale), logs=logs,
                history=_history(home.model, past, scale), directions=directions, groups=members,
                targets=home.tree / "prometheus" / "targets" / f"{PROXIES}.json",
            )
        )  # fmt: skip
        local.write_targets(home.tree, troupe.scraped, home.listening.collector if tier else "")
        theatre.prometheus(past)
        since = time.monotonic()
        home.agency.wait(processes)
        listening = home.listening
        loop = Loop(
            model=home.model, script=played, scale=scale, processes=processes, troupe=troupe, agency=home.agency,
            path=directions, addresses={
                "Prometheus": listening.url(listening.prometheus), "Alertmanager": listening.url(listening.alertmanager)
            },
        )  # fmt: skip
        yield Live(
            home=home, script=played, scale=scale, processes=processes, troupe=troupe, receiver=receiver,
            store=store, prometheus=Prometheus(home.listening.prometheus), loop=loop, since=since,
        )  # fmt: skip


def _history(model: Model, path: Path, scale: Fraction) -> History:
    promises = tuple(
        Promise(
            labels=",".join(
                f'{name}="{value}"' for name, value in {**identity_labels(service.identity), "slo": slo.name}.items()
            ),
            period=str(slo.over),
            service=service.identity,
            slo=slo.name,
            budget=float(slo.budget),
        )
        for service, slo in model.slos
    )
    return History(path=path, cluster=model.mesh.cluster, job=PROXIES, time_scale=float(scale), promises=promises)


def _taken(model: Model) -> Finding:
    return Finding(
        code="demo/name-taken",
        title=f"mesh `{model.mesh.name}` has an environment `{local.NAME}` of its own",
        place=model.mesh.place,
        why="the demo adds one of that name, in which everything is on this machine; yours may reach real systems",
        help="give yours another name, or run `meshscope demo --no-live`",
    )


def _whole(assembly: Assembly) -> Built:
    if assembly.built is None:
        raise MeshscopeError(_unbuilt(assembly.findings))
    return assembly.built


def _unbuilt(findings: Sequence[Finding]) -> Finding:
    first = max(findings, key=lambda finding: finding.level, default=None)
    return first or Finding(
        code="demo/unbuilt",
        title="the copy of the house can't be built",
        why="it was copied without its errors, and has some",
        help="run `meshscope check`",
    )
