"""Count the rules of a built tree that query: those with a vector selector, found by a PromQL parser."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import promql_parser
import yaml

_CONSTANT = "- {"


def querying_rules(tree: Path) -> int:
    """How many rules of every rule file below ``tree`` read at least one series."""
    return sum(queries(rule["expr"]) for rule in rules(tree))


def queries(expression: str) -> bool:
    """Whether ``expression`` selects a series. Raises ValueError for what is no PromQL."""
    selectors = (promql_parser.VectorSelector, promql_parser.MatrixSelector)
    return not promql_parser.walk(promql_parser.parse(expression), lambda part: not isinstance(part, selectors))


def rules(tree: Path) -> Iterator[Mapping[str, Any]]:
    """Every rule of every rule file below ``tree``, as Prometheus reads it."""
    for path in sorted((tree / "prometheus" / "rules").glob("*.yaml")):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        # Constants stand one JSON object a line; there are too many of them for a parser of YAML.
        constants = [line for line in lines if line.lstrip().startswith(_CONSTANT)]
        yield from (json.loads(line.strip().removeprefix("- ")) for line in constants)
        document = yaml.safe_load("".join(line for line in lines if not line.lstrip().startswith(_CONSTANT)))
        for group in document["groups"]:
            yield from group["rules"] or ()
