"""A rule reads a metric that Prometheus doesn't have.

## What it does
Asked for with `meshscope check --against URL`: looks for each metric that a rule reads among those that the Prometheus
has had lately. What other rules of this build record is not looked for. Metrics of our own rules are told as notes,
since what they watch may not run yet.

## Why it is bad
A rule about nothing gives nothing: the alert never fires, and nothing says so. The usual cause is a typo, or an
exporter that calls it otherwise since its last release.

## Example
```yaml
- {alert: Failing, expr: "sum(rate(no_such_metric_total[5m])) > 0", for: 5m}
```

## Use instead
```yaml
- {alert: Failing, expr: "sum(up) == 0", for: 5m}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from meshscope.check.live import querying, read
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level

_ITS_OWN = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each metric and rule that reads it."""
    live = subject.live
    if live is None:
        return
    recorded = {rule.record for file in subject.artefacts.rules for group in file.groups for rule in group.rules}
    known = live.metrics | recorded | _ITS_OWN
    foreign = {rules.name for rules in subject.model.foreign}
    for file, rule in querying(subject.artefacts):
        for name in dict.fromkeys(name for name, _ in read(rule) if name not in known):
            close = get_close_matches(name, live.metrics, n=1, cutoff=0.85)
            yield Finding(
                code="live/no-series",
                title=f"`{rule.alert or rule.record}` reads `{name}`, of which {live.source} has no series",
                place=rule.origin or subject.model.mesh.place,
                level=Level.WARNING if file in foreign else Level.NOTE,
                why="a rule about nothing gives nothing, and no alert says so",
                help=f"did you mean `{close[0]}`?" if close else "look at what exports it: is it scraped?",
                subject=rule.alert or rule.record,
            )
