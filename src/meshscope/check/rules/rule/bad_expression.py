"""A rule's expression is no PromQL.

## What it does
Parses the expression of each foreign rule. What only newer or experimental parsers read (`anchored`, `smoothed`,
arithmetic in a range) is left to promtool.

## Why it is bad
Prometheus refuses the whole file, and with it every rule that stands there.

## Example
```yaml
- {record: "job:up:sum", expr: "sum by (job) (up"}
```

## Use instead
```yaml
- {record: "job:up:sum", expr: "sum by (job) (up)"}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser

from meshscope.check.foreign import ForeignRule, foreign_rules
from meshscope.check.subject import Subject
from meshscope.findings import Finding

# https://prometheus.io/docs/prometheus/latest/feature_flags/: promql-extended-range-selectors, promql-duration-expr.
_NEWER = re.compile(r"\b(anchored|smoothed)\b|\[[^\]]*[-+*/^%(][^\]]*\]|offset\s*\(|\b(step|range)\(\)")


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each expression that can't be parsed."""
    for one in foreign_rules(subject):
        if one.analysis is None and not _NEWER.search(one.rule.expr):
            yield Finding(
                code="rule/bad-expression",
                title=f"the expression of {one.called} is no PromQL",
                place=one.rule.origin,
                why=f"Prometheus refuses the whole file: {_said(one)}",
                help="mend the expression; promtool check rules shows where",
                subject=one.name,
            )


def _said(one: ForeignRule) -> str:
    try:
        promql_parser.parse(one.rule.expr)
    except ValueError as error:
        return " ".join(str(error).split())
    return ""
