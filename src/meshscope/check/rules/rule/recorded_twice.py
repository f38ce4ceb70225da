"""A rule is there twice.

## What it does
Finds foreign rules that record one name with the same labels, and alerts of one name, labels and expression.

## Why it is bad
A series that two rules record has two values at once: Prometheus drops one of the two samples and counts the rule as
failing. An alert that is there twice is told twice.

## Example
```yaml
- {record: "job:up:sum", expr: "sum by (job) (up)"}
- {record: "job:up:sum", expr: "sum by (job) (up)"}
```

## Use instead
```yaml
- {record: "job:up:sum", expr: "sum by (job) (up)"}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import ForeignRule, foreign_rules
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each rule that is there a second time."""
    seen: dict[tuple[object, ...], ForeignRule] = {}
    for one in foreign_rules(subject):
        rule = one.rule
        labels = tuple(sorted(rule.labels.items()))
        first = seen.setdefault((rule.record, rule.alert, labels, rule.expr if rule.alert else ""), one)
        if first is one:
            continue
        same = " ".join(first.rule.expr.split()) == " ".join(rule.expr.split())
        yield Finding(
            code="rule/recorded-twice",
            title=f"{one.called} is there twice",
            place=rule.origin,
            # Two different expressions may be about different series.
            level=Level.ERROR if rule.record and same else Level.WARNING,
            why=f"the first is in rules/{first.file}.yaml ({first.rule.origin or 'of no place'})"
            + ("" if same else "; where both have a series of the same labels, one of them is dropped"),
            help="leave one out, or give one of them another name or label",
            subject=one.name,
        )
