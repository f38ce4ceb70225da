"""An alert waits for weeks.

## What it does
Finds alerts that wait longer than a week (`for`).

## Why it is bad
Its condition must hold at each evaluation of all that time; one gap, and it begins anew. It tells when it is over.

## Example
```yaml
- {alert: Down, expr: "up == 0", for: 40d, annotations: {summary: Down}}
```

## Use instead
```yaml
- {alert: Down, expr: "up == 0", for: 4h, annotations: {summary: Down}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_alerts
from meshscope.check.promql.analysis import seconds
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level

_WEEK = 7 * 86400


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert that waits longer than a week."""
    for one, _ in foreign_alerts(subject):
        if seconds(one.rule.pending) > _WEEK:
            yield Finding(
                code="rule/waits-too-long",
                title=f"{one.called} waits {one.rule.pending} before it fires",
                place=one.rule.origin,
                level=Level.WARNING,
                why="its condition must hold at each evaluation for all that time, and a single gap begins it anew",
                help="look over the time instead: min_over_time(...[7d]), or wait for hours",
                subject=one.name,
            )
