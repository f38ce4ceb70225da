"""The words of definition files, read from the code: what each is, its arguments, their shape, unit and default.

A field's meaning is the string that stands below it in its class; an example stands in the word's docstring after
``Example::``. Tests hold every word to both.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import zip_longest
from types import ModuleType

import meshscope
from meshscope.model.units import Duration, Rate, Ratio, plain

_EXAMPLE = "Example::"
# What a person never writes: a definition's place is where it stands, and what it was drawn with is the loader's.
_UNWRITTEN = frozenset({"place", "draw", "scope"})
_UNITS = {"Duration": "time", "Ratio": "share", "Rate": "rate"}
_UNIT_KINDS = {Duration: "a length of time", Ratio: "a share of a whole", Rate: "events a second"}


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One thing that a word takes. ``default`` is as it is written in the code, empty where it must be given.

    ``unit`` is what kind of quantity it is: ``time``, ``share``, ``rate`` or nothing.
    """

    name: str
    shape: str
    unit: str
    default: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Word:
    """One name that a definition file may import. ``section`` is the part of the model that it stands in."""

    name: str
    kind: str
    section: str
    about: str
    example: str = ""
    arguments: tuple[Argument, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    members: tuple[Word, ...] = ()


def words() -> tuple[Word, ...]:
    """Every word of `meshscope`, in the order of its ``__all__``."""
    return tuple(_word(name, getattr(meshscope, name)) for name in meshscope.__all__)


def _word(name: str, value: object) -> Word:
    if isinstance(value, ModuleType):
        return _module(name, value)
    if isinstance(value, type):
        return _class(name, value)
    if isinstance(value, Duration | Ratio | Rate):
        return _unit_word(name, value)
    if dataclasses.is_dataclass(value):
        return Word(name=name, kind="constant", section=_section(type(value).__module__), about=f"`{value!r}`",
                    example=f"tuned = {name}")  # fmt: skip
    return _function(name, value)


def _unit_word(name: str, unit: Duration | Ratio | Rate) -> Word:
    kind = _UNIT_KINDS[type(unit)]
    match unit:
        case Duration(seconds=number):
            size = f"{plain(number)} s"
        case Ratio(value=number):
            size = f"{plain(number)} of the whole"
        case Rate(value=number):
            size = f"{plain(round(number, 4))} a second"
    return Word(name=name, kind="unit", section="units", about=f"A unit of {kind}: {size}.", example=f"20 * {name}")


def _module(name: str, module: ModuleType) -> Word:
    own = [
        (inner, value)
        for inner, value in vars(module).items()
        if not inner.startswith("_")
        and getattr(value, "__module__", "") == module.__name__
        and (inspect.isclass(value) or inspect.isfunction(value))
        and inspect.getdoc(value)
    ]
    about, example = _told(module.__doc__ or "")
    members = tuple(_word(inner, value) for inner, value in sorted(own, key=lambda item: item[0].lower()))
    return Word(name=name, kind="module", section="dashboards", about=about, example=example, members=members)


def _class(name: str, kind: type) -> Word:
    about, example = _told(kind.__doc__ or "")
    section = _section(kind.__module__)
    if issubclass(kind, Enum):
        meanings = _meanings(kind)
        choices = tuple((f"{name}.{member.name}", meanings.get(member.name, "")) for member in kind)
        return Word(name=name, kind="choice", section=section, about=about, example=example, choices=choices)
    if dataclasses.is_dataclass(kind):
        arguments = tuple(_fields(kind))
    else:
        arguments = tuple(_parameters(kind.__init__)) if "__init__" in vars(kind) else ()
    readings = tuple(
        (reading, inspect.getdoc(getattr(kind, reading)) or "")
        for reading in dir(kind)
        if not reading.startswith("_") and isinstance(inspect.getattr_static(kind, reading), property)
    )
    return Word(name=name, kind="value", section=section, about=about, example=example, arguments=arguments,
                choices=readings if name.startswith("Any") else ())  # fmt: skip


def _function(name: str, value: object) -> Word:
    about, example = _told(inspect.getdoc(value) or "")
    section = _section(getattr(value, "__module__", ""))
    return Word(name=name, kind="function", section=section, about=about, example=example,
                arguments=tuple(_parameters(value)))  # fmt: skip


def _fields(kind: type) -> Iterator[Argument]:
    for field in dataclasses.fields(kind):
        if field.name in _UNWRITTEN or not field.init:
            continue
        node, meaning = _written(kind)[field.name]
        shape = ast.unparse(node.annotation)
        yield Argument(name=field.name, shape=shape, unit=_unit(shape), default=_default(node.value), meaning=meaning)


def _parameters(function: object) -> Iterator[Argument]:
    (node,) = ast.parse(inspect.cleandoc("\n" + inspect.getsource(function))).body  # type: ignore[arg-type]
    if not isinstance(node, ast.FunctionDef):
        return
    positional = node.args.args
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(node.args.defaults)) + [*node.args.defaults]
    both = [*zip(positional, defaults, strict=True), *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
    for argument, default in both:
        if argument.arg != "self":
            shape = ast.unparse(argument.annotation) if argument.annotation else ""
            default_text = _default(default)
            yield Argument(name=argument.arg, shape=shape, unit=_unit(shape), default=default_text, meaning="")


def _unit(shape: str) -> str:
    return next((unit for kind, unit in _UNITS.items() if kind in shape.replace("|", " ").split()), "")


def _default(node: ast.expr | None) -> str:
    match node:
        case None:
            return ""
        case ast.Call(func=ast.Name(id="field"), keywords=keywords):
            named = {keyword.arg: keyword.value for keyword in keywords}
            if "default" in named:
                return _default(named["default"])
            match named.get("default_factory"):
                case ast.Lambda(body=body):
                    return ast.unparse(body)
                case ast.Name(id="dict"):
                    return "{}"
                case ast.Name(id=made):
                    return f"{made}()"
            return ""
    return ast.unparse(node)


def _written(kind: type) -> dict[str, tuple[ast.AnnAssign, str]]:
    """Each field of ``kind`` and of what it inherits as it is written, with the string below it."""
    found: dict[str, tuple[ast.AnnAssign, str]] = {}
    for ancestor in reversed(kind.__mro__):
        body = _body(ancestor)
        for node, following in zip_longest(body, body[1:]):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found[node.target.id] = (node, _string(following))
    return found


def _meanings(kind: type) -> dict[str, str]:
    body = _body(kind)
    return {
        target.id: _string(following)
        for node, following in zip_longest(body, body[1:])
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _body(kind: type) -> list[ast.stmt]:
    module = sys.modules.get(kind.__module__)
    if module is None or not kind.__module__.startswith("meshscope"):
        return []
    nodes = (node for node in ast.walk(_tree(module)) if isinstance(node, ast.ClassDef))
    return next((node.body for node in nodes if node.name == kind.__name__), [])


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _string(node: ast.stmt | None) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str() as text)):
            return " ".join(text.split())
    return ""


def _told(doc: str) -> tuple[str, str]:
    about, _, example = inspect.cleandoc(doc).partition(_EXAMPLE)
    return about.strip(), inspect.cleandoc(example) if example else ""


def _section(module: str) -> str:
    part = module.rpartition(".")[2]
    if part.startswith("pipelines"):
        return "collectors"
    return {
        "alerting": "alerts", "signals": "alerts", "responses": "alerts", "security": "alerts", "boards": "dashboards",
        "panels": "dashboards", "queries": "dashboards", "units": "units", "foreign": "dashboards",
    }.get(part, "mesh")  # fmt: skip
