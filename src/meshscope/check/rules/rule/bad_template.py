"""A template in a label or an annotation can't be read.

## What it does
Reads the templates of each foreign alert: each `{{` has its `}}`, each block its end, and each function and variable
is one that Prometheus has.

## Why it is bad
Prometheus refuses the whole file. Where it is an older one, people get the text of an error instead of a message.

## Example
```yaml
- {alert: Down, expr: "up == 0", for: 5m, annotations: {summary: "{{ $labels.job | humanise }}"}}
```

## Use instead
```yaml
- {alert: Down, expr: "up == 0", for: 5m, annotations: {summary: "{{ $labels.job | title }}"}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_rules
from meshscope.check.promql.template import wrong
from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each template that is wrong."""
    for one in foreign_rules(subject):
        for where, texts in (("label", one.rule.labels), ("annotation", one.rule.annotations)):
            for name, text in texts.items():
                said = next(wrong(text), None)
                if said is not None:
                    yield Finding(
                        code="rule/bad-template",
                        title=f"{where} `{name}` of {one.called} is no template: {said}",
                        place=one.rule.origin,
                        why="Prometheus refuses the whole file, and with it every rule that stands there",
                        help="functions and variables: "
                        "https://prometheus.io/docs/prometheus/latest/configuration/template_reference/",
                        subject=one.name,
                    )
