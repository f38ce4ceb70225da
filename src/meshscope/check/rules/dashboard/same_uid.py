"""Two dashboards have the same uid.

## What it does
Compares the uids of all dashboards that are built, carried ones too.

## Why it is bad
Grafana can't tell them apart. It takes the right to write away from the whole provisioning of dashboards that has two
of one uid: nothing of the build is saved any more, changed or new, and only its log says so.

## Example
```python
from grafanalib.core import Dashboard

disks = Dashboard(title="Disks", uid="disks", panels=[])
drives = Dashboard(title="Drives", uid="disks", panels=[])
```

## Use instead
```python
from grafanalib.core import Dashboard

disks = Dashboard(title="Disks", uid="disks", panels=[])
drives = Dashboard(title="Drives", uid="drives", panels=[])
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each dashboard whose uid another has."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/same-uid")
