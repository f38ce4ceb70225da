"""A recording rule from its name and expression."""

from __future__ import annotations

from meshscope.artefacts.rules import Rule
from meshscope.build.options import Options
from meshscope.build.promql import SLO, pretty
from meshscope.model.units import minutes, plain, seconds

FAST = 30 * seconds
"""How often the groups run that wake people."""
SLOW = 2 * minutes
"""How often those run that read hours."""
RARE = 10 * minutes
"""How often what days are read from is summed."""
OF_OURS = f"and on ({SLO}) slo:objective:ratio"
"""Keeps another environment's rules in the same Prometheus from recording the same series twice."""


def step(options: Options) -> str:
    """The seconds that each recorded rate stands for, where rates are added up to a number of requests."""
    return plain(options.scaled(FAST).seconds)


def recorded(name: str, expression: str, **labels: str) -> Rule:
    """The rule that records ``expression`` as ``name``."""
    return Rule(record=name, expr=pretty(expression), labels=labels)
