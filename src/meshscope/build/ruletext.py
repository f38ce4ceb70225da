"""Rule groups as text: block YAML with each expression in lines of its own, constants one JSON object a line.

A JSON object is YAML too. Sixty thousand constants in block style take seconds to write and to read, and nobody reads
them one by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from meshscope.artefacts.rules import Rule, RuleGroup
from meshscope.artefacts.yaml import dump, scalar

_one_line = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode


def groups_text(groups: Iterable[RuleGroup], indent: int = 0, query_offset: str = "") -> str:
    """``groups:`` and what follows, ``indent`` spaces in; each group with ``query_offset`` where one is given.

    Foreign groups keep what they say of themselves.
    """
    pad = " " * indent
    parts = [f"{pad}groups:\n"]
    for group in groups:
        lines = [f"{key}: {_setting(value)}\n" for key, value in head(group, query_offset).items()]
        parts.append(f"{pad}  - " + f"{pad}    ".join([*lines, "rules:\n"]))
        if group.static:
            parts.extend(f"{pad}      - {_one_line(rule.document())}\n" for rule in group.rules)
        else:
            parts.extend(_rule(rule, indent + 6) for rule in group.rules)
    return "".join(parts)


def head(group: RuleGroup, query_offset: str = "") -> dict[str, object]:
    """What a group says of itself: all but its rules."""
    made: dict[str, object] = {"name": group.name}
    if group.interval:
        made["interval"] = group.interval
    if query_offset and "query_offset" not in group.options:
        made["query_offset"] = query_offset
    return {**made, **group.options}


def _setting(value: object) -> str:
    # A duration is no number in any version of YAML.
    if isinstance(value, str) and value.isalnum() and not value.isdigit():
        return value if value[0].isdigit() else scalar(value)
    return _one_line(value) if isinstance(value, Mapping) else scalar(value)


def _rule(rule: Rule, indent: int) -> str:
    pad = " " * indent
    lines = []
    for key, value in rule.document().items():
        if key == "expr" and _is_text(rule.expr):
            # A first line that is indented needs to be told from the block's own indentation.
            lines.append(f"{pad}  expr: |{2 if rule.expr.startswith(' ') else ''}-\n")
            lines.extend(f"{pad}    {line}\n" if line else "\n" for line in rule.expr.split("\n"))
        else:
            lines.append(dump({key: value}, indent + 2))
    return f"{pad}- {''.join(lines)[indent + 2 :]}"


def _is_text(expression: str) -> bool:
    # A block keeps neither control characters nor empty lines at its ends; such an expression is a quoted string.
    return expression == expression.strip("\n") and all(
        character == "\n" or character.isprintable() for character in expression
    )
