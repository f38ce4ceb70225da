"""Comments that allow a finding for a while: ``# meshscope: allow family/name until 2027-01-31 reason``.

The comment stands on a line of the definition, or by itself on the line above. For files that can't have comments
`Allow` in mesh.py says the same. After its day the finding is back, and so is one that says so; a permission that is
not understood or that nothing needs is a finding too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from meshscope.findings import Finding, Level, Place
from meshscope.model.allowing import Allow

_COMMENT = re.compile(r"#\s*meshscope:\s*(?P<said>.*)$")
_ALLOW = re.compile(r"allow\s+(?P<code>[\w-]+/[\w-]+)\s+until\s+(?P<until>\d{4}-\d{2}-\d{2})\s+(?P<reason>\S.*)")
_SHAPE = "# meshscope: allow family/name until YYYY-MM-DD reason"


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One such permission: what it allows, and through which day.

    A comment is ``alone`` where nothing else is on its line; ``file`` is the pattern of the files that another is for.
    """

    code: str
    until: date
    place: Place
    alone: bool = False
    file: str = ""

    def covers(self, finding: Finding) -> bool:
        """Whether it stands at the definition that ``finding`` is about."""
        place = finding.place
        if place is None or finding.code != self.code:
            return False
        if self.file:
            return fnmatchcase(place.path, self.file)
        if place.path != self.place.path:
            return False
        first = place.line - 1 if self.alone else place.line
        return first <= self.place.line <= max(place.end_line, place.line)


def permissions(
    root: Path, paths: Iterable[str], codes: Callable[[], Collection[str]]
) -> tuple[list[Permission], list[Finding]]:
    """The permissions in the files ``paths`` below ``root``, and what is wrong with those that can't be understood.

    ``codes`` are those that can be allowed; it is called only where something is, for they are read from the code.
    """
    found: list[Permission] = []
    findings: list[Finding] = []
    for path in paths:
        for line, text in _lines(root / path):
            match = _COMMENT.search(text)
            if match is None:
                continue
            place = Place(path, line, len(text[: match.start()].encode()) + 1, line, len(text.encode()) + 1)
            read = _read(match["said"], place, codes, alone=not text[: match.start()].strip())
            if isinstance(read, Permission):
                found.append(read)
            else:
                findings.append(read)
    return found, findings


def declared(given: Iterable[Allow], codes: Callable[[], Collection[str]]) -> tuple[list[Permission], list[Finding]]:
    """The permissions that mesh.py gives for other files, and what is wrong with those that can't be understood."""
    read = [
        _permission(each.code, each.until, each.place or Place("mesh.py", 1), codes, file=each.file) for each in given
    ]
    found = [one for one in read if isinstance(one, Permission)]
    return found, [one for one in read if isinstance(one, Finding)]


def allowed(
    findings: Sequence[Finding], given: Sequence[Permission], today: date
) -> tuple[list[Finding], list[Finding]]:
    """The findings that stand on ``today``, those about permissions among them; and those that are held back."""
    kept: list[Finding] = []
    held: list[Finding] = []
    used: set[Permission] = set()
    for finding in findings:
        covering = [permission for permission in given if permission.covers(finding)]
        used.update(covering)
        if any(permission.until >= today for permission in covering):
            held.append(finding)
        else:
            kept.append(finding)
    for permission in given:
        if permission.until < today and permission in used:
            kept.append(_expired(permission))
        elif permission not in used:
            kept.append(_unused(permission))
    return kept, held


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    if "meshscope:" in text:
        yield from enumerate(text.split("\n"), start=1)


def _read(said: str, place: Place, codes: Callable[[], Collection[str]], *, alone: bool) -> Permission | Finding:
    match = _ALLOW.match(said)
    if match is None:
        return _bad("this permission can't be understood", place, f"write it as {_SHAPE}")
    return _permission(match["code"], match["until"], place, codes, alone=alone)


def _permission(
    code: str, until: str, place: Place, codes: Callable[[], Collection[str]], *, alone: bool = False, file: str = ""
) -> Permission | Finding:
    if code not in (known := codes()):
        close = get_close_matches(code, known, n=1)
        remedy = f"did you mean {close[0]}?" if close else "run `meshscope explain` for the list of codes"
        return _bad(f"`{code}` can't be allowed: there is no such rule", place, remedy)
    try:
        day = date.fromisoformat(until)
    except ValueError:
        return _bad(f"`{until}` is no day", place, "write it as YYYY-MM-DD")
    return Permission(code=code, until=day, place=place, alone=alone, file=file)


def _bad(title: str, place: Place, remedy: str) -> Finding:
    return Finding(
        code="suppression/not-understood",
        title=title,
        place=place,
        level=Level.WARNING,
        why="so it allows nothing; a permission names a rule, the last day on which it holds, and the reason",
        help=remedy,
    )


def _expired(permission: Permission) -> Finding:
    return Finding(
        code="suppression/expired",
        title=f"the permission for {permission.code} ended on {permission.until}",
        place=permission.place,
        level=Level.WARNING,
        why="what it allowed is a finding again",
        help="mend what it was given for, or write a later day and why it takes longer",
        subject=permission.code,
    )


def _unused(permission: Permission) -> Finding:
    return Finding(
        code="suppression/unused",
        title=f"nothing needs the permission for {permission.code}",
        place=permission.place,
        level=Level.NOTE,
        why="what it allowed was mended, or stands elsewhere now",
        help="remove it",
        subject=permission.code,
    )
