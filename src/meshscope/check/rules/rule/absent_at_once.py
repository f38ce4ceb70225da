"""An alert on absence doesn't wait.

## What it does
Finds alerts on `absent` without `for`. `absent_over_time` waits by itself.

## Why it is bad
One restart of Prometheus, one scrape that fails, one moment in which a target is replaced, and somebody is woken.

## Example
```yaml
- {alert: Gone, expr: 'absent(up{job="api"})', annotations: {summary: Down}}
```

## Use instead
```yaml
- {alert: Gone, expr: 'absent(up{job="api"})', for: 10m, annotations: {summary: Down}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser

from meshscope.check.foreign import foreign_alerts
from meshscope.check.promql.analysis import seconds
from meshscope.check.promql.effects import bare
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert on absence that fires at once."""
    for one, analysis in foreign_alerts(subject):
        if not seconds(one.rule.pending) and _asks_for_absence(analysis.root):
            yield Finding(
                code="rule/absent-at-once",
                title=f"{one.called} fires at the first moment without its series",
                place=one.rule.origin,
                level=Level.WARNING,
                why="a restart of Prometheus or one failed scrape leaves such a moment",
                help="have it wait, for example for: 10m",
                subject=one.name,
            )


def _asks_for_absence(node: object) -> bool:
    node = bare(node)
    if isinstance(node, promql_parser.Call):
        return node.func.name == "absent"
    if isinstance(node, promql_parser.BinaryExpr):
        return _asks_for_absence(node.lhs) or (str(node.op) == "or" and _asks_for_absence(node.rhs))
    return False
