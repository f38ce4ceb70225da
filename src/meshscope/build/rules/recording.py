"""A recording rule from its name and expression."""

from __future__ import annotations

from meshscope.artefacts.rules import Rule
from meshscope.build.promql import pretty
from meshscope.model.units import seconds

FAST = 30 * seconds
"""How often the groups run that wake people."""


def recorded(name: str, expression: str, **labels: str) -> Rule:
    """The rule that records ``expression`` as ``name``."""
    return Rule(record=name, expr=pretty(expression), labels=labels)
