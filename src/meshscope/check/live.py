"""What a live Prometheus knows that decides whether rules can work: its metrics, their labels and buckets, its rules.

It is asked once, before the rules of our own judge; they read what it said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import promql_parser

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.rules import Rule
from meshscope.check.promql.analysis import analysed, metric
from meshscope.check.promql.labels import NAME
from meshscope.findings import counted
from meshscope.model.provider import MeshProvider

BOUND = "le"


@dataclass(frozen=True, kw_only=True)
class LoadedRule:
    """A rule that runs: what it makes, of which labels and expression, and where it was loaded from."""

    name: str
    labels: Mapping[str, str]
    query: str
    group: str
    file: str


class LiveStore(Protocol):
    """A Prometheus that can be asked and not changed.

    Every method raises `MeshscopeError` where it is down, slow, refuses, or answers something else.
    """

    def names(self) -> tuple[str, ...]:
        """The names of its metrics, sorted."""

    def labels(self, metric: str) -> frozenset[str]:
        """The labels that the series of a metric have."""

    def values(self, metric: str, label: str) -> frozenset[str]:
        """The values that a label of a metric has."""

    def loaded(self) -> tuple[LoadedRule, ...]:
        """The rules that it runs, in the order of files and groups."""


@dataclass(frozen=True, kw_only=True)
class Live:
    """What one Prometheus, at ``source``, said.

    ``labels`` are those of each metric that the rules read and it has, ``bounds`` the values of ``le`` of the mesh's
    latency histogram.
    """

    source: str
    metrics: frozenset[str]
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    bounds: frozenset[str] = frozenset()
    loaded: tuple[LoadedRule, ...] = ()


def looked_up(
    store: LiveStore, source: str, artefacts: Artefacts, provider: MeshProvider, tell: Callable[[str], object]
) -> Live:
    """What the Prometheus ``store`` knows of all that the rules in ``artefacts`` read. Raises as the store does."""
    tell("asking Prometheus which metrics it has")
    metrics = frozenset(store.names())
    wanted = sorted({name for _, rule in querying(artefacts) for name, _ in read(rule)} & metrics)
    labels: dict[str, frozenset[str]] = {}
    for number, name in enumerate(wanted, start=1):
        tell(f"asking Prometheus for labels: {number} of {counted(len(wanted), 'metric')}")
        labels[name] = store.labels(name)
    buckets = f"{provider.latency}_bucket"
    return Live(
        source=source,
        metrics=metrics,
        labels=labels,
        bounds=store.values(buckets, BOUND) if buckets in metrics else frozenset(),
        loaded=store.loaded(),
    )


def querying(artefacts: Artefacts) -> Iterator[tuple[str, Rule]]:
    """(file, rule) of every rule that queries."""
    for file in artefacts.rules:
        for rule in (rule for group in file.groups if not group.static for rule in group.rules):
            yield file.name, rule


def read(rule: Rule) -> Iterator[tuple[str, frozenset[str]]]:
    """(metric, labels that its selector demands to have a value) of each selector of a rule that names a metric."""
    analysis = analysed(rule.expr)
    for selector in analysis.selectors if analysis is not None else ():
        name = metric(selector)
        if name:
            yield name, frozenset(one.name for one in selector.matchers.matchers if _demands(one))


def _demands(matcher: promql_parser.Matcher) -> bool:
    """Whether a series without the label can't match."""
    if matcher.name == NAME:
        return False
    if matcher.op == promql_parser.MatchOp.Equal:
        return bool(matcher.value)
    try:
        return bool(matcher.op == promql_parser.MatchOp.Re and re.fullmatch(matcher.value, "") is None)
    except re.error:
        return False
