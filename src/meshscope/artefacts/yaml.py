"""YAML out: block style for people, one JSON object a line for generated series, and no string misread.

YAML 1.1 (PyYAML) and 1.2 (Go) disagree on which bare words are strings; whatever either reads as something else is
quoted. Keys keep their order. The same value gives the same bytes everywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

# A bare scalar is safe when it starts with a letter, /, _ or $, holds only these characters, and is no word or number
# of either version. Everything else is written in JSON's double quotes, which both read alike.
_BARE = re.compile(r"[A-Za-z/_$][A-Za-z0-9 _./()$%+=<>-]*")
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_WORDS = re.compile(r"(?i)(?:y|yes|n|no|true|false|on|off|null|nan|inf|infinity)")
_NUMBERS = re.compile(r"[-+.0-9][-+0-9_.:eExXoabcdfABCDF]*")


def scalar(value: object) -> str:
    """One scalar as YAML. Raises TypeError for what is none."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            return f"{value:f}"
        case float():
            return json.dumps(value)
        case str():
            return value if is_bare(value) else _quoted_text(value)
    raise TypeError(f"{type(value).__name__} is no YAML scalar")


def is_bare(text: str) -> bool:
    """Whether ``text`` reads as the same string in YAML 1.1 and 1.2 without quotes."""
    return (
        _BARE.fullmatch(text) is not None
        and not text.endswith(" ")
        and _WORDS.fullmatch(text) is None
        and _NUMBERS.fullmatch(text) is None
    )


def dump(value: object, indent: int = 0) -> str:
    """``value`` (mappings, sequences, scalars) as block YAML that ends in a newline."""
    return "\n".join(_lines(value, indent)) + "\n"


def _quoted_text(text: str) -> str:
    # In single quotes only they themselves are special: expressions and patterns stay as they are meant.
    if text.isprintable() and ('"' in text or "\\" in text):
        return "'" + text.replace("'", "''") + "'"
    return _quoted(text)


def _quoted(value: object) -> str:
    # JSON leaves YAML's other line breaks and what YAML refuses (controls, byte order marks) as they are.
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(value: object) -> str:
    """``value`` as a JSON object on one line, which is YAML too."""
    return _quoted(value)


def _lines(value: object, indent: int) -> Iterable[str]:
    pad = " " * indent
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _entry(f"{pad}{scalar(str(key))}:", item, indent)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for item in value:
            yield from _item(item, indent)
    else:
        yield pad + _empty_or_scalar(value)


def _empty_or_scalar(value: object) -> str:
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[]"
    return scalar(value)


def _entry(head: str, item: object, indent: int) -> Iterable[str]:
    if (isinstance(item, Mapping) and item) or (isinstance(item, Sequence) and not isinstance(item, str) and item):
        yield head
        yield from _lines(item, indent + 2)
    elif isinstance(item, str) and _is_block(item):
        # A reader takes the first line's indentation for the block's own, so a text that starts with a space says it.
        said = "2" if item.startswith(" ") else ""
        yield f"{head} |{said}" + ("" if item.endswith("\n") else "-")
        yield from (f"{' ' * (indent + 2)}{line}" if line else "" for line in item.removesuffix("\n").split("\n"))
    else:
        yield f"{head} {_empty_or_scalar(item)}"


def _item(item: object, indent: int) -> Iterable[str]:
    pad = " " * indent
    lines = list(_lines(item, indent + 2))
    if isinstance(item, str) and _is_block(item):
        lines = list(_entry(f"{pad}-", item, indent))
        yield from lines
        return
    yield f"{pad}- {lines[0].lstrip()}"
    yield from lines[1:]


def _is_block(text: str) -> bool:
    # A literal block can't hold control characters, nor spaces at line ends, which editors strip.
    body = text.removesuffix("\n")
    return (
        "\n" in body
        and not text.startswith("\n")
        and not body.endswith("\n")
        and all(character == "\n" or character.isprintable() for character in text)
        and not any(line.endswith(" ") for line in body.split("\n"))
    )
