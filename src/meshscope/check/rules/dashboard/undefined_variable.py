"""A dashboard asks for a variable that nothing defines.

## What it does
Looks through every text of a carried dashboard for `${...}` that is no variable of it, no input that could be filled in
and none of Grafana's own (`${__...}`).

## Why it is bad
Grafana leaves the text as it is: a data source called `${DS_PROMETHEUS}` is not found, and a query for
`namespace="${namespace}"` finds nothing. Dashboards that were exported for sharing end like this.

## Example
```json
{"title": "Disks", "panels": [
  {"type": "stat", "title": "Free", "datasource": {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}}
]}
```

## Use instead
```json
{"title": "Disks",
 "__inputs": [{"name": "DS_PROMETHEUS", "type": "datasource", "pluginId": "prometheus"}],
 "panels": [
  {"type": "stat", "title": "Free", "datasource": {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}}
]}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each name that nothing defines."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/undefined-variable")
