"""A made-up past: healthy traffic before the demo began, so that windows of hours and days are full from the start.

Without it a window would hold what the demo has run, and alerts on long windows would come sooner than they do in a
mesh that is older than a minute. Raw counters go on where the past ends; what rules record over days is written as
they would have recorded it, a few points in the place of many.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from meshscope.demo.script import Player, Script
from meshscope.demo.sidecar import OK, Answer, Sidecar
from meshscope.model.services import Identity

FAILED_ONCE = Answer(500)
# The longest window of raw series and of 5-minute rates is an hour (the page's), that of their sums of two minutes six;
# days are sums of ten minutes.
_HOUR, _DAY = 3600.0, 86400.0
# Only the windows of an hour and half of one look back that far; each needs some points.
_RAW_STEP = 240.0
_RATIO = ("events", "errors")
# (series, of what, how long it was recorded, how many rates one sums, a point stands for so many, seconds between them)
_RECORDED = (
    ("slo:{0}:rate5m{{{1}}}", (*_RATIO, "good"), _HOUR, 1, 1, 30.0),
    ('slo:rate5m:over2m{{{1},of="{0}_sum"}}', (*_RATIO, "good"), 6 * _HOUR, 4, 1, 120.0),
    ('slo:rate5m:over2m{{{1},of="{0}_max"}}', ("errors",), 6 * _HOUR, 1, 1, 120.0),
    ("slo:{0}:sum10m{{{1}}}", _RATIO, 30 * _DAY, 20, 36, 600.0),
)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """An SLO as its recorded series name it: labels, its period, and the share of bad events that it allows."""

    labels: str
    period: str
    service: Identity
    slo: str
    budget: float


@dataclass(frozen=True, kw_only=True)
class History:
    """What past to make up, and the file that it is written to; ``job`` is how Prometheus calls the proxies."""

    path: Path
    cluster: str
    job: str
    time_scale: float
    promises: tuple[Promise, ...]

    def write(self, script: Script, sidecars: Mapping[str, Sidecar], scraped: Mapping[str, tuple[str, int]]) -> None:
        """Write the past in OpenMetrics' text form, for ``promtool tsdb create-blocks-from openmetrics``.

        ``sidecars`` have counted it when this returns, so that their counters go on from there.
        """
        now = time.time()
        with self.path.open("w", encoding="utf-8") as file:
            self._recorded(file, script, now)
            self._raw(file, script, sidecars, scraped, now)
            file.write("# EOF\n")

    def _recorded(self, file: TextIO, script: Script, now: float) -> None:
        rates = _rates(script)
        for layer, names, length, summed, points, every in _RECORDED:
            step = points * every * self.time_scale
            steps = range(int(length * self.time_scale / step), 0, -1)
            for promise in self.promises:
                events = rates.get(promise.service, 0.0) * summed * points
                errors = events * promise.budget * spent(promise)
                values = {"events": events, "errors": errors, "good": events - errors}
                for name in names:
                    series = f"{layer.format(name, promise.labels)} {values[name]:.9g}"
                    file.writelines(f"{series} {now - step * number:.3f}\n" for number in steps)
        # It is taken once an hour, which even a fast demo may not live to see.
        for promise in self.promises:
            series = f'slo:errors:ratio_period1h{{{promise.labels},period="{promise.period}"}}'
            file.write(f"{series} {promise.budget * spent(promise):.9g} {now:.3f}\n")

    def _raw(
        self,
        file: TextIO,
        script: Script,
        sidecars: Mapping[str, Sidecar],
        scraped: Mapping[str, tuple[str, int]],
        now: float,
    ) -> None:
        step = _RAW_STEP * self.time_scale
        for number in range(int(_HOUR / _RAW_STEP) + 1, -1, -1):
            _pretend(script, sidecars, step)
            for pod, (host, port) in scraped.items():
                sidecar = sidecars[pod]
                about = self._target(sidecar.owner, pod, f"{host}:{port}")
                at = f"{now - step * number:.3f}"
                file.writelines(
                    f"{name}{{{labels},{about}}} {value} {at}\n" for name, labels, value in sidecar.samples()
                )

    def _target(self, owner: Player, pod: str, instance: str) -> str:
        cluster = f'cluster="{self.cluster}",' if self.cluster else ""
        return f'{cluster}job="{self.job}",instance="{instance}",namespace="{owner.identity.namespace}",pod="{pod}"'


def spent(promise: Promise) -> float:
    """The share of its budget that a promise has spent in the past: something between a tenth and half."""
    digest = hashlib.sha256(f"{promise.service}/{promise.slo}".encode()).digest()
    return 0.1 + 0.4 * digest[0] / 255


def _rates(script: Script) -> dict[Identity, float]:
    rates: dict[Identity, float] = {}
    for _, callee, often in script.visits():
        rates[callee] = rates.get(callee, 0.0) + often * script.rate
    return rates


def _pretend(script: Script, sidecars: Mapping[str, Sidecar], seconds: float) -> None:
    """Count on every proxy what ``seconds`` of traffic would have brought, spread evenly over pods."""
    for caller, callee, often in _edges(script):
        source, called = script.cast[caller], script.cast[callee]
        requests = often * script.rate * seconds
        ms = called.work * 1.5
        waypoint = script.waypoints.get(callee)
        if waypoint:
            proxies: Iterable[str] = script.cast[waypoint].pods
            _spread(sidecars, proxies, ("waypoint", source, called), ms, requests)
        elif called.reports:
            _spread(sidecars, called.pods, (called.reports, source, called), ms, requests)
        if source.counts_calls:
            _spread(sidecars, source.pods, ("source", source, called), ms, requests)


def _spread(
    sidecars: Mapping[str, Sidecar],
    pods: Iterable[str],
    edge: tuple[str, Player, Player],
    ms: float,
    requests: float,
) -> None:
    names = list(pods)
    for name in names:
        sidecars[name].pretend(*edge, OK, ms, max(1, round(requests / len(names))))


def _edges(script: Script) -> Iterator[tuple[Identity, Identity, float]]:
    rates: dict[tuple[Identity, Identity], float] = {}
    for caller, callee, often in script.visits():
        rates[caller, callee] = rates.get((caller, callee), 0.0) + often
    return ((caller, callee, often) for (caller, callee), often in rates.items())
