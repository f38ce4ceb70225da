"""What we tell a person: a code, a title, a place, why it matters and what to do about it.

Everything that can be wrong with a definition or an artefact is a `Finding`. A definition that can never be right
raises `DefinitionError`, which carries one.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType

_OURS = "meshscope."


class Level(IntEnum):
    """How much a finding weighs: only errors make a command fail (warnings too under ``--strict``)."""

    NOTE = 0
    WARNING = 1
    ERROR = 2

    @property
    def word(self) -> str:
        """The level in lower case, as it is printed."""
        return self.name.lower()


def counted(number: int, one: str, more: str = "") -> str:
    """A count with its noun: ``1 sibling``, ``2 siblings``."""
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"


@dataclass(frozen=True, order=True)
class Place:
    """A range in a file: ``path`` relative to the house, ``line`` and ``column`` from 1, the end exclusive.

    Columns count bytes of UTF-8, as Python's own positions do.

    A place that points at a call can be narrowed to one of its arguments with `argument`.
    """

    path: str
    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"

    def argument(self, name: str, root: Path) -> Place:
        """The value of keyword ``name`` in the call at this place, read from the source below ``root``.

        The place itself where the source is gone or has no such argument.
        """
        node = _call_at(root / self.path, self.line, self.column)
        for keyword in node.keywords if node else ():
            if keyword.arg == name:
                value = keyword.value
                return replace(
                    self,
                    line=value.lineno,
                    column=value.col_offset + 1,
                    end_line=value.end_lineno or value.lineno,
                    end_column=(value.end_col_offset or value.col_offset) + 1,
                )
        return self


@lru_cache(maxsize=64)
def _calls(path: Path) -> Mapping[tuple[int, int], ast.Call]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return {}
    return {(node.lineno, node.col_offset + 1): node for node in ast.walk(tree) if isinstance(node, ast.Call)}


def _call_at(path: Path, line: int, column: int) -> ast.Call | None:
    return _calls(path).get((line, column))


# id(code) -> (code, positions): hashing a code object walks all its constants, and co_positions() is O(size),
# so both are paid once for each file instead of once for each definition. The code is kept so that its id stays its.
_positions: dict[int, tuple[CodeType, list[tuple[int | None, int | None, int | None, int | None]]]] = {}


def _spot(code: CodeType, instruction: int) -> tuple[int | None, int | None, int | None, int | None]:
    known = _positions.get(id(code))
    if known is None:
        known = _positions[id(code)] = (code, list(code.co_positions()))
    return known[1][instruction // 2]


def here(is_definition: Callable[[FrameType], bool] | None = None) -> Place | None:
    """The call in the definition file that is being evaluated now; None where no definition is running.

    A definition is what isn't our own code, or what ``is_definition`` says is one.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not (is_definition or _is_foreign)(frame):
        frame = frame.f_back
    if frame is None:
        return None
    line, end_line, column, end_column = _spot(frame.f_code, frame.f_lasti)
    path = frame.f_code.co_filename
    if line is None or column is None:
        return Place(path, frame.f_lineno)
    return Place(path, line, column + 1, end_line or line, (end_column or column) + 1)


def _is_foreign(frame: FrameType) -> bool:
    return not str(frame.f_globals.get("__name__", "")).startswith(_OURS)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong, said so that a person can mend it.

    ``code`` is ``family/name``; ``title`` says what is wrong with their thing, in the present tense; ``why`` teaches
    the domain; ``help`` is something to type or run. ``argument`` narrows ``place`` to one keyword of the call there;
    ``subject`` names the service, alert or file, and alike findings are folded over it.
    """

    code: str
    title: str
    place: Place | None = None
    argument: str | None = None
    why: str = ""
    help: str = ""
    level: Level = Level.ERROR
    subject: str = ""

    def located(self, root: Path) -> Finding:
        """The same finding with ``argument`` resolved into its place."""
        if self.place is None or self.argument is None:
            return self
        return replace(self, place=self.place.argument(self.argument, root), argument=None)

    def as_json(self) -> dict[str, object]:
        """A plain object for machine formats; the level as a word."""
        return {**asdict(self), "level": self.level.word}


class DefinitionError(ValueError):
    """A definition that can never be right, refused where it was written; ``finding`` says it to a person."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding

    def __str__(self) -> str:
        return f"{self.finding.title} ({self.finding.help})" if self.finding.help else self.finding.title


class MeshscopeError(Exception):
    """Something outside the definitions stops the work (a folder, a program, a server); ``finding`` says what to do."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding

    def __str__(self) -> str:
        return self.finding.title


def tallied(findings: Iterable[Finding]) -> str:
    """How many findings of each level there are, heaviest first; empty where there are none."""
    counts = Counter(finding.level for finding in findings)
    return ", ".join(counted(counts[level], level.word) for level in sorted(Level, reverse=True) if counts[level])


def worst(findings: Iterable[Finding]) -> Level | None:
    """The heaviest level among ``findings``; None when there are none."""
    return max((finding.level for finding in findings), default=None)
