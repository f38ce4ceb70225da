"""A component of a collector is not what its documentation allows.

## What it does
Holds the components that few builds of the collector have (log files, host and kubelet metrics, balancing) against
schemas made from their documentation. All others are left to `otelcol validate`.

## Why it is bad
A collector that does not understand its configuration does not start, and a build that lacks the component can not
say so before.

## Example
```yaml
receivers:
  file_log: {include: [/var/log/pods/*/*/*.log], start_at: start}
```

## Use instead
```yaml
receivers:
  file_log: {include: [/var/log/pods/*/*/*.log], start_at: beginning}
```
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError, best_match

from meshscope.artefacts.documents import CollectorConfig
from meshscope.check.subject import Subject
from meshscope.findings import Finding

_SCHEMAS = Path(__file__).parents[2] / "schemas"
_KINDS = ("receivers", "processors", "exporters", "connectors")


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each place in a component that its documentation does not allow."""
    for collector in subject.artefacts.collectors:
        for kind in _KINDS:
            components = collector.document.get(kind)
            for name, settings in components.items() if isinstance(components, Mapping) else ():
                yield from _judged(collector, name, settings)


def _judged(collector: CollectorConfig, name: str, settings: object) -> Iterator[Finding]:
    validator = _validators().get(_plain(name.partition("/")[0]))
    if validator is None:
        return
    # Through JSON, so that a tuple is what it will be in the file.
    for error in validator.iter_errors(json.loads(json.dumps(settings or {}))):
        yield _finding(collector, name, best_match([error]) or error)


def _finding(collector: CollectorConfig, name: str, error: ValidationError) -> Finding:
    where = ".".join([name, *map(str, error.absolute_path)])
    return Finding(
        code="collector/bad-component",
        title=f"`{where}` in the {collector.name} tier is not what its documentation allows: {error.message[:120]}",
        place=collector.origin,
        why="a collector that does not understand its configuration does not start",
        help=f"look up {name.partition('/')[0]} in the collector's documentation",
        subject=name,
    )


@cache
def _validators() -> Mapping[str, Draft7Validator]:
    found = sorted(_SCHEMAS.glob("otelcol-*.json"))
    return {
        _plain(path.stem.removeprefix("otelcol-")): Draft7Validator(json.loads(path.read_text(encoding="utf-8")))
        for path in found
    }


def _plain(name: str) -> str:
    # Older releases write names without underscores.
    return name.replace("_", "")
