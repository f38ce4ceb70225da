"""A rule selects by a label that its metric doesn't have.

## What it does
Asked for with `meshscope check --against URL`: compares the labels by which rules select (`metric{label="value"}`) with
those that the series of the metric have in the Prometheus.

## Why it is bad
No series matches, so that the rule gives nothing, and nothing says so.

## Example
```yaml
- {alert: Failing, expr: 'sum(up{nolabel="x"}) == 0', for: 5m}
```

## Use instead
```yaml
- {alert: Failing, expr: 'sum(up{job="x"}) == 0', for: 5m}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from meshscope.check.live import querying, read
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each label, metric and rule that selects by it."""
    live = subject.live
    if live is None:
        return
    for _, rule in querying(subject.artefacts):
        for name, labels in dict.fromkeys(read(rule)):
            has = live.labels.get(name)
            for label in sorted(labels - has) if has is not None else ():
                close = get_close_matches(label, has or (), n=1)
                yield Finding(
                    code="live/no-label",
                    title=f"`{rule.alert or rule.record}` selects `{name}` by `{label}`, which none of its series has",
                    place=rule.origin or subject.model.mesh.place,
                    level=Level.WARNING,
                    why=f"in {live.source} no series matches, so that the rule gives nothing",
                    help=f"did you mean `{close[0]}`?" if close else f"it has {', '.join(sorted(has or ()))}",
                    subject=rule.alert or rule.record,
                )
