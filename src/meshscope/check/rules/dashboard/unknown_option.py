"""A dashboard holds a key that Grafana does not know.

## What it does
Holds each dashboard against a schema that is stricter than Grafana: every key of it, of its panels and of their
options must be one that Grafana reads. Of a carried dashboard, which Grafana migrates, only what looks like a typo is
said, as a warning.

## Why it is bad
Grafana drops what it does not know without a word. A threshold with a typo is no threshold, and nobody sees that it is
missing.

## Example
```json
{"title": "Disks", "panels": [
  {"type": "stat", "title": "Free", "fieldConfig": {"defaults": {"units": "bytes"}, "overrides": []}}
]}
```

## Use instead
```json
{"title": "Disks", "panels": [
  {"type": "stat", "title": "Free", "fieldConfig": {"defaults": {"unit": "bytes"}, "overrides": []}}
]}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each key that would be dropped."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/unknown-option")
