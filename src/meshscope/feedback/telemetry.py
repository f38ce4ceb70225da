"""What the agent tells of itself: numbers for Prometheus, and spans where somebody collects them.

No label's value is ever taken from an alert's text: each comes from a short list, or from the agent's own words, of
which only so many are kept.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, Tracer, get_current_span, set_span_in_context
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from meshscope.build.agent import OWN_FAULTS
from meshscope.feedback.casebook import Fingerprint
from meshscope.feedback.desk import Part

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER = "other"
SOURCES = ("alertmanager", "grafana", "falco", "reconcile", "inhibited")
_FAILED = "failed"
_MOST_WORDS = 64
# Alerts that may wait for their decision, each with the trace in which it came.
_MOST_ALERTS = 20_000
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
        self._came: OrderedDict[Fingerprint, SpanContext] = OrderedDict()
        self._came_lock = threading.Lock()
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
        self._undelivered = counter(
            "alerts_undelivered_total",
            "Alerts of the model that fire, and that were found by asking before any message.",
        )
        self._dead = counter("alerts_dead_total", "Alerts that could not be dealt with, and were given up.")
        self._refused = counter("refused_total", "Requests that were not taken.", "reason")
        self._decisions = counter("decisions_total", "Responses that were judged.", "action", "verdict", "code")
        self._acts = counter("acts_total", "Acts, by how they ended.", "action", "outcome")
        self._issues = counter("issues_total", "Calls to the tracker.", "outcome")
        self._open = gauge("open_incidents", "Incidents that are open.")
        self._queue = gauge("queue", "Alerts that wait for a decision.")
        self._silence = gauge("heartbeat_age_seconds", "Since when a part has not said that it lives.", "part")
        self._patience = gauge("heartbeat_patience_seconds", "For how long a part may be silent.", "part")
        self._failing = gauge("part_failing", "1 while the last turn of a part went wrong.", "part")
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
        # What alerts watch is there from the start: the first event of a counter that it gives birth to is missed.
        for fault in OWN_FAULTS:
            self._refused.labels(self._words["reason"](fault))
        self._issues.labels(self._words["outcome"](_FAILED))

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

    def undelivered(self, number: int) -> None:
        """So many alerts were found by asking their sender."""
        self._undelivered.inc(number)

    def given_up(self) -> None:
        """An alert could not be dealt with."""
        self._dead.inc()

    def decided(self, action: str, verdict: str, code: str) -> None:
        """A response was judged."""
        words = self._words
        get_current_span().add_event("judged", {"action": action, "verdict": verdict, "code": code})
        self._decisions.labels(words["action"](action), words["verdict"](verdict), words["code"](code)).inc()

    def acted(self, action: str, outcome: str) -> None:
        """An act came to an end."""
        get_current_span().set_attribute("outcome", outcome)
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

    def heartbeats(self, parts: Sequence[Part], now: float) -> None:
        """When each part last said that it lives, and how its last turn went; ``now`` is of the same clock."""
        for each in (self._silence, self._patience, self._failing):
            each.clear()
        for part in parts:
            name = self._words["part"](part.name)
            self._silence.labels(name).set(max(0.0, now - part.at))
            self._patience.labels(name).set(part.patience)
            self._failing.labels(name).set(bool(part.error))

    def credentials_stale(self, stale: bool) -> None:
        """Whether a newer file of credentials is wrong."""
        self._stale.set(stale)

    def exposed(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)

    def came(self, alerts: Iterable[Fingerprint]) -> None:
        """These alerts came in the span that is open: what is done about them later belongs to its trace."""
        if self._tracer is None or not (where := get_current_span().get_span_context()).is_valid:
            return
        with self._came_lock:
            for alert in alerts:
                self._came[alert] = where
                self._came.move_to_end(alert)
            while len(self._came) > _MOST_ALERTS:
                self._came.popitem(last=False)

    def span(
        self, name: str, *, about: Fingerprint | None = None, **attributes: str | int | float | bool
    ) -> AbstractContextManager[object]:
        """A span around what is done inside; a decision is timed too.

        It is below the span that is open; where none is, below the one in which the alert ``about`` came.
        """
        if self._tracer is None and name not in self._timed:
            return _NOTHING
        return self._spanned(name, about, attributes)

    def _above(self, about: Fingerprint | None) -> Context | None:
        if about is None or get_current_span().get_span_context().is_valid:
            return None
        with self._came_lock:
            where = self._came.get(about)
        return set_span_in_context(NonRecordingSpan(where)) if where is not None else None

    @contextmanager
    def _spanned(
        self, name: str, about: Fingerprint | None, attributes: Mapping[str, str | int | float | bool]
    ) -> Iterator[None]:
        began = time.monotonic()
        open_: AbstractContextManager[object] = _NOTHING
        if self._tracer is not None:
            open_ = self._tracer.start_as_current_span(f"meshscope.{name}", self._above(about), attributes=attributes)
        try:
            with open_:
                yield
        finally:
            timed = self._timed.get(name)
            if timed is not None:
                timed.observe(time.monotonic() - began)
