"""A call leads to or from a service that is not defined.

## What it does
Finds calls whose caller or callee is no service, gateway or external service that the loader found: it stands in a file
whose name begins with `_`, in a folder that holds no definitions, or only inside the call itself.

## Why it is bad
Nothing is built for such a service: no rules, no owner, no place on the dashboards. The call can't hold back symptoms,
and when the service fails, nobody learns that it was the cause.

## Example
```python
cart = Service(name="cart", namespace="shop", owner=payments, runbook="cart.md")
calls = Calls({cart: (Service(name="stock", namespace="shop"),)})
```

## Use instead
```python
cart = Service(name="cart", namespace="shop", owner=payments, runbook="cart.md")
stock = Service(name="stock", namespace="shop", owner=payments, runbook="stock.md")
calls = Calls({cart: (stock,)})
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each call with an end that is not defined."""
    model = subject.model
    known = {node.identity for nodes in (model.services, model.gateways, model.externals) for node in nodes}
    for caller, callee in model.calls:
        for end in (caller, callee):
            if end not in known:
                yield Finding(
                    code="calls/unknown",
                    title=f"the call from `{caller}` to `{callee}` names `{end}`, which is not defined",
                    place=model.call_places.get((caller, callee)),
                    why="nothing is built for it, and when it fails nobody learns that it was the cause",
                    help="assign it to a name at the top level of a file under services/",
                    subject=str(end),
                )
