"""Where panels stand, and the numbers by which Grafana knows them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

_COLUMNS = 24
_WIDTH, _HEIGHT = 12, 8
_NUMBERS = 10_000


def placed(panels: Iterable[Json]) -> list[Json]:
    """Every panel with a place: those without one flow below the others, two beside each other."""
    result: list[Json] = []
    bottom = x = y = 0
    for panel in panels:
        heading = panel.get("type") == "row"
        width, height = (_COLUMNS, 1) if heading else (_WIDTH, _HEIGHT)
        if isinstance(panel.get("gridPos"), Mapping):
            result.append(panel)
            x = _COLUMNS
        else:
            if x + width > _COLUMNS:
                x, y = 0, bottom
            result.append(_at(panel, x, y, width, height))
            x += width
        bottom = max(bottom, _end(result[-1]["gridPos"]))
    return result


def _end(spot: Mapping[str, Any]) -> int:
    y, height = spot.get("y"), spot.get("h")
    return y + height if isinstance(y, int) and isinstance(height, int) else 0


def from_rows(rows: Iterable[Mapping[str, Any]]) -> list[Json]:
    """The panels of rows as they were before Grafana 5: a heading where a row shows its title, then its panels."""
    result: list[Json] = []
    y = 0
    for row in rows:
        panels = row.get("panels") or []
        if row.get("title") and row.get("showTitle", True):
            result.append(_at({"type": "row", "title": row["title"], "collapsed": False, "panels": []}, 0, y, 24, 1))
            y += 1
        x = 0
        for panel in panels:
            width = 2 * int(panel.get("span") or 12 // len(panels))
            if x + width > _COLUMNS:
                x, y = 0, y + _HEIGHT
            result.append(_at(dict(panel), x, y, width, _HEIGHT))
            x += width
        y += _HEIGHT if panels else 0
    return result


def _at(panel: Json, x: int, y: int, width: int, height: int) -> Json:
    return {**panel, "gridPos": {"h": height, "w": width, "x": x, "y": y}}


def numbered(panels: Iterable[Json], *, keep: bool, taken: set[int] | None = None) -> list[Json]:
    """Every panel with an id that no other has, those within rows too.

    It comes from the title, so that a link to one panel outlives the next panel that is put in front of it. ``keep``
    leaves ids that are there.
    """
    known = set() if taken is None else taken
    result = []
    for panel in panels:
        own = panel.get("id")
        if not (keep and isinstance(own, int) and own > 0 and own not in known):
            own = _number(str(panel.get("title", "")), known)
        known.add(own)
        inside = panel.get("panels")
        more = {"panels": numbered(inside, keep=keep, taken=known)} if isinstance(inside, list) else {}
        result.append({"id": own, **{key: value for key, value in panel.items() if key != "id"}, **more})
    return result


def _number(title: str, taken: set[int]) -> int:
    number = 1 + int.from_bytes(hashlib.sha256(title.encode()).digest()[:8]) % (_NUMBERS - 1)
    while number in taken:
        number = number % (_NUMBERS - 1) + 1
    return number
