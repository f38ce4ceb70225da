"""A rate is taken of what goes up and down.

## What it does
Finds `rate`, `irate` and `increase` of metrics that are known as gauges (an error) or called as such (`_info`,
`_ratio`, `_celsius`, `_timestamp_seconds`), and of recorded metrics that are rates already.

## Why it is bad
Each fall of the value is taken for a restart of a counter: the result is a number that means nothing.

## Example
```yaml
- {record: "a:b", expr: "rate(process_resident_memory_bytes[5m])"}
```

## Use instead
```yaml
- {record: "a:b", expr: "deriv(process_resident_memory_bytes[5m])"}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_rules
from meshscope.check.promql.shape import Kind
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each rate of what is no counter."""
    for one in foreign_rules(subject):
        for problem in one.problems(Kind.GAUGE_RATE, Kind.RATE_OF_RATE):
            gauge = problem.kind is Kind.GAUGE_RATE
            yield Finding(
                code="rule/gauge-rate",
                title=f"{one.called} takes a rate of {'a gauge' if gauge else 'a rate'}: {problem.of}",
                place=one.rule.origin,
                level=Level.ERROR if gauge and problem.certain else Level.WARNING,
                why=f"`{problem.why}` goes up and down, and a rate takes each fall for a counter that began anew",
                help="write deriv(...) or delta(...) for a gauge, avg_over_time(...) for a rate",
                subject=one.name,
            )
