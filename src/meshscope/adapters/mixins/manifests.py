"""YAML as Prometheus and Kubernetes read it, each value with the lines on which it stands.

Go reads a bare word into a text as it is written (``on``, ``1.10``), where a reader of YAML 1.1 would make it a
boolean or a number; so every document is given twice, with its scalars as texts and as the core schema of YAML 1.2
types them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from meshscope.findings import Finding, MeshscopeError, Place

# libyaml, of which Go's reader is a port; the slow one reads the same.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = re.compile(r"null|Null|NULL|~|")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"
_QUOTES = ("'", '"', "|", ">")
# What aliases may unfold to: a few lines can stand for billions of values.
_MOST = 2_000_000


@dataclass(frozen=True)
class Document:
    """One document of the file ``path``: ``texts`` has every scalar as it is written, ``value`` typed ones."""

    path: str
    lines: tuple[str, ...] = field(repr=False)
    node: yaml.Node = field(repr=False)
    texts: object
    value: object

    def place(self, *keys: str | int) -> Place:
        """The lines of the value at ``keys``, or of the nearest one around it that is there."""
        node = self.node
        for key in keys:
            inner = _inside(node, key)
            if inner is None:
                break
            node = inner
        return _place(self.path, self.lines, node)

    def span(self, key: str) -> tuple[int, int]:
        """Where in the text the value of the top-level ``key`` stands: from the end of the key to its own."""
        for name, value in _pairs(self.node):
            if _scalar(name) == key:
                return name.end_mark.index, value.end_mark.index
        raise KeyError(key)

    @property
    def bounds(self) -> tuple[int, int]:
        """Where in the text the document begins and ends."""
        return self.node.start_mark.index, self.node.end_mark.index


def documents(path: str, text: str) -> list[Document]:
    """Every document of a YAML file that is not empty. Raises `MeshscopeError` for what is no YAML."""
    try:
        loader = _Loader(text)
        nodes: list[yaml.Node] = []
        while loader.check_node():
            node = loader.get_node()
            nodes += [node] if node is not None else []
        lines = tuple(text.split("\n"))
        return [
            Document(path, lines, node, _made(node, path, typed=False), _made(node, path, typed=True))
            for node in nodes
            if not (isinstance(node, yaml.ScalarNode) and _NULL.fullmatch(node.value))
        ]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = error.problem or error.context or str(error)
        place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path, 1)
        raise MeshscopeError(_refused(path, said, place)) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise MeshscopeError(_refused(path, str(error).partition("\n")[0], Place(path, 1))) from None


def _refused(path: str, said: str, place: Place) -> Finding:
    return Finding(
        code="yaml/no-yaml",
        title=f"`{path}` is no YAML: {said}",
        place=place,
        why="neither Prometheus nor Kubernetes would read it, and nothing of it is carried",
        help="mend the line that the arrow points at",
        subject=path,
    )


def _made(node: yaml.Node, path: str, *, typed: bool) -> object:
    sizes: dict[int, int] = {}
    if _size(node, sizes) > _MOST:
        raise ValueError(f"its aliases unfold to more than {_MOST:,} values")
    return _value(node, path, {}, typed=typed)


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values ``node`` holds with every alias unfolded."""
    if id(node) not in known:
        # What holds itself is never done.
        known[id(node)] = _MOST + 1
        known[id(node)] = 1 + sum(_size(child, known) for child in _children(node))
    return known[id(node)]


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _value(node: yaml.Node, path: str, known: dict[int, object], *, typed: bool) -> object:
    if id(node) not in known:
        if isinstance(node, yaml.MappingNode):
            known[id(node)] = _mapping(node, path, known, typed=typed)
        elif isinstance(node, yaml.SequenceNode):
            known[id(node)] = [_value(child, path, known, typed=typed) for child in node.value]
        else:
            known[id(node)] = _typed(node) if typed else _scalar(node)
    return known[id(node)]


def _mapping(node: yaml.MappingNode, path: str, known: dict[int, object], *, typed: bool) -> dict[str, object]:
    own: dict[str, object] = {}
    merged: dict[str, object] = {}
    for key, child in node.value:
        value = _value(child, path, known, typed=typed)
        if key.tag == _MERGE:
            for one in value if isinstance(value, list) else [value]:
                merged = {**one, **merged} if isinstance(one, dict) else merged
            continue
        name = str(_scalar(key) if isinstance(key, yaml.ScalarNode) else key.tag)
        if name in own:
            where = Place(path, key.start_mark.line + 1, key.start_mark.column + 1)
            raise MeshscopeError(_refused(path, f"`{name}` is there twice", where))
        own[name] = value
    return {**merged, **own}


def _scalar(node: yaml.Node) -> str | None:
    return None if _is_bare(node) and _NULL.fullmatch(node.value) else str(node.value)


def _typed(node: yaml.Node) -> object:
    text = str(node.value)
    if not _is_bare(node) or node.tag == _TEXT:
        return text
    if _NULL.fullmatch(text):
        return None
    if _BOOLEAN.fullmatch(text):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _is_bare(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style not in _QUOTES


def _pairs(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []


def _inside(node: yaml.Node, key: str | int) -> yaml.Node | None:
    if isinstance(key, str):
        return next((value for name, value in _pairs(node) if _scalar(name) == key), None)
    if isinstance(node, yaml.SequenceNode) and key < len(node.value):
        found: yaml.Node = node.value[key]
        return found
    return None


def _place(path: str, lines: tuple[str, ...], node: yaml.Node) -> Place:
    start, (line, column) = node.start_mark, _end(node)
    return Place(path, start.line + 1, _byte(lines, start.line, start.column), line + 1, _byte(lines, line, column))


def _end(node: yaml.Node) -> tuple[int, int]:
    """Where the last scalar of ``node`` ends; a block ends only where the next thing begins."""
    children = list(_children(node))
    if children:
        return max(_end(child) for child in children)
    mark = node.end_mark
    if mark.column == 0 and mark.line > node.start_mark.line:
        return mark.line - 1, 1 << 30
    return mark.line, mark.column


def _byte(lines: tuple[str, ...], line: int, column: int) -> int:
    return len(lines[line][:column].encode()) + 1 if line < len(lines) else 1
