"""An alert says nothing to whom it wakes.

## What it does
Finds foreign alerts without an annotation `summary`, `description` or `message`.

## Why it is bad
Whoever is woken reads the name of a rule and a list of labels.

## Example
```yaml
- {alert: Down, expr: "up == 0", for: 5m, labels: {team: shop}}
```

## Use instead
```yaml
- {alert: Down, expr: "up == 0", for: 5m, annotations: {summary: Down}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_alerts
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level

_WORDS = ("summary", "description", "message")


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert without words."""
    for one, _ in foreign_alerts(subject):
        if not any(one.rule.annotations.get(name, "").strip() for name in _WORDS):
            yield Finding(
                code="rule/no-summary",
                title=f"{one.called} has no summary",
                place=one.rule.origin,
                level=Level.NOTE,
                why="people read what is wrong in its annotations summary and description",
                help="write an annotation: summary, in one line",
                subject=one.name,
            )
