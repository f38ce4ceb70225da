"""A quantile of buckets has lost their bounds.

## What it does
Finds `histogram_quantile` over the buckets of a classic histogram that were aggregated without `le`. Native histograms
have none and need none.

## Why it is bad
`le` is the bound of a bucket. Without it there is nothing that a quantile could be read from, and the result is empty.

## Example
```yaml
- {record: "a:b", expr: "histogram_quantile(0.9, sum by (job) (rate(http_seconds_bucket[5m])))"}
```

## Use instead
```yaml
- {record: "a:b", expr: "histogram_quantile(0.9, sum by (job, le) (rate(http_seconds_bucket[5m])))"}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_rules
from meshscope.check.promql.shape import Kind
from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each quantile without bounds."""
    for one in foreign_rules(subject):
        for problem in one.problems(Kind.NO_LE):
            yield Finding(
                code="rule/quantile-without-le",
                title=f"a quantile in {one.called} has lost the label le: {problem.of}",
                place=one.rule.origin,
                why=f"`{problem.why}` has one series for each bound, and le is the bound",
                help="keep it: sum by (le, ...) (...)",
                subject=one.name,
            )
