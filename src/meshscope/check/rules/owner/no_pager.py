"""An owner has no pager.

## What it does
Finds owners that can be told of tickets, but not be woken. Where an environment caps severities nobody is to be woken.

## Why it is bad
Pages of teams without a pager of their own wake the mesh's owner, who may know nothing of their services. Where the
mesh's owner has none either, they wait in a chat until the morning.

## Example
```python
platform = Owner(name="platform", issues="github:acme/platform", chat="slack:#platform")
mesh = Mesh(name="shop", provider="istio", owner=platform)
```

## Use instead
```python
platform = Owner(name="platform", issues="github:acme/platform", pager="pagerduty:platform", chat="slack:#platform")
mesh = Mesh(name="shop", provider="istio", owner=platform)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.build.receivers import nobody_told
from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding where pages may wake nobody."""
    yield from (finding for finding in nobody_told(subject.model) if finding.code == "owner/no-pager")
