"""What a dashboard lets a person choose: data sources and a part of the mesh; only what some text uses is offered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from meshscope.build.promql import selector
from meshscope.model.boards import About

PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
_USED = re.compile(r"\$(?:\{(\w+)|(\w+))")
_SOURCES = {
    "datasource": ("Metrics", "prometheus"),
    "traces": ("Traces", "tempo"),
    "logs": ("Logs", "loki"),
}
_ORDER = ("datasource", "cluster", "namespace", "owner", "service", "reporter", "traces", "logs")
# What a variable's own query uses.
_NEEDS = {
    "traces": (),
    "logs": (),
    "datasource": (),
    "cluster": ("datasource",),
    "namespace": ("datasource", "cluster"),
    "owner": ("datasource", "cluster", "namespace"),
    "service": ("datasource", "cluster", "namespace"),
    "reporter": ("datasource", "cluster", "namespace", "service"),
}
_SORTED = 1
_HIDDEN = 2


def used(texts: Iterable[str]) -> frozenset[str]:
    """The names of all variables in ``texts``."""
    return frozenset(found[1] or found[2] for text in texts for found in _USED.finditer(text))


def variables(names: Iterable[str], about: About, *, clusters: bool) -> list[dict[str, object]]:
    """Those of our variables that ``names`` asks for, and those that they need, in the order of choosing."""
    wanted = {name for name in names if name in _NEEDS}
    if about is About.FOREIGN:
        wanted &= set(_SOURCES)
    wanted |= {needed for name in wanted for needed in _NEEDS[name]}
    if not clusters:
        wanted.discard("cluster")
    return [_variable(name, about, clusters=clusters) for name in _ORDER if name in wanted]


def _variable(name: str, about: About, *, clusters: bool) -> dict[str, object]:
    if name in _SOURCES:
        label, kind = _SOURCES[name]
        return {"name": name, "label": label, "type": "datasource", "query": kind, "refresh": 1}
    one = about is About.SERVICE
    operator = "=" if one else "=~"
    before = [part for part in _NEEDS[name] if part != "datasource" and (part != "cluster" or clusters)]
    infos = selector("service:info", *(f'{part}{operator}"${part}"' for part in before))
    made: dict[str, object] = {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": PROMETHEUS,
        # 1 asks for the values of a label.
        "query": {"qryType": 1, "query": f"label_values({infos}, {name})", "refId": name},
        "refresh": 1,
        "sort": _SORTED,
    }
    if name == "reporter":
        return {**made, "hide": _HIDDEN, "description": "From where requests to this service are counted."}
    if one:
        return made
    everything = {"text": ["All"], "value": ["$__all"]}
    return {**made, "multi": True, "includeAll": True, "allValue": ".*", "current": everything}


def given(document: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The variables that a dashboard brings itself."""
    templating = document.get("templating")
    found = templating.get("list") if isinstance(templating, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
