"""A dashboard has a uid that Grafana refuses.

## What it does
Finds uids of carried dashboards that are longer than 40 characters, or hold others than letters, digits, `-` and `_`.

## Why it is bad
Grafana refuses to save it, so nobody ever sees it.

## Example
```json
{"title": "Disks", "uid": "disks/free", "panels": []}
```

## Use instead
```json
{"title": "Disks", "uid": "disks-free", "panels": []}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each uid that is refused."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/bad-uid")
