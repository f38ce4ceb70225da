"""Two sides of an expression can't match.

## What it does
Works out which labels each side of a join has. Finds those that share none where they have to be equal, or of which
each has one that the other lost.

## Why it is bad
The join gives nothing, whatever happens: the alert never fires, or `unless` never holds it back.

## Example
```yaml
- {record: "a:b", expr: "sum by (job) (foo) / on (instance) sum by (instance) (bar)"}
```

## Use instead
```yaml
- {record: "a:b", expr: "sum by (instance) (foo) / on (instance) sum by (instance) (bar)"}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_rules
from meshscope.check.promql.shape import Kind
from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each join that can't give anything."""
    for one in foreign_rules(subject):
        for problem in one.problems(Kind.IMPOSSIBLE_JOIN):
            yield Finding(
                code="rule/impossible-join",
                title=f"two sides in {one.called} can't match: {problem.of}",
                place=one.rule.origin,
                why=f"{problem.why}, and both must be equal there",
                help="aggregate both sides by the labels on which they are joined",
                subject=one.name,
            )
