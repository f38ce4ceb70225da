"""A recording rule from its name and expression."""

from __future__ import annotations

from meshscope.artefacts.rules import Rule
from meshscope.build.promql import pretty
from meshscope.model.units import minutes, seconds

FAST = 30 * seconds
"""How often the groups run that wake people."""
SLOW = 2 * minutes
"""How often those run that read hours."""
RARE = 10 * minutes
"""How often what days are read from is summed."""


def recorded(name: str, expression: str, **labels: str) -> Rule:
    """The rule that records ``expression`` as ``name``."""
    return Rule(record=name, expr=pretty(expression), labels=labels)
