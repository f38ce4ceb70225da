"""A dashboard is of Grafana's second schema.

## What it does
Names the carried dashboards that are of the second schema (`dashboard.grafana.app/v2`).

## Why it is bad
It is not, where Grafana is 13 or newer. An older one reads it only where its feature flag for new dashboards is on.

## Example
```json
{"apiVersion": "dashboard.grafana.app/v2", "kind": "Dashboard", "metadata": {"name": "disks"},
 "spec": {"title": "Disks", "elements": {}, "layout": {"kind": "GridLayout", "spec": {"items": []}}}}
```

## Use instead
```json
{"title": "Disks", "uid": "disks", "panels": []}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One note for each such dashboard."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/second-schema")
