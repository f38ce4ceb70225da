"""The mesh has no owner.

## What it does
Finds a `Mesh` without `owner`.

## Why it is bad
The mesh's owner is the default: it is told of the platform's own trouble, and of services that nobody owns. Without one
those alerts reach nobody.

## Example
```python
mesh = Mesh(name="shop", provider="istio")
```

## Use instead
```python
mesh = Mesh(name="shop", provider="istio", owner=payments)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.build.receivers import nobody_told
from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding where there is no owner."""
    yield from (finding for finding in nobody_told(subject.model) if finding.code == "mesh/no-owner")
