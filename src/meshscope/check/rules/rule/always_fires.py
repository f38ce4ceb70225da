"""An alert can't be silent.

## What it does
Finds foreign alerts whose expression gives a series whatever happens: a comparison with `bool`, which gives 0 instead
of nothing, or `or vector(0)` outside of the comparison. An alert of nothing but constants is a watchdog and left alone.

## Why it is bad
The alert fires for ever, and real trouble changes nothing.

## Example
```yaml
- {alert: Down, expr: "up == bool 0", for: 5m, annotations: {summary: Down}}
```

## Use instead
```yaml
- {alert: Down, expr: "up == 0", for: 5m, annotations: {summary: Down}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_alerts
from meshscope.check.promql.analysis import is_top_bool
from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert that always fires."""
    for one, analysis in foreign_alerts(subject):
        is_bool = is_top_bool(analysis.root) and not analysis.shape.filtered
        if analysis.selectors and (is_bool or analysis.shape.always):
            yield Finding(
                code="rule/always-fires",
                title=f"{one.called} can't be silent",
                place=one.rule.origin,
                why="with bool a comparison gives 0 where it is false, and an alert fires for 0 too"
                if is_bool
                else "a part of its expression is there whatever happens, and an alert fires for each series",
                help="leave out bool" if is_bool else "put the comparison around the whole: (... or vector(0)) > 5",
                subject=one.name,
            )
