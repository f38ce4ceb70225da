"""Every query of every built dashboard, asked of the live Prometheus as Grafana would ask it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meshscope.demo.asking import Prometheus

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")
_VALUES = re.compile(r"label_values\((?P<series>.*), (?P<label>\w+)\)", re.DOTALL)
# What Grafana itself sets: a rate's window is four scrapes at least.
_RATE_SCRAPES = 4
_STEPS = 30
# The length of the range that is asked, in true time: what the demo has seen.
_RANGE = 900.0


@dataclass(frozen=True)
class Asked:
    """One query of a panel: where it stands, whether it found data, and whether that is more than a stand-in zero."""

    board: str
    panel: str
    found: bool
    happened: bool


def asked(
    tree: Path, prometheus: Prometheus, chosen: Mapping[str, str], scrape: float, time_scale: float
) -> list[Asked]:
    """Ask every query below ``tree``; ``chosen`` are values that a person would choose for variables.

    ``scrape`` is the interval of scrapes in seconds.
    """
    answers = []
    for path in sorted((tree / "grafana" / "dashboards").glob("*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        values = _variables(board, prometheus, chosen)
        values |= {"__rate_interval": _length(_RATE_SCRAPES * scrape), "__interval": _length(scrape)}
        for panel, target in _targets(board.get("panels", [])):
            series = _series(prometheus, _filled(target["expr"], values), target, time_scale)
            title = _filled(str(panel.get("title", "")), values)
            answers.append(Asked(str(board["title"]), title, bool(series), any(map(_happened, series))))
    return answers


def _variables(board: Mapping[str, Any], prometheus: Prometheus, chosen: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for variable in board.get("templating", {}).get("list", []):
        name = str(variable["name"])
        if variable["type"] != "query":
            continue
        if variable.get("includeAll"):
            values[name] = str(variable.get("allValue") or ".*")
            continue
        wanted = _VALUES.fullmatch(_filled(variable["query"]["query"], values))
        offered = prometheus.values(wanted["label"], wanted["series"]) if wanted else []
        values[name] = chosen[name] if chosen.get(name) in offered else next(iter(offered), "")
    return values


def _length(seconds: float) -> str:
    # Prometheus takes no fractions.
    return f"{round(seconds * 1000)}ms"


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2], found[0]), text)


def _targets(panels: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for panel in panels:
        yield from ((panel, target) for target in panel.get("targets", []) if target.get("expr"))
        yield from _targets(panel.get("panels", []))


def _series(prometheus: Prometheus, query: str, target: Mapping[str, Any], time_scale: float) -> list[dict[str, Any]]:
    if target.get("instant"):
        return prometheus.now(query)
    end = time.time()
    length = _RANGE * time_scale
    return prometheus.over(query, end - length, end, length / _STEPS)


def _happened(series: Mapping[str, Any]) -> bool:
    """Whether a series is more than the zero that a query gives for what did not happen: it has labels, or a value."""
    points = series.get("values") or [series.get("value", (0, "0"))]
    return bool(series["metric"]) or any(value != "0" for _, value in points)
