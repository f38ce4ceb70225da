"""A quantile is one of all time.

## What it does
Finds `histogram_quantile` over buckets of which no rate was taken.

## Why it is bad
Buckets are counters: without a rate it is the quantile since each process began, which hardly moves when requests
become slow, and jumps at each restart.

## Example
```yaml
- {record: "a:b", expr: "histogram_quantile(0.9, http_seconds_bucket)"}
```

## Use instead
```yaml
- {record: "a:b", expr: "histogram_quantile(0.9, rate(http_seconds_bucket[5m]))"}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_rules
from meshscope.check.promql.shape import Kind
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each quantile of counters as they stand."""
    for one in foreign_rules(subject):
        for problem in one.problems(Kind.RAW_QUANTILE):
            yield Finding(
                code="rule/raw-quantile",
                title=f"a quantile in {one.called} is one of all time: {problem.of}",
                place=one.rule.origin,
                level=Level.WARNING,
                why=f"`{problem.why}` counts since its process began",
                help=f"take its rate first: rate({problem.why}[5m])",
                subject=one.name,
            )
