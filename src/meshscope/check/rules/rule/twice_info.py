"""Two infos, or two objectives, for one service.

## What it does
Looks through every rule file, foreign ones too, for constants about one service that are recorded twice with different
labels: `service:info` for one service, `slo:objective:ratio` for one SLO of it.

## Why it is bad
Every rule that joins these series expects one for each service. With two, the join fails as a whole: not one alert of
any service is evaluated any more, and `promtool check rules` still says SUCCESS.

## Example
```yaml
- {record: "service:info", expr: "vector(1)", labels: {namespace: shop, service: cart, owner: storefront}}
- {record: "service:info", expr: "vector(1)", labels: {namespace: shop, service: cart, owner: payments}}
```

## Use instead
```yaml
- {record: "service:info", expr: "vector(1)", labels: {namespace: shop, service: cart, owner: storefront}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.artefacts.rules import Rule
from meshscope.check.subject import Subject
from meshscope.findings import Finding

_KEYS = {
    "service:info": ("cluster", "namespace", "service"),
    "slo:objective:ratio": ("cluster", "namespace", "service", "slo"),
}


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each constant that is there a second time."""
    seen: dict[tuple[str, ...], tuple[Rule, str]] = {}
    for file in subject.artefacts.rules:
        for rule in (rule for group in file.groups for rule in group.rules if rule.record in _KEYS):
            key = (rule.record, *(rule.labels.get(name, "") for name in _KEYS[rule.record]))
            first, where = seen.setdefault(key, (rule, file.name))
            if first is not rule:
                about = "/".join(part for part in key[1:] if part)
                yield Finding(
                    code="rule/twice-info",
                    title=f"`{rule.record}` of `{about}` is recorded twice",
                    place=rule.origin,
                    why=f"the other is in rules/{where}.yaml ({first.origin or 'of no definition'}); every rule that "
                    "joins it fails, for all services",
                    help="leave one out, or give one of the services another name, namespace or cluster",
                    subject=about,
                )
