"""An alert's severity is no word that anybody is routed by.

## What it does
Finds alerts, those of mixins and foreign rules too, whose label `severity` is missing or none of the words of
`Mesh(severities=...)`. `none` is for alerts that are told to nobody.

## Why it is bad
Alertmanager routes and holds back by severity. An alert without one, or with a word that no route knows, falls to the
default receiver, is held back by nothing and holds back nothing.

## Example
```yaml
- {alert: DiskFull, expr: "disk_free_ratio < 0.1", labels: {severity: critical}}
```

## Use instead
```yaml
- {alert: DiskFull, expr: "disk_free_ratio < 0.1", labels: {severity: page}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert that is routed by no known word."""
    words = subject.model.mesh.severities
    known = (words.page, words.ticket, "none")
    for file in subject.artefacts.rules:
        for rule in (rule for group in file.groups for rule in group.rules if rule.alert):
            severity = rule.labels.get("severity")
            if severity in known:
                continue
            has = f"the severity `{severity}`" if severity else "no severity"
            yield Finding(
                code="rule/unknown-severity",
                title=f"alert `{rule.alert}` in rules/{file.name}.yaml has {has}",
                place=rule.origin,
                level=Level.WARNING,
                why=f"routes know {', '.join(known)}; any other falls to the default receiver",
                help=f'write severity: "{words.page}" or "{words.ticket}", or have the mesh use your words: '
                "Mesh(severities=SeverityWords(page=..., ticket=...))",
                subject=rule.alert,
            )
