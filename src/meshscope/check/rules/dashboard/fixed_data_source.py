"""A panel names its data source by uid.

## What it does
Finds panels that are drawn in Python and whose data source is neither a variable nor one of Grafana's own.

## Why it is bad
In another Grafana, staging's or a colleague's, the same data source has another uid, and the panel stays empty there.

## Example
```python
from grafanalib.core import Dashboard, Stat, Target

free = Stat(title="Free", dataSource="PBFA97CFB590B2093", targets=[Target(expr="disk_free_bytes")])
disks = Dashboard(title="Disks", panels=[free])
```

## Use instead
```python
from grafanalib.core import Dashboard, Stat, Target

free = Stat(title="Free", dataSource="${datasource}", targets=[Target(expr="disk_free_bytes")])
disks = Dashboard(title="Disks", panels=[free])
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each panel that does."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/fixed-data-source")
