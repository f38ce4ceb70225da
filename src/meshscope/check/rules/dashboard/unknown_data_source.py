"""A dashboard asks a data source that nothing provisions.

## What it does
Compares the data sources that carried dashboards ask, in panels, variables and annotations, with those that the build
provisions (metrics, traces, logs) and those that `Mesh(data_sources=...)` declares.

## Why it is bad
In a Grafana that has only what is built here each panel says that its data source was not found.

## Example
```json
{"title": "Disks", "panels": [
  {"type": "logs", "title": "Errors", "datasource": {"type": "elasticsearch", "uid": "shop-logs"}}
]}
```

## Use instead
```json
{"title": "Disks", "panels": [
  {"type": "logs", "title": "Errors", "datasource": {"type": "loki", "uid": "loki"}}
]}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each data source that is asked and not there."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/unknown-data-source")
