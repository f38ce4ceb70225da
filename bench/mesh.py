"""Write a house of any size: services of a plausible shape, the same on every machine.

Who calls how many others, and who is called by how many, follow power laws, as in traces of large meshes: most
services call none or one other, a few call dozens; a few are called by a hundred. Some neighbours call each other, so
that there are cycles; a few services are called by nobody inside. Fifty services share a team, whose file names its
owner and its two promises.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "large"
TEAM_SIZE = 50
# Folders of the reference mesh that a house of any size takes as they are.
SHARED = ("alerts", "dashboards", "collectors")

# Each service's SLOs are over one of them in turn.
EVERY_PERIOD = (7, 14, 28, 30, 90)
_SEED = 20_000
_FAN_OUT_EXPONENT = 2.1
_MOST_CALLS = 150
_MUTUAL = 0.3
_NEIGHBOURS = 20
_ENTRANCES = 0.03
_MODES = {False: "Mode.OBSERVE", True: "Mode.ACT"}
_OBJECTIVES = ("99.5", "99.9", "99.95")
_NOUNS = (
    "account", "address", "advert", "archive", "audit", "basket", "billing", "booking", "campaign", "catalog",
    "checkout", "claim", "contract", "coupon", "credit", "currency", "customer", "delivery", "device", "document",
    "export", "feed", "fraud", "gateway", "identity", "image", "index", "invoice", "ledger", "location",
    "login", "loyalty", "media", "message", "order", "parcel", "payment", "price", "product", "profile",
    "quota", "quote", "ranking", "rating", "refund", "report", "review", "search", "session", "shipping",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Node:
    """One service of the mesh to be; ``rate`` is its requests a second, ``objective`` its availability in percent."""

    name: str
    namespace: str
    team: int
    tier: int
    rate: float
    objective: str

    @property
    def variable(self) -> str:
        """The name of its value in the team's file."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Services, and who calls whom as pairs of their numbers, sorted."""

    services: tuple[Node, ...]
    calls: tuple[tuple[int, int], ...]

    @property
    def teams(self) -> range:
        """The numbers of the teams."""
        return range(self.services[-1].team + 1)


def shape(size: int, callers: int | None = None) -> Shape:
    """A mesh of ``size`` services; with ``callers`` every service is called by exactly so many others."""
    dice = random.Random(_SEED)  # noqa: S311 - a shape, no secret
    namespaces = max(3, size // 200)
    services = tuple(
        Node(
            name=f"{_NOUNS[number % len(_NOUNS)]}-{number // len(_NOUNS):03d}",
            namespace=f"area-{number // TEAM_SIZE % namespaces:02d}",
            team=number // TEAM_SIZE,
            tier=dice.choices((1, 2, 3), (1, 6, 3))[0],
            rate=round(min(2000.0, 0.5 * dice.paretovariate(0.9)), 3),
            objective=_OBJECTIVES[number // TEAM_SIZE % len(_OBJECTIVES)],
        )
        for number in range(size)
    )
    calls = _called_by(size, callers, dice) if callers else _power_law(size, dice)
    return Shape(services=services, calls=tuple(sorted(calls)))


def write_house(
    root: Path, built: Shape, *, scrape_seconds: int = 15, acting: bool = False, periods: Sequence[int] = (30,)
) -> None:
    """Write ``built`` as a house into the empty or missing folder ``root``; ``acting``: the agent may act.

    The services' SLOs are over ``periods`` (days) in turn.
    """
    (root / "services").mkdir(parents=True)
    for folder in SHARED:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "mesh.py").write_text(_mesh_file(len(built.services), scrape_seconds, acting), encoding="utf-8")
    members: list[list[Node]] = [[] for _ in built.teams]
    calls: list[list[tuple[Node, Node]]] = [[] for _ in built.teams]
    for service in built.services:
        members[service.team].append(service)
    for caller, callee in built.calls:
        calls[built.services[caller].team].append((built.services[caller], built.services[callee]))
    for team in built.teams:
        _write(root, f"{_module(team)}.py", _team_file(team, members[team], acting, periods))
        if calls[team]:
            _write(root, f"{_module(team)}_calls.py", _calls_file(team, calls[team]))


def _power_law(size: int, dice: random.Random) -> set[tuple[int, int]]:
    calls: set[tuple[int, int]] = set()
    # Whoever is called already is likely to be called again.
    popular: list[int] = []
    for caller in range(size - 1):
        wanted = min(_MOST_CALLS, size - 1, int(dice.paretovariate(_FAN_OUT_EXPONENT - 1)) - 1)
        for _ in range(wanted):
            callee = dice.choice(popular) if popular and dice.random() < 0.5 else 0
            callee = callee if callee > caller else dice.randrange(caller + 1, size)
            calls.add((caller, callee))
            popular.append(callee)
    called = {callee for _, callee in calls}
    calls |= {
        (dice.randrange(callee), callee)
        for callee in range(1, size)
        if callee not in called and dice.random() > _ENTRANCES
    }
    near = [(caller, callee) for caller, callee in sorted(calls) if callee - caller < _NEIGHBOURS]
    mutual = [call for call in near if dice.random() < _MUTUAL] or near[:1]
    return calls | {(callee, caller) for caller, callee in mutual}


def _called_by(size: int, callers: int, dice: random.Random) -> set[tuple[int, int]]:
    """Every service with ``callers`` callers, who are few: a power law of fan-out."""
    calls: set[tuple[int, int]] = set()
    for callee in range(size):
        chosen: set[int] = set()
        while len(chosen) < min(callers, size - 1):
            caller = min(size - 1, int(size * dice.random() ** 2))
            if caller != callee:
                chosen.add(caller)
        calls |= {(caller, callee) for caller in chosen}
    return calls


def _module(team: int) -> str:
    return f"services/team_{team:03d}"


def _write(root: Path, path: str, text: str) -> None:
    (root / path).write_text(text, encoding="utf-8")


def _mesh_file(size: int, scrape_seconds: int, acting: bool) -> str:
    return f'''"""A mesh of {size:,} services."""

from meshscope import Mesh, Mode, seconds
from services.team_000 import team_000

mesh = Mesh(
    name="{NAME}",
    provider="istio",
    cluster="eu-1",
    owner=team_000,
    scrape_interval={scrape_seconds} * seconds,
    mode={_MODES[acting]},
)
'''


def _team_file(team: int, members: Sequence[Node], acting: bool, periods: Sequence[int]) -> str:
    return "".join(_team_lines(team, members, acting, periods))


def _team_lines(team: int, members: Sequence[Node], acting: bool, periods: Sequence[int]) -> Iterator[str]:
    name = f"team-{team:03d}"
    owner = name.replace("-", "_")
    yield f'''"""What {name} runs."""

from meshscope import SLO, Availability, Latency, Mode, Owner, Service, days, ms, per_second, percent

{owner} = Owner(
    name="{name}",
    issues="github:large/{name}",
    pager="pagerduty:{name}",
    chat="slack:#{name}",
)

'''
    for period in periods:
        yield f"""availability_{period} = SLO(
    name="availability", of=Availability(), objective={members[0].objective} * percent, over={period} * days
)
latency_{period} = SLO(name="latency", of=Latency(under=250 * ms), objective=99 * percent, over={period} * days)

"""
    for number, node in enumerate(members):
        period = periods[number % len(periods)]
        yield f"""{node.variable} = Service(
    name="{node.name}",
    namespace="{node.namespace}",
    owner={owner},
    runbook="{node.name}.md",
    tier={node.tier},
    slos=(availability_{period}, latency_{period}),
    volume={node.rate} * per_second,
    mode={_MODES[acting]},
)
"""


def _calls_file(team: int, calls: Sequence[tuple[Node, Node]]) -> str:
    wanted: dict[int, set[str]] = {}
    edges: dict[str, list[str]] = {}
    for caller, callee in calls:
        for node in (caller, callee):
            wanted.setdefault(node.team, set()).add(node.variable)
        edges.setdefault(caller.variable, []).append(callee.variable)
    imports = "".join(
        f"from {_module(other).replace('/', '.')} import {', '.join(sorted(names))}\n"
        for other, names in sorted(wanted.items())
    )
    lines = "".join(f"        {caller}: ({', '.join(callees)},),\n" for caller, callees in edges.items())
    return (
        f'"""Whom the services of team {team:03d} call."""\n\nfrom meshscope import Calls\n{imports}\n'
        f"calls = Calls(\n    {{\n{lines}    }}\n)\n"
    )
