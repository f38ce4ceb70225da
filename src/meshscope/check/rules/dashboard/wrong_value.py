"""A dashboard holds a value that Grafana does not take.

## What it does
Holds the values of each dashboard against the schema of Grafana's own sources: their types, and where only some are
allowed, which.

## Why it is bad
Grafana falls back to a default, or draws a panel that is empty, and says so only to whoever opens the console of their
browser.

## Example
```json
{"title": "Disks", "panels": [
  {"type": "stat", "title": "Free", "gridPos": {"x": 0, "y": 0, "w": "half", "h": 4}}
]}
```

## Use instead
```json
{"title": "Disks", "panels": [
  {"type": "stat", "title": "Free", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 4}}
]}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each value that is not taken."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/wrong-value")
