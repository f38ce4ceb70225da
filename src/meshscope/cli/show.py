"""Findings as a person reads them: under the argument in their own file, with why and help, folded where alike."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TextIO

import click

from meshscope.findings import Finding, Level, Place

_STYLES = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "cyan"}
_LISTED = 5


def coloured(stream: TextIO) -> bool:
    """Whether ``stream`` is a terminal that wants colours."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def say(text: str) -> None:
    """Write to stderr, where the talk goes."""
    sys.stderr.write(text)
    sys.stderr.flush()


def shown(findings: Iterable[Finding], root: Path | None, stream: TextIO) -> str:
    """``findings`` as they are printed to ``stream``; ``root`` is the house whose lines are quoted.

    Errors come first, then in the order of files and lines; those that differ only in their subject are folded.
    """
    colour = coloured(stream)
    return "".join(_folded(group, root, colour) + "\n" for group in folded(ordered(finding for finding in findings)))


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by file, line and code."""
    return sorted(
        findings, key=lambda finding: (-finding.level, finding.place or Place("", 0), finding.code, finding.title)
    )


def folded(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings in groups that differ in nothing but their subject and place, in the order of each first one."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        groups.setdefault(_alike(finding), []).append(finding)
    return list(groups.values())


def _alike(finding: Finding) -> tuple[object, ...]:
    if not finding.subject:
        return (finding,)

    def without(text: str) -> str:
        return text.replace(finding.subject, "\0")

    return finding.code, finding.level, without(finding.title), without(finding.why), without(finding.help)


def _folded(group: Sequence[Finding], root: Path | None, colour: bool) -> str:
    first, rest = group[0], group[1:]
    lines = [*_head(first, colour), *_excerpt(first, root, colour)]
    margin = " " * (len(str(first.place.line)) if first.place else 1)
    for word, text in (("why: ", first.why), ("help:", first.help)):
        if text:
            lines.append(f"{margin} = {word} " + _clean(text).replace("\n", f"\n{margin}         "))
    if rest:
        lines.append(f"{margin} = {len(rest)} more alike: {_others(rest)}")
    return "\n".join(lines) + "\n"


def _others(rest: Sequence[Finding]) -> str:
    named = [f"{finding.subject} ({finding.place})" if finding.place else finding.subject for finding in rest]
    left = len(named) - _LISTED
    return ", ".join(named[:_LISTED]) + (f" and {left} others" if left > 0 else "")


def _head(finding: Finding, colour: bool) -> Iterator[str]:
    label = f"{finding.level.word}[{finding.code}]"
    title = f": {_clean(finding.title)}"
    if colour:
        label, title = click.style(label, fg=_STYLES[finding.level], bold=True), click.style(title, bold=True)
    yield label + title


def _excerpt(finding: Finding, root: Path | None, colour: bool) -> Iterator[str]:
    place = finding.place
    if place is None:
        return
    if place in (Place(place.path, 1), Place(place.path, 1, 1, 0, 1)):
        yield f" --> {place.path}"
        return
    source = line_of(root, place)
    margin = " " * len(str(place.line))
    start = len(characters(source, place.column)) if source is not None else place.column - 1
    yield f"{margin}--> {place.path}:{place.line}:{start + 1}"
    if source is None:
        return
    yield f"{margin} |"
    yield f"{place.line} | {_clean(source)}"
    end = place.end_column if place.end_line == place.line else len(source.encode()) + 1
    marked = source[start : len(characters(source, end))] or " "
    if place.end_line and place.end_column <= place.column and place.end_line == place.line:
        # Only the line is known.
        start, marked = len(source) - len(source.lstrip()), source.strip() or " "
    elif place.end_line:
        marked = marked.rstrip() or marked
    padding = "".join(letter if letter == "\t" else " " * _width(letter) for letter in source[:start])
    arrow = "^" * (sum(map(_width, marked)) if place.end_line else 1)
    yield f"{margin} | {padding}" + (click.style(arrow, fg=_STYLES[finding.level], bold=True) if colour else arrow)


def line_of(root: Path | None, place: Place) -> str | None:
    """The line at ``place`` in the file below ``root``; None where there is no such file or line."""
    lines = _lines(root / place.path) if root is not None else ()
    return lines[place.line - 1] if 0 < place.line <= len(lines) else None


def characters(line: str, column: int) -> str:
    """What stands before ``column``, which counts bytes of UTF-8 from 1, as Python's own positions do."""
    return line.encode()[: max(column - 1, 0)].decode(errors="ignore")


@lru_cache(maxsize=256)
def _lines(path: Path) -> tuple[str, ...]:
    try:
        return tuple(path.read_text(encoding="utf-8", errors="replace").split("\n"))
    except OSError:
        return ()


def _clean(text: str) -> str:
    """``text`` without what would steer a terminal."""
    return "".join(letter if letter.isprintable() or letter in "\t\n" else "\ufffd" for letter in text)


def _width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
