"""A join breaks as soon as there is a second series.

## What it does
Finds joins of two plain metrics on one label, one to one: neither side is aggregated, so that nothing keeps a second
series away. And joins where one side lacks a label that the other may have: they match only where it is empty.

## Why it is bad
When a second job exports the metric, or a label is added, the whole rule fails: not one of its alerts is evaluated.

## Example
```yaml
- {record: "a:b", expr: "foo_bytes * on (instance) bar_info"}
```

## Use instead
```yaml
- {record: "a:b", expr: "foo_bytes * on (instance) group_left () max by (instance) (bar_info)"}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_rules
from meshscope.check.promql.shape import Kind
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each join that may break."""
    for one in foreign_rules(subject):
        for problem in one.problems(Kind.MANY_TO_MANY, Kind.UNEVEN_JOIN):
            loose = problem.kind is Kind.MANY_TO_MANY
            yield Finding(
                code="rule/fragile-join",
                title=f"a join in {one.called} is fragile: {problem.of}",
                place=one.rule.origin,
                level=Level.WARNING,
                why=f"neither side is unique by {problem.why}: with a second series the whole rule fails"
                if loose
                else f"{problem.why}: the sides match only where it is empty",
                help="aggregate one side, max by (...) (...), and say group_left() if the other has more series"
                if loose
                else "aggregate both sides by the same labels",
                subject=one.name,
            )
