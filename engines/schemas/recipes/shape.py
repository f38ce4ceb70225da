"""Building blocks of JSON schemas (Draft 7), and the operations on them that the recipes share.

A schema is a plain dict. Every function returns a new one and leaves its arguments as they are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"

# Where a schema holds further schemas: as the value itself, in a list, or by name.
_ONE = ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else")
_MANY = ("anyOf", "oneOf", "allOf")
_NAMED = ("properties", "patternProperties", "definitions", "dependencies")

# Shorter subtrees cost less than the reference to them.
_WORTH_SHARING = 160


def strict(properties: Mapping[str, Any], required: Iterable[str] = ()) -> Schema:
    """Return an object that has these properties and no others."""
    made: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    names = sorted(required)
    return {**made, "required": names} if names else made


def mapping(values: Schema) -> Schema:
    """Return an object with any keys."""
    return {"type": "object", "additionalProperties": values}


def listing(items: Schema, at_least: int = 0) -> Schema:
    """Return a list of such items."""
    made: Schema = {"type": "array", "items": items}
    return {**made, "minItems": at_least} if at_least else made


def choice(*values: str) -> Schema:
    """Return a text that is one of these."""
    return {"enum": sorted(values)}


def union(key: str, variants: Mapping[str, Schema]) -> Schema:
    """Return an object whose `key` says which variant it is.

    An `anyOf` would answer a mistake with the complaints of every variant; this answers with those of the one meant.
    """
    return {
        "type": "object",
        "required": [key],
        "properties": {key: {"enum": sorted(variants)}},
        "allOf": [when({key: value}, variants[value]) for value in sorted(variants)],
    }


def when(values: Mapping[str, Any], then: Schema) -> Schema:
    """Return the condition that an object with these values is also valid against `then`."""
    facts = {key: {"const": value} for key, value in values.items()}
    return {"if": {"properties": facts, "required": sorted(values)}, "then": then}


def exactly_one(*keys: str) -> Schema:
    """Return what an object must be valid against to have exactly one of these keys."""
    return {"oneOf": [{"required": [key]} for key in keys]}


def children(schema: Schema) -> Iterable[tuple[str, Schema]]:
    """Give each schema directly within this one, with a word for what it is: its property's name where it has one."""
    for key in sorted(schema):
        inner = schema[key]
        if key in _ONE and isinstance(inner, dict):
            yield key, inner
        elif key in _MANY:
            yield from ((key, each) for each in inner)
        elif key in _NAMED:
            yield from ((name, inner[name]) for name in sorted(inner) if isinstance(inner[name], dict))


def rebuild(schema: Schema, change: Callable[[str, Schema], Schema]) -> Schema:
    """Return the schema with each schema directly within it replaced by what `change` makes of it."""
    made: Schema = {}
    for key, inner in schema.items():
        if key in _ONE and isinstance(inner, dict):
            made[key] = change(key, inner)
        elif key in _MANY:
            made[key] = [change(key, each) for each in inner]
        elif key in _NAMED:
            made[key] = {n: change(n, each) if isinstance(each, dict) else each for n, each in inner.items()}
        else:
            made[key] = inner
    return made


def inline(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return the schema with each reference replaced by what it refers to; the types at hand don't refer in circles."""
    if "$ref" in schema:
        return inline(definitions[schema["$ref"].removeprefix("#/definitions/")], definitions)
    return rebuild(schema, lambda _, inner: inline(inner, definitions))


def plain(schema: Schema) -> Schema:
    """Return the schema without the type of what is one of some values anyway: one mistake, one answer."""
    made = rebuild(schema, lambda _, inner: plain(inner))
    if isinstance(made.get("type"), str) and ("enum" in made or "const" in made):
        del made["type"]
    return made


def reachable(schema: Schema) -> Schema:
    """Return the schema without the definitions that nothing refers to."""
    definitions = schema.get("definitions", {})
    found: set[str] = set()
    waiting = [{key: value for key, value in schema.items() if key != "definitions"}]
    while waiting:
        here = waiting.pop()
        name = here.get("$ref", "").removeprefix("#/definitions/").split("/")[0]
        if name in definitions and name not in found:
            found.add(name)
            waiting.append(definitions[name])
        waiting.extend(inner for _, inner in children(here))
    return {**schema, "definitions": {name: definitions[name] for name in sorted(found)}}


def share(schema: Schema) -> Schema:
    """Return the schema with each larger part that occurs more than once moved into the definitions."""
    count: Counter[str] = Counter()

    def look(here: Schema) -> None:
        text = compact(here)
        count[text] += 1
        if count[text] == 1:  # what lies in a repeated part is counted with its first occurrence
            for _, inner in children(here):
                look(inner)

    own = {key: value for key, value in schema.items() if key != "definitions"}
    old: dict[str, Schema] = schema.get("definitions", {})
    look(own)
    for name in sorted(old):
        look(old[name])

    names: dict[str, str] = {}
    made: dict[str, Schema] = {}

    def within(name: str, here: Schema) -> Schema:
        return rebuild(here, lambda word, inner: move(name if word in _ONE + _MANY else word, inner))

    def move(name: str, here: Schema) -> Schema:
        text = compact(here)
        if count[text] < 2 or len(text) < _WORTH_SHARING:
            return within(name, here)
        if text not in names:
            names[text] = _free(name, {*old, *names.values()})
            made[names[text]] = within(name, here)
        return {"$ref": f"#/definitions/{names[text]}"}

    # In the order of their names, so that the same input gives the same names.
    kept = {name: within(name, _ordered(old[name])) for name in sorted(old)}
    result = within("part", _ordered(own))
    return {**result, "definitions": {**kept, **made}} if kept or made else result


def _free(name: str, taken: set[str]) -> str:
    number = 1
    while (found := name if number == 1 else f"{name}{number}") in taken:
        number += 1
    return found


def _ordered(schema: Schema) -> Schema:
    ordered: Schema = json.loads(json.dumps(schema, sort_keys=True))
    return ordered


def compact(value: object) -> str:
    """Return the value as JSON without a needless character, keys in order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def text(schema: Schema) -> str:
    """Return a whole schema as text: compact, but with a line for each definition, so that a change can be read."""
    lines = []
    for key in sorted(schema):
        if key == "definitions":
            parts = ",\n".join(f"{compact(name)}:{compact(schema[key][name])}" for name in sorted(schema[key]))
            lines.append(f"{compact(key)}:{{\n{parts}\n}}")
        else:
            lines.append(f"{compact(key)}:{compact(schema[key])}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
