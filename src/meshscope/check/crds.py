"""Kubernetes objects against the schemas of their definitions, and which kinds nothing here can judge."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError, best_match

from meshscope.artefacts.objects import KubernetesObject
from meshscope.findings import Finding

_SCHEMAS = Path(__file__).parent / "schemas"
# Made after documentation and sources: no operator has read what passes it.
_OWN = frozenset({"OpenTelemetryCollector"})
_SHOWN = 120


def schema_errors(objects: Iterable[KubernetesObject]) -> tuple[Finding, ...]:
    """What each object says that its definition doesn't allow. Kinds without a schema are passed over: `unproven`."""
    return tuple(_finding(thing, error) for thing in objects for error in _errors(thing))


def unproven(objects: Iterable[KubernetesObject]) -> tuple[str, ...]:
    """The kinds among ``objects`` that no real definition has judged, sorted."""
    return tuple(sorted({f"{thing.api} {thing.kind}" for thing in objects if not _is_judged(thing)}))


def _is_judged(thing: KubernetesObject) -> bool:
    return thing.kind not in _OWN and _validator(thing.api, thing.kind) is not None


def _errors(thing: KubernetesObject) -> Iterable[ValidationError]:
    validator = _validator(thing.api, thing.kind)
    return validator.iter_errors(thing.document) if validator else ()


def _finding(thing: KubernetesObject, error: ValidationError) -> Finding:
    deepest = best_match([error]) or error
    where = ".".join(str(part) for part in deepest.absolute_path) or "the object"
    said = deepest.message if len(deepest.message) <= _SHOWN else f"{deepest.message[:_SHOWN]}…"
    return Finding(
        code="operator/bad-object",
        title=f"{thing} is not what its definition allows: {where}: {said}",
        place=next((origin for origin in thing.origins if origin is not None), None),
        why="an API server refuses it, or removes what it doesn't know and says nothing",
        help=f"look at {where} in {thing.path}",
        subject=thing.name,
    )


@lru_cache(maxsize=32)
def _validator(api: str, kind: str) -> Draft7Validator | None:
    path = _SCHEMAS / f"crd-{kind.lower()}-{api.rpartition('/')[2]}.json"
    if not path.is_file():
        return None
    schema: Mapping[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return Draft7Validator(schema)
