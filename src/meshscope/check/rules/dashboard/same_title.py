"""Two dashboards of one folder have the same title.

## What it does
Compares the titles of all dashboards that Grafana shows in one folder. Equal titles in different folders are fine.

## Why it is bad
Grafana provisions by title and folder. It takes the right to write away from the whole provisioning of dashboards that
has two of one title in one folder: nothing of the build is saved any more, and only its log says so.

## Example
```python
from grafanalib.core import Dashboard

disks = Dashboard(title="Disks", panels=[])
drives = Dashboard(title="Disks", panels=[])
```

## Use instead
```python
from grafanalib.core import Dashboard

disks = Dashboard(title="Disks", panels=[])
drives = Dashboard(title="Drives", panels=[])
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each dashboard whose title another of its folder has."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/same-title")
