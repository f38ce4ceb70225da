"""Where panels stand on a dashboard: lines of panels from top to bottom, and headings above some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Object: TypeAlias = dict[str, object]

_COLUMNS = 24


@dataclass(frozen=True)
class Line:
    """Panels beside each other, ``height`` high (30 pixels each); widths in 24ths, equal where none are given."""

    height: int
    panels: tuple[object, ...]
    widths: tuple[int, ...] = ()

    def spans(self) -> tuple[int, ...]:
        """The width of each panel; they fill the line."""
        if self.widths:
            return self.widths
        count = len(self.panels)
        return tuple(_COLUMNS * (i + 1) // count - _COLUMNS * i // count for i in range(count))


@dataclass(frozen=True)
class Placed:
    """A panel at its place in the grid."""

    panel: object
    x: int
    y: int
    width: int
    height: int

    def to_json_data(self) -> Object:
        """The panel's JSON with its place."""
        made = self.panel.to_json_data()  # type: ignore[attr-defined]
        return {**made, "gridPos": {"h": self.height, "w": self.width, "x": self.x, "y": self.y}}


@dataclass(frozen=True)
class _Heading:
    title: str

    def to_json_data(self) -> Object:
        return {"type": "row", "title": self.title, "collapsed": False, "panels": []}


def lines(*items: Line | str) -> list[Placed]:
    """The panels of a dashboard from top to bottom: lines of panels, and headings (a string) above some of them."""
    placed: list[Placed] = []
    y = 0
    for item in items:
        if isinstance(item, str):
            placed.append(Placed(_Heading(item), 0, y, _COLUMNS, 1))
            y += 1
            continue
        x = 0
        for panel, width in zip(item.panels, item.spans(), strict=True):
            placed.append(Placed(panel, x, y, width, item.height))
            x += width
        y += item.height
    return placed
