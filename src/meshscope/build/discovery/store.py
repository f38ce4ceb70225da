"""What discovery asks, and the port through which it is answered: a store of metrics that speaks PromQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from meshscope.build.promql import named, quoted, selector
from meshscope.model.units import Duration, seconds

_MATCHER = re.compile(r'\s*([a-zA-Z_]\w*|"[^"\\]+")\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')


@dataclass(frozen=True)
class Matcher:
    """One condition on a label, in PromQL's meaning: ``=``, ``!=``, ``=~`` and ``!~`` (anchored); no label is empty."""

    label: str
    op: str
    value: str

    def __str__(self) -> str:
        return f"{named(self.label)}{self.op}{quoted(self.value)}"

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with ``labels`` matches."""
        value = labels.get(self.label, "")
        if self.op in ("=", "!="):
            return (value == self.value) is (self.op == "=")
        return (re.fullmatch(self.value, value) is not None) is (self.op == "=~")


def matchers(text: str) -> tuple[Matcher, ...]:
    """The conditions in a selector's braces. Raises ValueError for what is none."""
    found: list[Matcher] = []
    at = 0
    while at < len(text):
        match = _MATCHER.match(text, at)
        if match is None:
            raise ValueError(f"no label matcher: {text[at:]}")
        label, op, value = match.groups()
        found.append(Matcher(label.strip('"'), op, re.sub(r"\\(.)", r"\1", value)))
        at = match.end()
    return tuple(found)


class Reading(StrEnum):
    """What is read of the series that match."""

    INCREASE = "increase"
    """The sum of what the counters grew by within the window."""
    SERIES = "series"
    """How many series there are: now, or a window ago."""
    SAMPLES = "samples"
    """The median number of samples of a series within the window."""
    VALUE = "value"
    """The sum of what the series are now."""
    OBSERVED = "observed"
    """Of native histograms: how many values they took in within the window, up to ``bound`` where there is one."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question about one metric, answered with one row for each combination of the labels ``by``.

    ``purpose`` says to a person what it is asked for. ``bound`` is in the histogram's own unit.
    """

    purpose: str
    metric: str
    reading: Reading
    where: tuple[Matcher, ...] = ()
    by: tuple[str, ...] = ()
    window: Duration = 0 * seconds
    bound: str = ""

    @property
    def promql(self) -> str:
        """The question as an instant query."""
        series = selector(self.metric, *map(str, self.where))
        over = f" by ({', '.join(map(named, self.by))}) " if self.by else ""
        if self.reading is Reading.INCREASE:
            return f"sum{over}(increase({series}[{self.window}]))"
        if self.reading is Reading.OBSERVED:
            taken = f"increase({series}[{self.window}])"
            share = f"histogram_fraction(0, {self.bound}, {taken}) * " if self.bound else ""
            return f"sum{over}({share}histogram_count({taken}))"
        if self.reading is Reading.SAMPLES:
            return f"quantile{over}(0.5, count_over_time({series}[{self.window}]))"
        if self.reading is Reading.VALUE:
            return f"sum{over}({series})"
        ago = f" offset {self.window}" if self.window.seconds else ""
        return f"count{over}({series}{ago})"


@dataclass(frozen=True)
class Row:
    """One series of an answer. A label that is empty in the store is missing here."""

    labels: Mapping[str, str]
    value: float

    def __getitem__(self, label: str) -> str:
        return self.labels.get(label, "") if label else ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The rows that answer a question, and what the store said about them (that some are missing, for example)."""

    rows: tuple[Row, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class About:
    """A store of metrics: what it is, its clock, and what it knows of itself.

    ``now`` counts seconds since 1970, ``date`` is the same for a person to read. ``retention`` is how long it keeps
    samples, ``series`` how many it has now; None where it does not say.
    """

    product: str
    now: Decimal
    date: str
    retention: Duration | None = None
    series: int | None = None


class MetricStore(Protocol):
    """A store of metrics that can be asked and not changed.

    Every method raises `MeshscopeError` where the store is down, slow, refuses, answers something else or too much.
    """

    def about(self) -> About:
        """What the store is."""

    def names(self) -> tuple[str, ...]:
        """The names of its metrics, sorted."""

    def ask(self, question: Question, now: Decimal) -> Answer:
        """The answer as it was at ``now``."""
