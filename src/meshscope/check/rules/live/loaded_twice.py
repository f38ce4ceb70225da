"""A rule of this build runs twice.

## What it does
Asked for with `meshscope check --against URL`: looks for rules of this build among those that the Prometheus runs, and
finds those that it has loaded more than once: from an older tree, from plain files and an object, from two objects.

## Why it is bad
A series that two rules record has two values at once: one is dropped and the rule counts as failing. An alert that is
loaded twice is told twice, and the older one goes on telling what was mended.

## Example
```yaml
- {record: "job:loaded:twice", expr: "sum by (job) (up)"}
```

## Use instead
```yaml
- {record: "job:loaded:once", expr: "sum by (job) (up)"}
```
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from meshscope.check.live import LoadedRule, querying
from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each rule that is loaded more than once."""
    if subject.live is None:
        return
    running: defaultdict[tuple[object, ...], list[LoadedRule]] = defaultdict(list)
    for one in subject.live.loaded:
        running[one.name, tuple(sorted(one.labels.items()))].append(one)
    for _, rule in querying(subject.artefacts):
        name = rule.alert or rule.record
        found = running.get((name, tuple(sorted(rule.labels.items()))), [])
        places = sorted({f"group {one.group} of {one.file}" for one in found})
        if len(places) > 1:
            yield Finding(
                code="live/loaded-twice",
                title=f"`{name}` runs more than once in {subject.live.source}",
                place=rule.origin or subject.model.mesh.place,
                why=f"it is in {' and in '.join(places)}",
                help="remove the older files or objects: kubectl apply --prune, or look into rule_files",
                subject=name,
            )
