"""A store of metrics in memory: counters that grow evenly between a birth and an end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median

from meshscope.build.discovery.store import About, Answer, Question, Reading, Row
from meshscope.check.live import LoadedRule
from meshscope.findings import MeshscopeError

_LOOKBACK = 300.0
_THIS = About(product="Memory 1.0", now=Decimal(1_800_000_000), date="2027-01-15 08:00 UTC")


@dataclass(frozen=True, kw_only=True)
class Counter:
    """A series that grows by ``rate`` a second, from ``since`` until ``until`` seconds ago; read as is, ``value``."""

    metric: str
    labels: Mapping[str, str] = field(default_factory=dict)
    rate: float = 0.0
    since: float = 2 * 86400.0
    until: float = 0.0
    value: float = 0.0

    def within(self, window: float) -> float:
        """For how many seconds of the last ``window`` it was there."""
        return max(min(self.since, window) - self.until, 0.0)

    def seen(self, ago: float) -> bool:
        """Whether a query of a moment ``ago`` finds it: with a sample of the 5 minutes before."""
        return self.since >= ago and self.until < ago + _LOOKBACK


@dataclass(frozen=True, kw_only=True)
class MemoryMetricStore:
    """Answers from ``counters``, one sample each ``interval`` seconds; ``broken`` is what it raises instead.

    ``rules`` are those that it says it runs.
    """

    counters: Sequence[Counter]
    this: About = _THIS
    interval: float = 15.0
    warnings: tuple[str, ...] = ()
    rules: tuple[LoadedRule, ...] = ()
    broken: Callable[[Question | None], MeshscopeError | None] = lambda _: None

    def about(self) -> About:
        """What it is told to say."""
        self._break(None)
        return self.this

    def names(self) -> tuple[str, ...]:
        """The names of its metrics."""
        self._break(None)
        return tuple(sorted({counter.metric for counter in self.counters}))

    def labels(self, metric: str) -> frozenset[str]:
        """The labels that the series of a metric have, its name among them."""
        self._break(None)
        named = [counter.labels for counter in self.counters if counter.metric == metric]
        return frozenset(label for labels in named for label in ("__name__", *labels))

    def values(self, metric: str, label: str) -> frozenset[str]:
        """The values that a label of a metric has."""
        self._break(None)
        named = [counter.labels for counter in self.counters if counter.metric == metric]
        return frozenset(labels[label] for labels in named if label in labels)

    def loaded(self) -> tuple[LoadedRule, ...]:
        """The rules that it says it runs."""
        self._break(None)
        return self.rules

    def ask(self, question: Question, now: Decimal) -> Answer:  # noqa: ARG002 - its counters know no other time
        """The answer, as Prometheus would give it."""
        self._break(question)
        groups: dict[tuple[str, ...], list[Counter]] = defaultdict(list)
        for counter in self._matching(question):
            groups[tuple(counter.labels.get(label, "") for label in question.by)].append(counter)
        rows: list[Row] = []
        for values, counters in groups.items():
            labels = {label: value for label, value in zip(question.by, values, strict=True) if value}
            rows.append(Row(labels, self._value(question, counters)))
        return Answer(rows=tuple(rows), warnings=self.warnings)

    def _matching(self, question: Question) -> Iterable[Counter]:
        window = float(question.window.seconds)
        for counter in self.counters:
            if counter.metric == question.metric and all(matcher.holds(counter.labels) for matcher in question.where):
                ranged = question.reading in (Reading.INCREASE, Reading.SAMPLES)
                if counter.within(window) >= 2 * self.interval if ranged else counter.seen(window):
                    yield counter

    def _value(self, question: Question, counters: Sequence[Counter]) -> float:
        window = float(question.window.seconds)
        if question.reading is Reading.OBSERVED:
            raise NotImplementedError("a counter is no native histogram")
        if question.reading is Reading.SERIES:
            return float(len(counters))
        if question.reading is Reading.VALUE:
            return sum(counter.value for counter in counters)
        if question.reading is Reading.SAMPLES:
            return median(counter.within(window) / self.interval for counter in counters)
        return sum(counter.rate * counter.within(window) for counter in counters)

    def _break(self, question: Question | None) -> None:
        error = self.broken(question)
        if error is not None:
            raise error
