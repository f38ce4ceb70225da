"""A rule asks for what can't be.

## What it does
Works out which values the parts of a foreign rule's expression can have: a count is at least 1, `absent` is 1, `up`
is 0 or 1, a rate is not negative. Finds comparisons that none of them satisfies, those that contradict each other, and
selectors that want two values of one label.

## Why it is bad
The alert never fires, and everybody believes that it watches.

## Example
```yaml
- {alert: Down, expr: "count(up == 1) == 0", for: 5m, annotations: {summary: Down}}
```

## Use instead
```yaml
- {alert: Down, expr: "absent(up == 1)", for: 5m, annotations: {summary: Down}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_rules
from meshscope.check.promql.shape import Kind
from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each comparison that can't hold."""
    for one in foreign_rules(subject):
        for problem in one.problems(Kind.IMPOSSIBLE):
            yield Finding(
                code="rule/never-fires",
                title=f"{one.called} asks for what can't be: {problem.of}",
                place=one.rule.origin,
                why=f"{problem.why}, so it never gives a series",
                help="look at the numbers; where there is nothing to count, count(...) gives nothing and not 0: "
                "write absent(...), or (count(...) or vector(0)) == 0",
                subject=one.name,
            )
