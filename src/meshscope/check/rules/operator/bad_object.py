"""An object of an operator is not what its definition allows.

## What it does
With `--emit operator`, holds each object against the schema of its custom resource definition. Kinds without a real
definition at hand are named in the last line of a check as not judged.

## Why it is bad
An API server refuses the object, and with it perhaps all that is applied together; or it removes the field that it does
not know and says nothing.

## Example
```yaml
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: disks, namespace: monitoring}
spec: {groups: [{name: disks, rules: [{alert: DiskFull, expr: 1, for: soon}]}]}
```

## Use instead
```yaml
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: disks, namespace: monitoring}
spec: {groups: [{name: disks, rules: [{alert: DiskFull, expr: 1, for: 5m}]}]}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.crds import schema_errors
from meshscope.check.subject import Subject
from meshscope.findings import Finding


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each place in an object that its definition does not allow."""
    yield from schema_errors(subject.objects)
