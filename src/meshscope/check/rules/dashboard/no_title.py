"""A dashboard has no title.

## What it does
Finds carried dashboards without a title, or with an empty one.

## Why it is bad
Grafana refuses to save it, so nobody ever sees it.

## Example
```json
{"panels": []}
```

## Use instead
```json
{"title": "Disks", "panels": []}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each dashboard without a title."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/no-title")
