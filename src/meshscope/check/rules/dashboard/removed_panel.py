"""A panel is of a type that Grafana no longer has.

## What it does
Finds panels of types that were removed, and names what took their place.

## Why it is bad
Grafana moves such a panel to another type each time that somebody looks at it, and not always right: thresholds and
units get lost on the way.

## Example
```json
{"title": "Disks", "panels": [
  {"type": "singlestat", "title": "Free"}
]}
```

## Use instead
```json
{"title": "Disks", "panels": [
  {"type": "stat", "title": "Free"}
]}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each panel of such a type."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/removed-panel")
