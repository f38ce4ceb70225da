"""A contact names a receiver of no Alertmanager that is known.

## What it does
Finds owners that are told by `receiver:NAME` where the mesh names no file of an Alertmanager that is there already.
Whether the file that it names has the receiver is said when our part is merged into it.

## Why it is bad
The receiver stands in no file that is built here. What it should tell would go to the mesh's owner, or to nobody.

## Example
```python
platform = Owner(name="platform", issues="github:acme/platform", pager="receiver:sre-pager")
mesh = Mesh(name="shop", provider="istio", owner=platform)
```

## Use instead
```python
platform = Owner(name="platform", issues="github:acme/platform", pager="receiver:sre-pager")
mesh = Mesh(name="shop", provider="istio", owner=platform, alertmanager_config="alertmanager.yaml")
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.build.standing_alone import unknown_receivers
from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each such contact."""
    yield from unknown_receivers(subject.model)
