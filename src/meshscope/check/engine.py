"""The port to a real program that judges artefacts, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

# The oldest version that judges rightly, by program. A program on PATH that is older is said to be, and not asked.
MINIMUM: Mapping[str, str] = {
    "promtool": "3.11.0",  # the first that reads Prometheus's retention from its configuration
    "amtool": "0.34.0",  # the first whose webhook bodies carry routeLabels
    "otelcol": "0.155.0",  # components change their names between releases
    "otelcol-logs": "0.149.0",  # a build of the collector with the receivers of a node tier
    "prometheus": "3.11.0",
    "alertmanager": "0.34.0",
}


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """What an engine has against one file: ``line`` and ``column`` from 1, 0 where it doesn't say.

    ``group`` and ``rule`` (from 1) name a rule of a rule file; ``case`` is the unit test that failed. A ``lint`` is
    what it takes all the same.
    """

    path: str
    message: str
    line: int = 0
    column: int = 0
    group: str = ""
    rule: int = 0
    case: str = ""
    lint: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that an engine looked at: a file, or one unit test in it; ``failed`` is empty where it passed.

    ``before`` says that it was not run now: the same bytes have passed the same engine before.
    """

    path: str
    name: str = ""
    failed: str = ""
    before: bool = False


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Everything that one engine says of one built tree.

    ``passed_over`` names what it was given and could not judge.
    """

    cases: tuple[Case, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    passed_over: tuple[str, ...] = ()


Heard: TypeAlias = Callable[[int], object]


def unheard(done: int) -> None:
    """Where nobody wants to hear how far it is."""


class Engine(Protocol):
    """A real program that accepts or refuses what we built."""

    @property
    def name(self) -> str:
        """What a person calls it, for example ``promtool check rules``."""

    @property
    def version(self) -> str:
        """The version that it says it is."""

    def judges(self, path: str) -> bool:
        """Whether the file at ``path``, relative to the tree, is for it."""

    def judge(self, folder: Path, paths: Sequence[str], heard: Heard = unheard) -> Verdict:
        """Judge ``paths`` below ``folder``; ``heard`` hears how many of them are done, now and then.

        Raises `MeshscopeError` where it can't be run at all.
        """


@dataclass(frozen=True, kw_only=True)
class Absent:
    """An engine that can't be asked, and ``why``: not found, or too old."""

    name: str
    why: str
