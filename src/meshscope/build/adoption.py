"""Our part merged into the configuration of an Alertmanager that a person wrote, as text: no byte of theirs changes.

Our lines stand between two comments, so that the next merge takes out what the last one put in. A library that reads
YAML and writes it again would indent and quote their lines anew; here their lines are only moved apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from typing import Any

import yaml

from meshscope.artefacts.reading import NotYaml, documents
from meshscope.artefacts.yaml import dump
from meshscope.build.fragment import Part
from meshscope.build.templated import line_filled_in, line_of_template
from meshscope.findings import Finding, MeshscopeError, Place

# A key's colon and an empty list or nothing, without an anchor or a tag.
_PLAIN = re.compile(r"[ \t]*:\s*(?:\[\s*\]|~|null|Null|NULL)?")


def adopted(text: str, part: Part, whose: str, path: str) -> str:
    """``text`` with ``part`` merged in; ``whose`` names the mesh and environment.

    Routes come before theirs, so that alerts of ours are told by ours alone. Raises `MeshscopeError` for a file that
    can't be merged safely.
    """
    theirs, before = _without(text, whose), own(text, whose, path)
    _unmerged(before, part, path)
    _known(before, part, path)
    merged = _inserted(theirs, "routes", "route", part["routes"], whose, path)
    for key, items in _lists(part).items():
        if not items:
            continue
        merged = _inserted(merged, key, "", items, whose, path)
    _proved(theirs, part, merged, path)
    return merged


def own(text: str, whose: str, path: str) -> Mapping[str, object]:
    """What is theirs in ``text``, read; an earlier merge's part is not. Raises as `adopted` does."""
    return _read(_without(text, whose), path)


def difference(before: str, after: str, path: str) -> str:
    """The unified diff of a file and what it becomes; empty where nothing changes."""
    lines = unified_diff(before.splitlines(True), after.splitlines(True), f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _marks(whose: str) -> tuple[str, str]:
    return f"# meshscope {whose}: begin", f"# meshscope {whose}: end"


def _without(text: str, whose: str) -> str:
    """``text`` without what an earlier merge put in."""
    begin, end = map(re.escape, _marks(whose))
    return re.sub(rf"(?ms)^[ \t]*{begin}$.*?^[ \t]*{end}\n", "", text)


def _read(text: str, path: str) -> dict[str, object]:
    """The one document of ``text``, its scalars as they are written."""
    try:
        read = list(documents(path, text))
        found = read[0].texts if read else None
    except NotYaml as error:
        line = line_of_template(text)
        raise (
            _filled_in(path, line)
            if line
            else _refused(
                path, error.place.line, "is no YAML", error.said, "mend it, or render it first where it is a template"
            )
        ) from None
    line = min(filter(None, map(line_filled_in, read)), default=0)
    if line:
        raise _filled_in(path, line)
    if len(read) > 1:
        raise _refused(path, read[1].beginning.line, "has a second document", "Alertmanager reads the first alone",
                       "write the configuration alone into a file")  # fmt: skip
    if not isinstance(found, dict) or not isinstance(found.get("route"), dict):
        raise _refused(path, 1, "is no configuration of Alertmanager", "it has no `route` at its top; where it stands "
                       "inside of a Secret or of Helm's values, that is another file",
                       "write the configuration itself into a file, and adopt that")  # fmt: skip
    return found


def _filled_in(path: str, line: int) -> MeshscopeError:
    return _refused(path, line, "is a template", "it is filled in before Alertmanager reads it, and what stands there "
                    "then is not known", "render it first, and adopt what comes out")  # fmt: skip


def _unmerged(theirs: Mapping[str, object], part: Part, path: str) -> None:
    names = _names(theirs) & {str(receiver["name"]) for receiver in part["receivers"]}
    if names:
        raise _refused(path, 1, f"has a receiver `{min(names)}` already", "our part was merged by hand, without the "
                       "comments between which it is found again",
                       "take our routes, inhibit rules and receivers out of it")  # fmt: skip


def _known(theirs: Mapping[str, object], part: Part, path: str) -> None:
    """Refuse a file that lacks a receiver which an owner's contact names."""
    ours = {str(receiver["name"]) for receiver in part["receivers"]}
    lacking = {name for route in part["routes"] for name in _told(route)} - ours - _names(theirs)
    if lacking:
        raise _refused(path, 1, f"has no receiver `{min(lacking)}`", f"an owner is told by receiver:{min(lacking)}",
                       f"name one that it has: {', '.join(sorted(_names(theirs))) or 'it has none'}")  # fmt: skip


def _told(route: Mapping[str, object]) -> Iterator[str]:
    yield str(route["receiver"])
    below = route.get("routes")
    for child in below if isinstance(below, list) else []:
        yield from _told(child)


def _names(document: Mapping[str, object]) -> set[str]:
    receivers = document.get("receivers")
    return (
        {str(one.get("name")) for one in receivers if isinstance(one, dict)} if isinstance(receivers, list) else set()
    )


def _inserted(text: str, key: str, inside: str, items: object, whose: str, path: str) -> str:
    try:
        top = yaml.compose(text, yaml.SafeLoader)
        tokens = list(yaml.scan(text, yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError):
        # It was read, so it is our last part that doesn't fit.
        raise _unprovable(path) from None
    parent = _entry(top, inside)[1] if inside else top
    if not isinstance(parent, yaml.MappingNode) or parent.flow_style:
        raise _flow(path, parent, inside or "the file")
    name, value = _entry(parent, key)
    if name is None or value is None:
        # The first key, since an anchor or a tag of the mapping may stand elsewhere.
        first = parent.value[0][0].start_mark
        at = first.index - first.column
        if text[at : first.index].strip():
            raise _unusual(path, first, inside or "the file")
        pad = " " * first.column
        # A block of ours that is there already begins with a comment, which is no part of what it opens.
        opening = f"{pad}{_marks(whose)[0]}\n"
        at -= len(opening) if text[:at].endswith(opening) else 0
        return f"{text[:at]}{_block(items, whose, pad, key)}{text[at:]}"
    if value.start_mark.index < name.end_mark.index:
        raise _unusual(path, name.start_mark, key)
    if isinstance(value, yaml.SequenceNode) and value.value:
        if value.flow_style:
            raise _flow(path, value, key)
        dash = next(
            number
            for number, token in enumerate(tokens)
            if isinstance(token, yaml.BlockEntryToken) and token.start_mark.index >= value.start_mark.index
        )
        # Behind all that belongs to the key: an anchor or a tag may stand on a line of its own.
        pad, spared, behind = " " * tokens[dash].start_mark.column, text, _last(tokens, dash).index
        if "\n" not in text[behind : tokens[dash].start_mark.index]:
            raise _unusual(path, tokens[dash].start_mark, key)
    elif _is_nothing(value):
        # Our lines are all that it holds.
        if not _PLAIN.fullmatch(text[name.end_mark.index : value.end_mark.index]):
            raise _unusual(path, name.start_mark, key)
        pad, behind = " " * (name.start_mark.column + 2), name.end_mark.index
        spared = f"{text[:behind]}:{text[value.end_mark.index :]}"
    else:
        raise _refused(path, value.start_mark.line + 1, f"has `{key}` that is no list", "our items go into that list, "
                       "and Alertmanager refuses what is none", "write a list, or leave the key out")  # fmt: skip
    at = spared.find("\n", behind) + 1 or len(spared)
    broken = "" if spared[:at].endswith("\n") else "\n"
    return f"{spared[:at]}{broken}{_block(items, whose, pad)}{spared[at:]}"


def _last(tokens: Sequence[yaml.Token], dash: int) -> yaml.Mark:
    """The end of what stands before the first dash of a list; that a block begins is no text."""
    before = (token for token in reversed(tokens[:dash]) if not isinstance(token, yaml.BlockSequenceStartToken))
    mark: yaml.Mark = next(before).end_mark
    return mark


def _is_nothing(value: yaml.Node) -> bool:
    return not value.value if isinstance(value, yaml.SequenceNode) else value.tag == "tag:yaml.org,2002:null"


def _entry(parent: yaml.Node | None, key: str) -> tuple[yaml.Node | None, yaml.Node | None]:
    if isinstance(parent, yaml.MappingNode):
        for name, value in parent.value:
            if name.value == key:
                return name, value
    return None, None


def _block(items: object, whose: str, pad: str, key: str = "") -> str:
    begin, end = _marks(whose)
    body = dump({key: items}) if key else "".join(f"{line[2:]}\n" for line in dump({"x": items}).splitlines()[1:])
    lines = [begin, *body.splitlines(), end]
    return "".join(f"{pad}{line}\n" if line else "\n" for line in lines)


def _lists(part: Part) -> dict[str, list[dict[str, object]]]:
    return {key: part[key] for key in ("inhibit_rules", "receivers", "time_intervals")}


def _proved(theirs: str, part: Part, merged: str, path: str) -> None:
    """Refuse where what is read of the result is not theirs with our part in front."""
    before, ours = _typed(theirs, path), _typed(dump(part), path)
    route = before["route"]
    wanted = {**before, "route": {**route, "routes": ours["routes"] + (route.get("routes") or [])}}
    for key, items in _lists(part).items():
        if items:
            wanted[key] = ours[key] + (before.get(key) or [])
    if _typed(merged, path) != wanted:
        raise _unprovable(path)


def _typed(text: str, path: str) -> dict[str, Any]:
    try:
        (document,) = documents(path, text)
        found: dict[str, Any] = document.value  # type: ignore[assignment]
    except (NotYaml, ValueError):
        raise _unprovable(path) from None
    return found


def _unprovable(path: str) -> MeshscopeError:
    return _refused(path, 1, "can't be merged", "what came out is not what stood there with our part in front",
                    "merge alertmanager/fragment.yaml by hand, and report the file's form")  # fmt: skip


def _unusual(path: str, mark: yaml.Mark, what: str) -> MeshscopeError:
    return _refused(path, mark.line + 1, f"has `{what}` in a form that our lines don't fit into", "they go between "
                    "theirs, and an alias, a question mark or a tag stands in the way",
                    "write the key, a colon, and a line with a dash for each item")  # fmt: skip


def _flow(path: str, node: yaml.Node | None, what: str) -> MeshscopeError:
    line = node.start_mark.line + 1 if node is not None else 1
    return _refused(path, line, f"has `{what}` in one line, in brackets", "our lines go between theirs, so that none "
                    "of theirs is written anew", "write it with a line and a dash for each item")  # fmt: skip


def _refused(path: str, line: int, title: str, why: str, remedy: str) -> MeshscopeError:
    return MeshscopeError(
        Finding(
            code="alertmanager/not-adopted",
            title=f"{path} {title}",
            place=Place(path, line),
            why=why,
            help=remedy,
        )
    )
