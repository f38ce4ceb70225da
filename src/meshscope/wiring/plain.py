"""Whether the fields of a definition hold what they say: mypy tells before, this tells whoever doesn't run it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from meshscope.findings import Finding, Place
from meshscope.model.units import Duration, Rate, Ratio

_UNITS = {Ratio: "{} * percent", Duration: "{} * seconds", Rate: "{} * per_second"}


Fits: TypeAlias = Callable[[object], bool]


def wrong_fields(definition: Any) -> Iterator[Finding]:
    """One finding for each field of ``definition``, a dataclass value, that holds something of another type."""
    kind: Any = type(definition)
    held = vars(definition)
    for name, fits in _fields(kind):
        if name in held and not fits(held[name]):
            yield _wrong(definition, name, held[name], get_type_hints(kind)[name])


@cache
def _fields(kind: Any) -> tuple[tuple[str, Fits], ...]:
    # What a hint asks is worked out once for each kind: a mesh has thousands of values.
    hints = get_type_hints(kind)
    named = (field.name for field in dataclasses.fields(kind) if field.init and field.name != "place")
    return tuple((name, _question(hints[name])) for name in named)


def _question(hint: Any) -> Fits:
    """Whether a value is what ``hint`` says; what can't be asked quickly is taken to fit."""
    if isinstance(hint, type):
        return _instance(hint)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        some = tuple(_question(one) for one in inner)
        return lambda value: any(fits(value) for fits in some)
    if origin is tuple:
        each = _question(inner[0])
        return lambda value: isinstance(value, tuple) and all(map(each, value))
    if origin is Literal:
        return lambda value: value in inner
    if isinstance(origin, type) and issubclass(origin, Mapping):
        key, item = map(_question, inner)
        return lambda value: isinstance(value, Mapping) and all(key(one) and item(value[one]) for one in value)
    return lambda _: True


def _instance(kind: type) -> Fits:
    if kind is float:
        return lambda value: type(value) in (int, float)
    if kind is int:
        return lambda value: type(value) is int
    return lambda value: isinstance(value, kind)


def _wrong(definition: object, name: str, value: object, hint: Any) -> Finding:
    place: Place | None = getattr(definition, "place", None)
    called = getattr(definition, "name", None)
    what = type(definition).__name__ + (f" `{called}`" if isinstance(called, str) and name != "name" else "")
    return Finding(
        code="load/wrong-type",
        title=f"`{name}` of {what} is {_worded(value)}, and has to be {_expected(hint)}",
        place=place,
        argument=name,
        why="what is built reads it as such; a checker of types (mypy, an editor) says so before",
        help=_remedy(value, hint),
        subject=str(called) if isinstance(called, str) else "",
    )


def _worded(value: object) -> str:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"the bare number {value}"
    if value is None or isinstance(value, str | bool):
        return repr(value)
    return _one(type(value).__name__)


def _one(word: str) -> str:
    return f"an {word}" if word[0] in "AEIO" or word == "SLO" else f"a {word}"


def _expected(hint: Any) -> str:
    if isinstance(hint, type):
        return "nothing" if hint is NoneType else _one(hint.__name__)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(_expected(one) for one in inner if one is not NoneType)
    if origin is tuple:
        return f"a tuple of {_expected(inner[0]).partition(' ')[2]}s"
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping of {' to '.join(_expected(one).partition(' ')[2] for one in inner)}"
    return "of another type"


def _remedy(value: object, hint: Any) -> str:
    for kind in (hint, *get_args(hint)):
        if kind in _UNITS and isinstance(value, int | float | Decimal):
            return f"say its unit, for example {_UNITS[kind].format(value)}"
        if isinstance(kind, type) and issubclass(kind, Enum):
            return f"write {' or '.join(f'{kind.__name__}.{member.name}' for member in kind)}"
    if get_origin(hint) is tuple and not isinstance(value, tuple):
        return "put it in a tuple: (value,)"
    return f"write {_expected(hint)}"
