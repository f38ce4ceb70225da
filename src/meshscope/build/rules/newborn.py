"""Counters that are born failing: rate() can't see the value with which a series begins.

Fifty callers that fail a thousand requests within one scrape leave fifty series that begin at twenty and never grow,
and Envoy has no created timestamps by which Prometheus could tell (envoyproxy/envoy#43574). So the first value of a
failed or given-up series is added to its rate, if all of this holds of the target that it comes from:

- it had series of the metric five minutes ago, when the new one did not exist, nor in the hour before;
- the sum of its failures rose by as much, so that nothing was counted before under another name;
- at most half of its series are new: after a reload that adds a label all are, and no sum can tell.

A target is its job and instance; under one Prometheus over several clusters also its cluster, since their pods may
have the same addresses. There a cluster's name has to be on all that is scraped of a target, on what Prometheus adds
(``scrape_series_added``) too, as an external label and a target's own label are: where ``metric_relabel_configs`` set
it, which don't touch what is added (prometheus 3.16, scrape/scrape.go ``mutateReportSampleLabels``), none counts.

It says nothing of a new target, of one that restarts after a scrape that failed, nor of a series that comes back with
another value within the hour.
"""

from __future__ import annotations

from collections.abc import Callable

from meshscope.artefacts.rules import Rule
from meshscope.build.promql import apart
from meshscope.build.rules.indicators import FIRST_VALUES, RECORDED, Raw
from meshscope.build.rules.recording import recorded
from meshscope.model.units import hours

_FAILURES = "target:failures:total"
_BORN = "target:born:value"
# Less than all of it: a sum of many floats is not exact.
_NEARLY = "0.999"


def newborn_rules(raw: Raw) -> list[Rule]:
    """How much each target's failures are, the first values, and those that count. In this order."""
    if not raw.counts_first_values:
        return []
    recent, before = raw.options.duration(RECORDED), raw.options.duration(1 * hours)
    target = ", ".join(raw.target)
    on = f"on ({target})"
    labels = ", ".join(dict.fromkeys((*raw.target, *raw.told_apart())))
    earlier = f"{_FAILURES} offset {recent}"
    grown = f"{_FAILURES} - {on} ({earlier} or 0 * {_FAILURES})"

    def born(series: str) -> str:
        first = f"min_over_time({series}[{recent}]) unless present_over_time({series}[{before}] offset {recent})"
        return " unless ".join((first, *(f"last_over_time({stray}[{recent}])" for stray in raw.strays())))

    return [
        recorded(_FAILURES, _summed(raw, target, lambda series: series)),
        recorded(_BORN, _summed(raw, labels, born)),
        recorded(
            FIRST_VALUES,
            f"{_BORN} and {on} (group by ({target}) ({raw.every()} offset {recent})) "
            f"and {on} ({grown} >= {on} {_NEARLY} * sum by ({target}) ({_BORN})) "
            f"and {on} (max_over_time(scrape_series_added[{recent}]) <= 0.5 * scrape_samples_post_metric_relabeling)",
        ),
    ]


def _summed(raw: Raw, labels: str, of: Callable[[str], str]) -> str:
    # Summed kind by kind, so that few series are joined.
    return f"sum by ({labels}) ({apart(*(f'sum by ({labels}) ({of(series)})' for series in raw.bad()))})"
