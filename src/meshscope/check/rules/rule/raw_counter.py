"""A counter is compared as it stands.

## What it does
Finds counters (`_total`) that are compared with a number without `rate` or `increase`, and those of which `delta`,
`deriv` or `predict_linear` is taken. A comparison with 0 asks whether it ever rose, which is a question.

## Why it is bad
A counter counts since its process began: the alert fires at some time by itself, and is silent after each restart. What
is made for gauges takes each restart for a fall.

## Example
```yaml
- {alert: Many, expr: "http_requests_total > 100", for: 5m, annotations: {summary: Down}}
```

## Use instead
```yaml
- {alert: Many, expr: "rate(http_requests_total[5m]) > 100", for: 5m, annotations: {summary: Down}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_rules
from meshscope.check.promql.shape import Kind
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each counter that is read as if it were a gauge."""
    for one in foreign_rules(subject):
        for problem in one.problems(Kind.RAW_COUNTER, Kind.COUNTER_MOVES):
            yield Finding(
                code="rule/raw-counter",
                title=f"{one.called} reads a counter as if it were a gauge: {problem.of}",
                place=one.rule.origin,
                level=Level.WARNING,
                why=f"`{problem.why}` counts since its process began, and begins anew with it",
                help=f"take its rate or increase: rate({problem.why}[5m])",
                subject=one.name,
            )
