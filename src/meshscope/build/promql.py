"""PromQL as text: selectors, the joins that every rule shares, and a pretty form that is parsed on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import promql_parser

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
IDENTITY = ("cluster", "namespace", "service")
ID = ", ".join(IDENTITY)
SLO = f"{ID}, slo"
INSTANCE = (*IDENTITY, "workload", "version", "pod")

# Two infos for one service would make every rule that joins them fail, for all services; topk takes one.
INFO = f"topk by ({ID}) (1, service:info)"


def quoted(text: str) -> str:
    """``text`` as a PromQL string."""
    return json.dumps(text, ensure_ascii=False)


def named(name: str) -> str:
    """The name of a label or metric, quoted where it is none of Prometheus's old alphabet (``service.name``)."""
    return name if _NAME.fullmatch(name) else quoted(name)


def selector(metric: str, *matchers: str) -> str:
    """``metric{matchers}``; empty matchers are left out."""
    inside = ",".join(matcher for matcher in matchers if matcher)
    if not _NAME.fullmatch(metric):
        return f"{{{','.join(part for part in (quoted(metric), inside) if part)}}}"
    return f"{metric}{{{inside}}}" if inside else metric


def one_of(label: str, values: Iterable[str]) -> str:
    """A matcher for any of ``values``, spelt as an equality where there is one; each value is taken literally."""
    wanted = sorted(set(values))
    if len(wanted) == 1:
        return f"{named(label)}={quoted(wanted[0])}"
    return f"{named(label)}=~{quoted('|'.join(re.escape(value) for value in wanted))}"


def renamed(vector: str, names: Iterable[tuple[str, str]]) -> str:
    """``vector`` with each label (ours, theirs) copied from their name to ours; equal names cost nothing."""
    for ours, theirs in names:
        if ours != theirs and theirs:
            vector = f'label_replace({vector}, "{ours}", "$1", "{theirs}", "(.+)")'
    return vector


def marked(vector: str, **labels: str) -> str:
    """``vector`` with each of ``labels`` on all of its series."""
    for name, value in labels.items():
        vector = f'label_replace({vector}, "{name}", {quoted(value)}, "", "")'
    return vector


def apart(*vectors: str) -> str:
    """All series of ``vectors``, of which several may have the same labels: a label ``part`` tells them apart.

    For a sum around it, which drops the label: `or` alone would drop series.
    """
    first, *rest = vectors
    parts = (marked(vector, part=str(number)) for number, vector in enumerate(rest, 1))
    return " or ".join((first, *parts))


def matched_labels(*selectors: str) -> tuple[str, ...]:
    """The labels that ``selectors`` (``a="b",c!="d"``) look at, sorted."""
    parsed = [promql_parser.parse(selector("any", matchers)) for matchers in selectors if matchers]
    found = [one.matchers.matchers for one in parsed if isinstance(one, promql_parser.VectorSelector)]
    return tuple(sorted({matcher.name for matchers in found for matcher in matchers}))


def pretty(expression: str) -> str:
    """``expression`` parsed and laid out over lines. Raises ValueError for what is no PromQL."""
    return str(promql_parser.parse(expression).prettify())
