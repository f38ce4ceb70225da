"""YAML that people write, read as Prometheus and Kubernetes read it: each value with the lines on which it stands.

Go reads a bare word into a text as it is written (``on``, ``1.10``), where a reader of YAML 1.1 would make it a
boolean or a number; so a document is given twice, with its scalars as texts and as the core schema of YAML 1.2 types
them. Values are made here and not by PyYAML's constructors, which fail on what their tags don't fit (a day 45, an
integer of no digits) with whatever Python says. The one exception of this module is `NotYaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import yaml

from meshscope.findings import Place

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


class NotYaml(Exception):
    """A text, or one of its documents, that can't be read: where, and what is wrong."""

    def __init__(self, said: str, place: Place) -> None:
        super().__init__(said)
        self.said = said
        self.place = place


@dataclass(frozen=True)
class Document:
    """One document of the YAML ``text`` in the file ``path``; of two keys of one name ``last_wins``, or none does."""

    path: str
    text: str = field(repr=False)
    lines: tuple[str, ...] = field(repr=False)
    node: yaml.Node = field(repr=False)
    last_wins: bool = False

    @cached_property
    def texts(self) -> object:
        """What it says, every scalar as it is written. Raises `NotYaml`."""
        return self._made(typed=False)

    @cached_property
    def value(self) -> object:
        """What it says, every scalar typed. Raises `NotYaml`."""
        return self._made(typed=True)

    def written(self) -> Iterator[tuple[int, str]]:
        """Each scalar, keys too, with the line on which its text begins."""
        seen: set[int] = set()
        waiting = [self.node]
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, yaml.ScalarNode):
                # A block begins on the line after its sign.
                yield node.start_mark.line + (2 if node.style in ("|", ">") else 1), str(node.value)
            waiting += reversed(list(_children(node)))

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

    def _made(self, *, typed: bool) -> object:
        try:
            if _size(self.node, {}) > _MOST:
                raise NotYaml(f"its aliases unfold to more than {_MOST:,} values", self.beginning)
            return _Maker(self.path, typed, self.last_wins).value(self.node)
        except (RecursionError, ValueError) as error:
            raise NotYaml(str(error).partition("\n")[0], self.beginning) from None

    @property
    def beginning(self) -> Place:
        """The line on which the document begins."""
        return Place(self.path, self.node.start_mark.line + 1)

    @property
    def bounds(self) -> tuple[int, int]:
        """Where in the text the document begins and ends."""
        return self.node.start_mark.index, self.node.end_mark.index


def documents(path: str, text: str, *, last_wins: bool = False) -> Iterator[Document]:
    """Every document of a YAML file that is not empty, up to where it is no YAML. Raises `NotYaml` there."""
    lines = tuple(text.split("\n"))
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            if node is not None and not (isinstance(node, yaml.ScalarNode) and _NULL.fullmatch(node.value)):
                yield Document(path, text, lines, node, last_wins)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = error.problem or error.context or str(error)
        raise NotYaml(said, Place(path, mark.line + 1, mark.column + 1) if mark else Place(path, 1)) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise NotYaml(str(error).partition("\n")[0], Place(path, 1)) from None


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


@dataclass(frozen=True)
class _Maker:
    path: str
    typed: bool
    last_wins: bool
    known: dict[int, object] = field(default_factory=dict)

    def value(self, node: yaml.Node) -> object:
        if id(node) not in self.known:
            if isinstance(node, yaml.MappingNode):
                self.known[id(node)] = self._mapping(node)
            elif isinstance(node, yaml.SequenceNode):
                self.known[id(node)] = [self.value(child) for child in node.value]
            else:
                self.known[id(node)] = _typed(node) if self.typed else _scalar(node)
        return self.known[id(node)]

    def _mapping(self, node: yaml.MappingNode) -> dict[str, object]:
        own: dict[str, object] = {}
        merged: dict[str, object] = {}
        for key, child in node.value:
            value = self.value(child)
            if key.tag == _MERGE:
                for one in value if isinstance(value, list) else [value]:
                    merged = {**one, **merged} if isinstance(one, dict) else merged
                continue
            where = Place(self.path, key.start_mark.line + 1, key.start_mark.column + 1)
            if not isinstance(key, yaml.ScalarNode):
                raise NotYaml("a key is no text", where)
            name = str(_scalar(key))
            if name in own and not self.last_wins:
                raise NotYaml(f"`{name}` is there twice", where)
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
