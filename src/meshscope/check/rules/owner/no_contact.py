"""An owner can't be told of anything.

## What it does
Finds owners that have neither `pager` nor `chat`, nor a `mail` that the mesh could send (it needs a `smarthost`).

## Why it is bad
Issues wait to be read; an alert does not. Whatever such an owner's services page or ticket goes to the owner of the
mesh, who can only pass it on.

## Example
```python
storefront = Owner(name="storefront", issues="github:boutique/storefront")
cart = Service(name="cart", namespace="shop", runbook="cart.md", owner=storefront)
```

## Use instead
```python
storefront = Owner(name="storefront", issues="github:boutique/storefront", chat="slack:#storefront")
cart = Service(name="cart", namespace="shop", runbook="cart.md", owner=storefront)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.build.receivers import nobody_told
from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each owner that neither a page nor a ticket reaches."""
    yield from (finding for finding in nobody_told(subject.model) if finding.code == "owner/no-contact")
