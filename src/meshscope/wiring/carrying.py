"""What foreign files define, put together: one name for each thing, tests beside the rules that they are about."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from meshscope.findings import Finding, Level, Place
from meshscope.model.boards import DashboardDefinition
from meshscope.model.foreign import ForeignRules, ForeignTests
from meshscope.wiring.importing import FOLDERS, inner_homes, is_left_alone
from meshscope.wiring.taking import Foreign, UnitTests, slug

N = TypeVar("N", DashboardDefinition, ForeignRules, ForeignTests)


def carried(
    found: Sequence[Foreign], own: Collection[str]
) -> tuple[list[DashboardDefinition | ForeignRules | ForeignTests], list[Finding]]:
    """Every foreign definition under a name that no other has, and what is wrong with them; ``own`` names our boards.

    Equal names in different folders are told apart by their folders.
    """
    findings = [finding for one in found for finding in one.findings]
    dashboards = _named([each for one in found for each in one.dashboards], own)
    rules = _named([each for one in found for each in one.rules], ())
    tests, lacking = _about([each for one in found for each in one.tests], rules)
    return [*dashboards, *rules, *_named(tests, ())], [*findings, *lacking]


def _named(definitions: Sequence[N], own: Collection[str]) -> list[N]:
    first = Counter(each.name for each in definitions)
    renamed = [
        replace(each, name=_with_folder(each)) if first[each.name] > 1 or each.name in own else each
        for each in definitions
    ]
    taken = set(own)
    result: list[N] = []
    for each in renamed:
        name, number = each.name, 1
        while name in taken:
            number += 1
            name = f"{each.name}-{number}"
        taken.add(name)
        result.append(replace(each, name=name))
    return result


def _with_folder(definition: DashboardDefinition | ForeignRules | ForeignTests) -> str:
    path = definition.place.path if definition.place else ""
    folder = slug("-".join(path.split("/")[1:-1])) if path.count("/") > 1 else ""
    start, name = ("carried-", definition.name[8:]) if definition.name.startswith("carried-") else ("", definition.name)
    return f"{start}{folder}-{name}" if folder else definition.name


def _about(tests: Iterable[UnitTests], rules: Sequence[ForeignRules]) -> tuple[list[ForeignTests], list[Finding]]:
    made: list[ForeignTests] = []
    findings: list[Finding] = []
    for each in tests:
        named: dict[str, None] = {}
        for file in each.files:
            path = posixpath.normpath(posixpath.join(posixpath.dirname(each.path), file))
            fitting = [one.name for one in rules if one.place and fnmatchcase(one.place.path, path)]
            named.update(dict.fromkeys(fitting))
            if not fitting:
                findings.append(_unknown_file(each, file))
        if named:
            made.append(
                ForeignTests(
                    name=each.name,
                    before=each.before,
                    after=each.after,
                    rules=tuple(named),
                    count=each.count,
                    place=each.place,
                )
            )
    return made, findings


def _unknown_file(tests: UnitTests, file: str) -> Finding:
    return Finding(
        code="rule/untested",
        title=f"the unit tests in `{tests.path}` are about `{file}`, and no rules are carried from there",
        place=tests.place,
        why="a test of rules that nobody builds proves nothing",
        help="put the rule file into the definition folders too, and name it as seen from the tests",
        subject=tests.path,
    )


def unread(root: Path, read: Iterable[str]) -> Iterator[Finding]:
    """One finding for each file in the definition folders that no definition came from and none has read."""
    known = set(read)
    homes = inner_homes(root)
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root).as_posix()
            # A link to nowhere among the Python files is said by whoever imports them.
            if path.is_dir() or (path.suffix == ".py" and not path.is_file()):
                continue
            if relative in known or path.suffix in (".md", ".pyc") or is_left_alone(path, root):
                continue
            yield _unread(relative, in_mixin=any(home in path.parents for home in homes))


def _unread(relative: str, *, in_mixin: bool) -> Finding:
    return Finding(
        code="load/not-read",
        title=f"`{relative}` is read by nothing",
        place=Place(relative, 1),
        level=Level.NOTE if in_mixin else Level.WARNING,
        why="of a mixin's folder only what its mixin.libsonnet imports is read, and no Python in it is ever run"
        if in_mixin
        else "definitions are Python, JSON, YAML and jsonnet; whatever else lies here is built into nothing",
        help="import it, or take it out of the definition folders",
        subject=relative,
    )
