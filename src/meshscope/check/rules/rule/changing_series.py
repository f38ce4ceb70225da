"""An alert is about whoever is first at the moment.

## What it does
Finds alerts whose series come from `topk`, `bottomk`, `limitk` or `limit_ratio`.

## Why it is bad
Which series those are changes with their values: alerts resolve and others fire while nothing changes, and `for` begins
anew each time.

## Example
```yaml
- {alert: Full, expr: "topk(10, disk_used_ratio) > 0.9", for: 5m, annotations: {summary: Down}}
```

## Use instead
```yaml
- {alert: Full, expr: "disk_used_ratio > 0.9", for: 5m, annotations: {summary: Down}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_alerts
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert whose series change with their values."""
    for one, analysis in foreign_alerts(subject):
        if analysis.shape.chosen:
            yield Finding(
                code="rule/changing-series",
                title=f"{one.called} is about whoever is first at the moment",
                place=one.rule.origin,
                level=Level.WARNING,
                why="topk and its like choose other series when values change: alerts resolve and fire anew",
                help="leave it out: the comparison chooses already",
                subject=one.name,
            )
