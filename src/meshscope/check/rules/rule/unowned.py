"""A foreign alert says nothing of its owner.

## What it does
Finds alerts of mixins without a label `owner` that names an owner of this house.

## Why it is bad
People are told by owner. Without one the alert goes to the owner of the mesh, who may not know what it is about, and an
issue about it is opened nowhere.

## Example
```yaml
- {alert: DiskFull, expr: "disk_free_ratio < 0.1", labels: {severity: page}}
```

## Use instead
```yaml
- {alert: DiskFull, expr: "disk_free_ratio < 0.1", labels: {severity: page, owner: payments}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each foreign alert without an owner that is known here."""
    owners = {owner.name for owner in subject.model.owners}
    foreign = {rules.name for rules in subject.model.foreign}
    for file in (file for file in subject.artefacts.rules if file.name in foreign):
        for rule in (rule for group in file.groups for rule in group.rules if rule.alert):
            owner = rule.labels.get("owner", "")
            if owner not in owners:
                yield Finding(
                    code="rule/unowned",
                    title=f"alert `{rule.alert}` in rules/{file.name}.yaml "
                    + (f"is owned by `{owner}`, who is not defined" if owner else "has no owner"),
                    place=rule.origin,
                    level=Level.NOTE,
                    why="people are told by owner; this one is told to whoever owns the mesh",
                    help=f"give it the label owner, one of {', '.join(sorted(owners))}",
                    subject=rule.alert,
                )
