"""A pattern is none, or misunderstood.

## What it does
Finds patterns (`=~`, `!~`) in selectors that begin with `^` or end in `$`, and those that are plain
words.

## Why it is bad
Prometheus anchors each pattern at both ends: `^foo` matches `foo` alone, and not what begins with it. A plain word is
found faster, and read better, with `=`.

## Example
```yaml
- {alert: Down, expr: 'up{job=~"^node"} == 0', for: 5m, annotations: {summary: Down}}
```

## Use instead
```yaml
- {alert: Down, expr: 'up{job=~"node.*"} == 0', for: 5m, annotations: {summary: Down}}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser

from meshscope.check.foreign import foreign_rules
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level

_PATTERN = re.compile(r"[][.*+?(){}|\\^$]")


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each pattern that says something else than it seems to."""
    for one in foreign_rules(subject):
        selectors = one.analysis.selectors if one.analysis else ()
        said = {
            (matcher.name, matcher.value)
            for selector in selectors
            for matcher in selector.matchers.matchers
            if matcher.op in (promql_parser.MatchOp.Re, promql_parser.MatchOp.NotRe)
        }
        for name, pattern in sorted(said):
            finding = _judged(pattern)
            if finding is not None:
                level, why, remedy = finding
                yield Finding(
                    code="rule/needless-regex",
                    title=f'a pattern in {one.called} is not what it seems: {name}=~"{pattern}"',
                    place=one.rule.origin,
                    level=level,
                    why=why,
                    help=remedy,
                    subject=one.name,
                )


def _judged(pattern: str) -> tuple[Level, str, str] | None:
    bare = pattern.removeprefix("^").removesuffix("$")
    if bare != pattern and "|" not in pattern:
        one_end = pattern.startswith("^") is not pattern.endswith("$") and not _PATTERN.search(bare)
        level = Level.WARNING if one_end else Level.NOTE
        meant = f"{bare}.*" if pattern.startswith("^") else f".*{bare}"
        return (
            level,
            "Prometheus anchors each pattern at both ends" + (f": this one is just {bare}" if one_end else ""),
            f'did you mean =~"{meant}"?' if one_end else f'write =~"{bare}"' if _PATTERN.search(bare) else f'="{bare}"',
        )
    if pattern and not _PATTERN.search(pattern):
        return Level.NOTE, "nothing in it is a pattern, and an equal label is found faster", f'write ="{pattern}"'
    return None
