"""An alert fires at the first bad moment.

## What it does
Finds alerts without `for` that compare what a metric is at this moment, without looking over a time.

## Why it is bad
One scrape that fails makes `up` 0 for a moment: somebody is woken, and it is over.

## Example
```yaml
- {alert: Down, expr: "up == 0", annotations: {summary: Down}}
```

## Use instead
```yaml
- {alert: Down, expr: "up == 0", for: 5m, annotations: {summary: Down}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser

from meshscope.check.foreign import foreign_alerts
from meshscope.check.promql.analysis import COMPARISONS, seconds
from meshscope.check.promql.effects import bare
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert on a moment."""
    for one, analysis in foreign_alerts(subject):
        if not seconds(one.rule.pending) and analysis.is_instant and _is_of_a_moment(analysis.root):
            yield Finding(
                code="rule/fires-at-once",
                title=f"{one.called} fires at the first bad moment",
                place=one.rule.origin,
                level=Level.NOTE,
                why="it compares what a metric is at this moment and doesn't wait, so that one failed scrape is enough",
                help="have it wait, for example for: 5m, or look over a time: max_over_time(...[5m])",
                subject=one.name,
            )


def _is_of_a_moment(node: object) -> bool:
    node = bare(node)
    return (
        isinstance(node, promql_parser.BinaryExpr)
        and str(node.op) in COMPARISONS
        and isinstance(bare(node.lhs), promql_parser.VectorSelector)
        and isinstance(bare(node.rhs), promql_parser.NumberLiteral)
    )
