"""The rows: each one TOML file, read strictly, so that a word that nothing reads is an error and not a silence."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
HOUSES = FOLDER / "houses"
PERIODS = (7, 14, 28, 30, 90)
EMITS = ("files", "operator")

_NEEDED = ("way", "tells", "points", "source", "house", "lasts")
_WHERE = ("provider", "period", "emit", "environment", "cluster")
_WHEN = ("begins", "healthy", "targets", "series", "silence")
_WHOM = ("expected", "nobody", "also", "invisible", "pending")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_TIME = re.compile(r"(?:\d+[smhdw])+")
_NAMES = re.compile(r"(\w+)(?:\{(.*)\})?", re.DOTALL)
_LABEL = re.compile(r'\s*(\w+)="((?:[^"\\]|\\.)*)"\s*,?')


class BadRow(Exception):
    """A row or a house that can't be read: which file, and what is wrong in it."""


def seconds(text: str) -> int:
    """``1h30m`` in seconds."""
    if not _TIME.fullmatch(text):
        raise BadRow(f"`{text}` is no time: write it like 90s, 45m, 1h30m or 2d")
    return sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)([smhdw])", text))


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a page of metrics: its name and labels, whose page it stands on, and its shape over time.

    An empty ``of`` means that nobody is scraped: it is sent, as span metrics are. ``service`` names the series of the
    healthy mesh that a row may change together: `shop/cart within 250ms` by that name, and with all of `shop/cart`.
    """

    name: str
    labels: Mapping[str, str]
    of: str
    shape: tuple[str, ...]
    service: str = ""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Somebody who must be told: ``how`` is page, ticket or tell (either), ``who`` the owner.

    ``about`` is namespace/service, cluster/namespace/service, cluster/* or * for anything.

    Told by one of ``alerts`` (any, where empty), at most ``within`` and at least ``after`` seconds after the failure
    began, in at most ``at_most`` incidents or messages.
    """

    how: str
    who: str
    about: str
    alerts: tuple[str, ...]
    within: int
    after: int
    at_most: int | None


@dataclass(frozen=True, kw_only=True)
class Source:
    """Who says that the mesh reports it so."""

    of: str
    file: str
    says: str


@dataclass(frozen=True, kw_only=True)
class House:
    """A mesh, and what its programs say of it while all is well."""

    name: str
    root: Path
    healthy: tuple[Series, ...]
    targets: Mapping[str, Mapping[str, str]]
    pushed_every: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way to fail in one mesh, and who must be told."""

    name: str
    way: str
    tells: str
    points: tuple[int, ...]
    sources: tuple[Source, ...]
    house: House
    provider: str
    period: int
    emit: str
    environment: str
    cluster: str
    lasts: int
    begins: int
    healthy: Mapping[str, tuple[str, ...]]
    targets: Mapping[str, tuple[str, ...]]
    series: tuple[Series, ...]
    silences: tuple[tuple[int, tuple[str, ...]], ...]
    expected: tuple[Expected, ...]
    also: frozenset[str]
    invisible: str
    pending: str

    @property
    def nobody(self) -> bool:
        """Whether nobody may be told, and nothing is wrong."""
        return not self.expected and not self.invisible


def read_rows(folder: Path = FOLDER) -> tuple[Row, ...]:
    """Every row of a folder, by name."""
    return tuple(read_row(path) for path in sorted(folder.glob("*.toml")))


def read_row(path: Path) -> Row:
    """One row. Raises `BadRow` for what is missing, unknown or no time."""
    try:
        return _row(path.stem, _table(path))
    except (BadRow, KeyError, TypeError, ValueError) as problem:
        raise BadRow(f"{path.name}: {problem!r}") from problem


def read_house(name: str) -> House:
    """A house by the name of its folder, with the series of healthy.toml."""
    path = HOUSES / name / "healthy.toml"
    table = _table(path)
    targets = {pod: _only(labels, (), tuple(labels)) for pod, labels in table.pop("targets", {}).items()}
    every = seconds(table.pop("pushed_every", "60s"))
    series = tuple(found for text in table.pop("series") for found in _series(text, targets))
    if table:
        raise BadRow(f"{path}: nothing reads {', '.join(table)}")
    return House(name=name, root=HOUSES / name, healthy=series, targets=targets, pushed_every=every)


def parse_metric(text: str) -> tuple[str, dict[str, str]]:
    """The name and labels of a line as a proxy writes it, without its value."""
    found = _NAMES.fullmatch(text.strip())
    if not found:
        raise BadRow(f"`{text}` is no series")
    labels, rest = {}, found[2] or ""
    while rest.strip():
        label = _LABEL.match(rest)
        if not label:
            raise BadRow(f"these are no labels: {rest}")
        labels[label[1]] = label[2]
        rest = rest[label.end() :]
    return found[1], labels


def _table(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def _row(name: str, table: dict[str, Any]) -> Row:
    _only(table, _NEEDED, (*_WHERE, *_WHEN, *_WHOM))
    expected = tuple(_expected(one) for one in table.get("expected", ()))
    silent = bool(table.get("nobody")) + bool(table.get("invisible"))
    if bool(expected) + silent != 1:
        raise BadRow("say one of [[expected]], nobody = true, or invisible = the finding that says so")
    house = read_house(table["house"])
    row = Row(
        name=name,
        way=table["way"],
        tells=table["tells"],
        points=tuple(table["points"]),
        sources=tuple(Source(**_only(one, ("of", "file", "says"), ())) for one in table["source"]),
        house=house,
        provider=table.get("provider", "istio"),
        period=table.get("period", 30),
        emit=table.get("emit", "files"),
        environment=table.get("environment", ""),
        cluster=table.get("cluster", ""),
        lasts=seconds(table["lasts"]),
        begins=seconds(table.get("begins", "0s")),
        healthy={service: tuple(shape) for service, shape in table.get("healthy", {}).items()},
        targets={pod: tuple(shape) for pod, shape in table.get("targets", {}).items()},
        series=tuple(found for one in table.get("series", ()) for found in _series(one, house.targets)),
        silences=tuple((seconds(one["at"]), tuple(one["matchers"])) for one in table.get("silence", ())),
        expected=expected,
        also=frozenset(table.get("also", ())),
        invisible=table.get("invisible", ""),
        pending=table.get("pending", ""),
    )
    _known(row)
    return row


def _known(row: Row) -> None:
    """Refuse names that the house lacks: a row about nothing proves nothing."""
    services = {name for series in row.house.healthy for name in (series.service, series.service.partition(" ")[0])}
    for name in row.healthy.keys() - services:
        raise BadRow(f"the house {row.house.name} has no healthy series of {name}")
    for name in row.targets.keys() - row.house.targets.keys():
        raise BadRow(f"the house {row.house.name} has no target {name}")
    if row.period not in PERIODS or row.emit not in EMITS:
        raise BadRow(f"the period is one of {PERIODS} and emit one of {EMITS}")
    if not row.sources:
        raise BadRow("somebody must say that the mesh reports it so")


def _expected(table: Mapping[str, Any]) -> Expected:
    _only(table, ("about", "within"), ("page", "ticket", "tell", "alerts", "after", "at_most"))
    ways = [how for how in ("page", "ticket", "tell") if how in table]
    if len(ways) != 1:
        raise BadRow('say page, ticket or tell = "owner"')
    return Expected(
        how=ways[0],
        who=table[ways[0]],
        about=table["about"],
        alerts=tuple(table.get("alerts", ())),
        within=seconds(table["within"]),
        after=seconds(table.get("after", "0s")),
        at_most=table.get("at_most"),
    )


def _series(table: Mapping[str, Any], targets: Mapping[str, Mapping[str, str]]) -> Sequence[Series]:
    """A block of lines that stand on one page and have one shape."""
    _only(table, ("lines", "shape"), ("of", "service"))
    of = table.get("of", "")
    if of and of not in targets:
        raise BadRow(f"there is no target {of}")
    lines = [line.strip() for line in table["lines"].strip().splitlines() if line.strip()]
    shape = (table["shape"],) if isinstance(table["shape"], str) else tuple(table["shape"])
    parsed = [parse_metric(line) for line in lines]
    return [
        Series(name=name, labels=labels, of=of, shape=shape, service=table.get("service", ""))
        for name, labels in parsed
    ]


def _only(table: Mapping[str, Any], needed: Sequence[str], allowed: Sequence[str]) -> Mapping[str, Any]:
    if missing := [word for word in needed if word not in table]:
        raise BadRow(f"{', '.join(missing)} is missing")
    if unknown := [word for word in table if word not in (*needed, *allowed)]:
        raise BadRow(f"nothing reads {', '.join(unknown)}")
    return table
