"""A figure: what is measured, how, and whether the goal is met; as JSON for programs and as a table for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a figure called ``name`` should be: at most ``goal`` where lower is better, else at least."""

    name: str
    unit: str
    goal: float
    better: Literal["lower", "higher"] = "lower"

    def measured(self, value: float, method: str) -> Figure:
        """The figure with its value; ``method`` says how it was got, so that somebody else gets it too."""
        return Figure(
            name=self.name, unit=self.unit, value=round(value, 6), goal=self.goal, better=self.better, method=method
        )


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure."""

    name: str
    unit: str
    value: float
    goal: float
    better: Literal["lower", "higher"]
    method: str

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        return self.value <= self.goal if self.better == "lower" else self.value >= self.goal


def as_json(figures: Sequence[Figure]) -> str:
    """A list of {name, unit, value, goal, better, method}."""
    return json.dumps([asdict(figure) for figure in figures], indent=2) + "\n"


def as_table(figures: Sequence[Figure]) -> str:
    """One line a figure."""
    rows = [("figure", "value", "goal", "unit", "")]
    for figure in figures:
        bound = "at most" if figure.better == "lower" else "at least"
        goal = f"{bound} {figure.goal:g}"
        rows.append((figure.name, f"{figure.value:.4g}", goal, figure.unit, "met" if figure.met else "MISSED"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    right = {1}
    lines = (
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
    return "".join(f"{line}\n" for line in lines)
