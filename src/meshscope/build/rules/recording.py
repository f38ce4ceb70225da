"""A recording rule from its name and expression."""

from __future__ import annotations

from meshscope.artefacts.rules import Rule
from meshscope.build.promql import pretty


def recorded(name: str, expression: str, **labels: str) -> Rule:
    """The rule that records ``expression`` as ``name``."""
    return Rule(record=name, expr=pretty(expression), labels=labels)
