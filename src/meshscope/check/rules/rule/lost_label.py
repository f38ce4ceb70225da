"""A message shows a label that its alert doesn't have.

## What it does
Works out which labels the series of an alert's expression can have, and compares them with those that its labels and
annotations show as `$labels.NAME`. An aggregation loses all but its `by`, a join all but what it is `on`, and `absent`
has only what its selector demands to be equal. The rule's own labels can't be shown either: they are put on afterwards.

## Why it is bad
Whoever is woken reads " is down": what is down is not said.

## Example
```yaml
- {alert: Down, expr: "sum by (job) (up) == 0", for: 5m, annotations: {summary: "{{ $labels.instance }}"}}
```

## Use instead
```yaml
- {alert: Down, expr: "sum by (job) (up) == 0", for: 5m, annotations: {summary: "{{ $labels.job }}"}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_alerts
from meshscope.check.promql.template import shown
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each label that a message shows and no series has."""
    for one, analysis in foreign_alerts(subject):
        labels = analysis.shape.labels
        texts = [*one.rule.labels.values(), *one.rule.annotations.values()]
        for name in dict.fromkeys(label for text in texts for label in shown(text)):
            if not labels.may_have(name):
                has = ", ".join(sorted(labels.only or ())) if labels.only is not None else "others"
                yield Finding(
                    code="rule/lost-label",
                    title=f"{one.called} shows the label `{name}`, which its series don't have",
                    place=one.rule.origin,
                    level=Level.WARNING,
                    why=f"its expression leaves {has or 'no label'}; the message is empty where it should say {name}",
                    help=f"keep it in the expression, for example by ({name}), or leave it out of the message",
                    subject=one.name,
                )
