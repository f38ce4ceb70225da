"""What the agent tells of itself: numbers for Prometheus, and spans where somebody collects them.

No label's value is ever taken from an alert's text: each comes from a short list, or from the agent's own words, of
which only so many are kept.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from meshscope.feedback.desk import Part

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER = "other"
SOURCES = ("alertmanager", "grafana", "falco", "reconcile", "inhibited")
_MOST_WORDS = 64
_NOTHING = nullcontext()
_WORD = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
_SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)


class _Words:
    """The first so many words that were said; any other one is `other`."""

    def __init__(self) -> None:
        self._known: set[str] = {""}

    def __call__(self, word: str) -> str:
        if word in self._known:
            return word
        if len(self._known) >= _MOST_WORDS or not _WORD.fullmatch(word):
            return OTHER
        self._known.add(word)
        return word


class Telemetry:
    """The agent's numbers, in a registry of their own; ``tracer`` makes spans, None makes none. Safe in any thread."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self.registry = registry = CollectorRegistry()
        self._tracer = tracer
        self._words = {name: _Words() for name in ("reason", "action", "verdict", "code", "outcome", "part")}
        self._began = self._last = time.monotonic()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"meshscope_agent_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"meshscope_agent_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: Sequence[float]) -> Histogram:
            return Histogram(f"meshscope_agent_{name}_seconds", text, buckets=buckets, registry=registry)

        self._received = counter("alerts_received_total", "Alerts that were taken.", "source", "status")
        self._stored = counter("alerts_stored_total", "Alerts that were taken and new.")
        self._truncated = counter("alerts_truncated_total", "Alerts that a sender left out of what it sent.")
        self._refused = counter("refused_total", "Requests that were not taken.", "reason")
        self._decisions = counter("decisions_total", "Responses that were judged.", "action", "verdict", "code")
        self._acts = counter("acts_total", "Acts, by how they ended.", "action", "outcome")
        self._issues = counter("issues_total", "Calls to the tracker.", "outcome")
        self._open = gauge("open_incidents", "Incidents that are open.")
        self._queue = gauge("queue", "Alerts that wait for a decision.")
        self._records = gauge("ledger_records", "Records in the ledger.")
        self._silence = gauge("heartbeat_age_seconds", "Since when a part has not said that it lives.", "part")
        self._stale = gauge("credentials_stale", "1 while a newer file of credentials is wrong, the old one in force.")
        age = gauge("last_received_age_seconds", "Since when no sender has sent anything, a watchdog's alert neither.")
        age.set_function(lambda: time.monotonic() - self._last)
        self._accepting = histogram("accept", "From a request's headers to its answer, when it was taken.", _QUICK)
        self._deciding = histogram("decision", "How long a decision takes.", _SLOW)
        self._reacting = histogram("webhook_to_act", "From an alert's coming to its act's end.", _SLOW)
        self._timed = {"decision": self._deciding}
        self._sources = {
            (source, status): self._received.labels(source, status)
            for source in (*SOURCES, OTHER)
            for status in ("firing", "resolved")
        }

    def received(self, source: str, firing: int, resolved: int, *, stored: int, truncated: int, seconds: float) -> None:
        """A request was taken: so many alerts of each kind, how many were new, how many were left out of it."""
        self._last = time.monotonic()
        known = source if source in SOURCES else OTHER
        if firing:
            self._sources[known, "firing"].inc(firing)
        if resolved:
            self._sources[known, "resolved"].inc(resolved)
        if stored:
            self._stored.inc(stored)
        if truncated:
            self._truncated.inc(truncated)
        self._accepting.observe(seconds)

    def refused(self, reason: str) -> None:
        """A request was not taken."""
        self._refused.labels(self._words["reason"](reason)).inc()

    def decided(self, action: str, verdict: str, code: str) -> None:
        """A response was judged."""
        words = self._words
        self._decisions.labels(words["action"](action), words["verdict"](verdict), words["code"](code)).inc()

    def acted(self, action: str, outcome: str) -> None:
        """An act came to an end."""
        self._acts.labels(self._words["action"](action), self._words["outcome"](outcome)).inc()

    def told(self, outcome: str) -> None:
        """A tracker was called."""
        self._issues.labels(self._words["outcome"](outcome)).inc()

    def reacted(self, seconds: float) -> None:
        """From an alert's coming to its act's end it took so long."""
        self._reacting.observe(max(0.0, seconds))

    def open_incidents(self, number: int, queue: int) -> None:
        """So many incidents are open, so many alerts wait."""
        self._open.set(number)
        self._queue.set(queue)

    def ledger_records(self, number: int) -> None:
        """The ledger holds so many records."""
        self._records.set(number)

    def heartbeats(self, parts: Sequence[Part], now: float) -> None:
        """When each part last said that it lives; ``now`` is of the same clock."""
        self._silence.clear()
        for part in parts:
            self._silence.labels(self._words["part"](part.name)).set(max(0.0, now - part.at))

    def credentials_stale(self, stale: bool) -> None:
        """Whether a newer file of credentials is wrong."""
        self._stale.set(stale)

    def exposed(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)

    def span(self, name: str, **attributes: str | int | float | bool) -> AbstractContextManager[object]:
        """A span around what is done inside, below the one that is open; a decision is timed too."""
        if self._tracer is None and name not in self._timed:
            return _NOTHING
        return self._spanned(name, attributes)

    @contextmanager
    def _spanned(self, name: str, attributes: Mapping[str, str | int | float | bool]) -> Iterator[None]:
        began = time.monotonic()
        open_: AbstractContextManager[object] = _NOTHING
        if self._tracer is not None:
            open_ = self._tracer.start_as_current_span(f"meshscope.{name}", attributes=attributes)
        try:
            with open_:
                yield
        finally:
            timed = self._timed.get(name)
            if timed is not None:
                timed.observe(time.monotonic() - began)
