"""What differs between the true build and the one that runs, in which time passes faster."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from meshscope.artefacts.files import File

# What no program reads: it says how the tree was built.
_ABOUT = ("manifest.json", "model.json", "README.md", "detection.txt")
_LENGTH = re.compile(r"\b(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+\b")
# Rates are multiplied with their window's seconds where a rule counts events, counts are divided by them, and a rule
# looks so many seconds back.
_SECONDS = re.compile(r"(?<=[*/])\d+(?:\.\d+)?|(?<=time\(\)-)\d+(?:\.\d+)?")
_COMMENT = re.compile(r"^ *# ?", re.MULTILINE)
_SPACE = re.compile(r"\s+")
# What shows best that windows, pending times and waits all shrink.
_TELLING = ("scrape_interval:", "rate(", "for:", "group_wait:")


@dataclass(frozen=True)
class Line:
    """A line that differs: in which file, and how it is in each build."""

    path: str
    true: str
    scaled: str

    def lengths(self) -> str:
        """The lengths of time that stand in the scaled line and not in the true one."""
        true = _LENGTH.findall(self.true)
        return ", ".join(dict.fromkeys(length for length in _LENGTH.findall(self.scaled) if length not in true))


@dataclass(frozen=True)
class Difference:
    """The lines that differ, and those of them that differ in more than lengths of time."""

    lines: tuple[Line, ...]
    others: tuple[Line, ...]

    def samples(self) -> Iterator[Line]:
        """A few lines that show what differs: each of them the shortest of its kind."""
        for part in _TELLING:
            found = [line for line in self.lines if line.true.strip().startswith(part)]
            yield from sorted(found, key=lambda line: len(line.true.strip()))[:1]


def difference(true: Sequence[File], scaled: Sequence[File]) -> Difference:
    """Compare two builds of the same definitions, file by file."""
    fast = {file.path: file.content.decode() for file in scaled}
    lines: list[Line] = []
    others: list[Line] = []
    for file in true:
        if file.path in _ABOUT or file.path.startswith("prometheus/tests/"):
            continue
        ours, theirs = file.content.decode(), fast.get(file.path, "")
        found = list(_lines(file.path, ours, theirs))
        lines += found
        # Where a paragraph is broken may follow from how long its lengths of time are, so the file is asked as a whole.
        if _timeless(ours) != _timeless(theirs):
            others += (line for line in found if _timeless(line.true) != _timeless(line.scaled))
    return Difference(tuple(lines), tuple(others))


def _lines(path: str, true: str, scaled: str) -> Iterator[Line]:
    ours, theirs = true.splitlines(), scaled.splitlines()
    if len(ours) == len(theirs):
        yield from (Line(path, one, other) for one, other in zip(ours, theirs, strict=True) if one != other)
        return
    # A shorter length may fit into a line where a longer one did not.
    for kind, start, end, begin, stop in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if kind != "equal":
            yield Line(path, " ".join(ours[start:end]), " ".join(theirs[begin:stop]))


def _timeless(text: str) -> str:
    return _SECONDS.sub("*", _SPACE.sub("", _LENGTH.sub("*", _COMMENT.sub("", text))))
