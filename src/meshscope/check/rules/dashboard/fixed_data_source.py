"""A panel names its data source by uid.

## What it does
Finds panels whose data source is neither a variable nor one of Grafana's own.

## Why it is bad
In another Grafana, staging's or a colleague's, the same data source has another uid, and the panel stays empty there.

## Example
```json
{"title": "Disks", "panels": [
  {"type": "stat", "title": "Free", "datasource": {"type": "prometheus", "uid": "PBFA97CFB590B2093"}}
]}
```

## Use instead
```json
{"title": "Disks", "panels": [
  {"type": "stat", "title": "Free", "datasource": {"type": "prometheus", "uid": "${datasource}"}}
]}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each panel that does."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/fixed-data-source")
