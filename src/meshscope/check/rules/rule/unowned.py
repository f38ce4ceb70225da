"""A foreign alert says nothing of its owner.

## What it does
Finds alerts of mixins without a label `owner` that names an owner of this house.

## Why it is bad
The built `alertmanager.yaml` tells people by owner: without one the alert goes to the owner of the mesh, who may not
know what it is about. In an Alertmanager of yours (`meshscope adopt`) it goes where your own routes send it, with or
without an owner: what is carried has no label `meshscope`, by which ours choose. An issue about it is opened nowhere.

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
                    why="the built alertmanager.yaml tells this to whoever owns the mesh; an Alertmanager that adopted "
                    "our routes tells it by its own, since what is carried has no label `meshscope`",
                    help=f"give it the label owner, one of {', '.join(sorted(owners))}",
                    subject=rule.alert,
                )
