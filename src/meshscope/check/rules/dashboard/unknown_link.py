"""A link leads to a dashboard that is not there.

## What it does
Follows the links from each dashboard that is drawn in Python to others of the same house, by uid.

## Why it is bad
Whoever clicks on it in the middle of an incident finds an empty page.

## Example
```python
from grafanalib.core import Dashboard

disks = Dashboard(title="Disks", panels=[], links=[{"type": "link", "title": "SLOs", "url": "/d/shop-dicks"}])
```

## Use instead
```python
from grafanalib.core import Dashboard

disks = Dashboard(title="Disks", panels=[], links=[{"type": "link", "title": "SLOs", "url": "/d/shop-disks"}])
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each link that leads nowhere."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/unknown-link")
