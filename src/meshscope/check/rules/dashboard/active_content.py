"""A panel holds a script, a frame, or an address that runs one.

## What it does
Looks through texts and links for what a browser would run.

## Why it is bad
Whoever opens the dashboard would run it with their own session, an administrator's too.

## Example
```json
{"title": "Disks", "panels": [
  {"type": "text", "title": "Notes", "options": {"mode": "html", "content": "<script src='https://cdn.example/a.js'></script>"}}
]}
```

## Use instead
```json
{"title": "Disks", "panels": [
  {"type": "text", "title": "Notes", "options": {"mode": "markdown", "content": "See the **runbook**."}}
]}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each panel that does."""
    yield from (finding for finding in subject.dashboards if finding.code == "dashboard/active-content")
