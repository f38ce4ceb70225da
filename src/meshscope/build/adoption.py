"""Our part merged into the configuration of an Alertmanager that a person wrote, as text: no byte of theirs changes.

Our lines stand between two comments, so that the next merge takes out what the last one put in. A library that reads
YAML and writes it again would indent and quote their lines anew; here their lines are only moved apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import unified_diff

import yaml

from meshscope.artefacts.yaml import dump
from meshscope.build.fragment import Part
from meshscope.findings import Finding, MeshscopeError, Place

# What is filled in before Alertmanager reads the file: Helm, Jinja, envsubst. Alertmanager's own templates, which stand
# in the texts of receivers, begin with a dot and a capital letter of its data, and are none of these.
_TEMPLATED = re.compile(
    r"\{\{-?\s*(\.Values|\.Release|\.Chart|\.Files|include\b|tpl\b|toYaml\b|lookup\b)|\{%|\$\{[A-Za-z_]\w*\}"
)


def adopted(text: str, part: Part, whose: str, path: str) -> str:
    """``text`` with ``part`` merged in; ``whose`` names the mesh and environment.

    Routes come before theirs, so that alerts of ours are told by ours alone. Raises `MeshscopeError` for a file that
    can't be merged safely.
    """
    templated = _TEMPLATED.search(text)
    if templated:
        line = text.count("\n", 0, templated.start()) + 1
        raise _refused(path, line, "is a template", "it is filled in before Alertmanager reads it, and what stands "
                       "there then is not known", "render it first, and adopt what comes out")  # fmt: skip
    theirs, before = _without(text, whose), own(text, whose, path)
    _unmerged(before, part, path)
    _known(before, part, path)
    merged = _inserted(theirs, "routes", "route", part["routes"], whose, path)
    for key, items in _lists(part).items():
        if not items:
            continue
        merged = _inserted(merged, key, "", items, whose, path)
    _proved(before, part, merged, path)
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
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise _refused(path, line, "is no YAML", str(getattr(error, "problem", None) or error).split("\n")[0],
                       "mend it, or render it first where it is a template") from error  # fmt: skip
    if not isinstance(found, dict) or not isinstance(found.get("route"), dict):
        raise _refused(path, 1, "is no configuration of Alertmanager", "it has no `route` at its top; where it stands "
                       "inside of a Secret or of Helm's values, that is another file",
                       "write the configuration itself into a file, and adopt that")  # fmt: skip
    return found


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
    top = yaml.compose(text, yaml.SafeLoader)
    parent = _entry(top, inside)[1] if inside else top
    if not isinstance(parent, yaml.MappingNode) or parent.flow_style:
        raise _flow(path, parent, inside or "the file")
    name, value = _entry(parent, key)
    if name is None or value is None:
        at = parent.start_mark.index - parent.start_mark.column
        pad = " " * parent.start_mark.column
        # A block of ours that is there already begins with a comment, which is no part of what it opens.
        opening = f"{pad}{_marks(whose)[0]}\n"
        at -= len(opening) if text[:at].endswith(opening) else 0
        return f"{text[:at]}{_block(items, whose, pad, key)}{text[at:]}"
    if isinstance(value, yaml.SequenceNode) and value.value:
        if value.flow_style:
            raise _flow(path, value, key)
        pad, spared = " " * value.start_mark.column, text
    else:
        # Nothing stands there, or an empty list: our lines are all that it holds.
        pad = " " * (name.start_mark.column + 2)
        spared = f"{text[: name.end_mark.index]}:{text[value.end_mark.index :]}"
    at = spared.find("\n", name.end_mark.index) + 1 or len(spared)
    broken = "" if spared[:at].endswith("\n") else "\n"
    return f"{spared[:at]}{broken}{_block(items, whose, pad)}{spared[at:]}"


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


def _proved(before: Mapping[str, object], part: Part, merged: str, path: str) -> None:
    """Refuse where what is read of the result is not theirs with our part in front."""
    route = before["route"]
    theirs = dict(route) if isinstance(route, Mapping) else {}
    wanted = {**before, "route": {**theirs, "routes": part["routes"] + (theirs.get("routes") or [])}}
    for key, items in _lists(part).items():
        own = before.get(key)
        if not items:
            continue
        wanted[key] = items + (own if isinstance(own, list) else [])
    if _read(merged, path) != yaml.safe_load(dump(wanted)):
        raise _refused(path, 1, "can't be merged", "what came out is not what stood there with our part in front",
                       "merge alertmanager/fragment.yaml by hand, and report the file's form")  # fmt: skip


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
