"""An alert has its value in a label.

## What it does
Finds alerts one of whose labels is made from `$value`, `.Value` or a time.

## Why it is bad
Labels are an alert's identity. When the value changes, the alert resolves and another one fires: people are told again
at each evaluation, `for` never ends, silences don't hold, and an issue is opened for each number.

## Example
```yaml
- {alert: DiskFull, expr: "disk_free_ratio < 0.1", labels: {severity: page, free: "{{ $value }}"}}
```

## Use instead
```yaml
- {alert: DiskFull, expr: "disk_free_ratio < 0.1", labels: {severity: page}, annotations: {summary: "{{ $value }}"}}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding

_UNSTABLE = re.compile(r"\{\{[^}]*(\$value|\.Value|\bquery\b|\bnow\b)[^}]*\}\}")


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each label that changes while its alert fires."""
    for file in subject.artefacts.rules:
        for rule in (rule for group in file.groups for rule in group.rules if rule.alert):
            for name, value in rule.labels.items():
                if _UNSTABLE.search(value):
                    yield Finding(
                        code="rule/value-in-label",
                        title=f"label `{name}` of alert `{rule.alert}` changes while it fires",
                        place=rule.origin,
                        why="labels are an alert's identity: with each new value it resolves and fires anew",
                        help="move it to an annotation",
                        subject=rule.alert,
                    )
