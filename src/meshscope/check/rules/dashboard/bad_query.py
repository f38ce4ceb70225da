"""A panel asks for what is no PromQL.

## What it does
Fills the variables of a dashboard in as Grafana would, and parses each query to Prometheus.

## Why it is bad
The panel shows an error instead of a graph, and it does so on the night when somebody needs it.

## Example
```json
{"title": "Disks", "panels": [
  {"type": "stat", "title": "Free", "targets": [
    {"refId": "A", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "expr": "sum(rate(reads_total[5m])"}
  ]}
]}
```

## Use instead
```json
{"title": "Disks", "panels": [
  {"type": "stat", "title": "Free", "targets": [
    {"refId": "A", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "expr": "sum(rate(reads_total[5m]))"}
  ]}
]}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each query that is none."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/bad-query")
