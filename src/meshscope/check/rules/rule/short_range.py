"""A rate looks over less than two scrapes can be sure to be in.

## What it does
Finds `rate`, `increase` and whatever else needs two samples over a range that is no longer than two intervals of
`Mesh(scrape_interval=...)`.

## Why it is bad
A range is open on its left side: two intervals hold two samples only while each scrape is on time. With one that is
late or fails there is no result, and the alert resolves and fires anew.

## Example
```yaml
- {alert: Many, expr: "rate(http_requests_total[20s]) > 1", for: 5m, annotations: {summary: Down}}
```

## Use instead
```yaml
- {alert: Many, expr: "rate(http_requests_total[1m]) > 1", for: 5m, annotations: {summary: Down}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_rules
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level
from meshscope.model.units import seconds


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each range that is too short."""
    every = subject.model.mesh.scrape_interval
    for one in foreign_rules(subject):
        for found in dict.fromkeys(one.analysis.ranges if one.analysis else ()):
            if found.seconds <= 2 * every.seconds:
                yield Finding(
                    code="rule/short-range",
                    title=f"{one.called} takes {found.function} over {found.seconds * seconds}, "
                    f"and is scraped every {every}",
                    place=one.rule.origin,
                    level=Level.WARNING,
                    why=f"{found.function} needs two samples, and a scrape that is late leaves one",
                    help=f"look over four scrapes: [{4 * every}], or declare the mesh's scrape_interval",
                    subject=one.name,
                )
