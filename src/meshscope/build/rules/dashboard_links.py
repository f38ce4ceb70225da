"""Links of alerts lead to dashboards of the same build: where a house has not the best one, to the next best.

A link to a dashboard that nobody built ends in an error page, at night.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from meshscope.artefacts.rules import Rule, RuleFile, RuleGroup, RuleTest
from meshscope.build.boards import board_uid
from meshscope.model.model import Model

# What tells most of the same, in this order.
_NEXT_BEST = {
    "slo": ("service", "mesh-overview"),
    "service": ("slo", "mesh-overview"),
    "instances": ("service", "slo", "mesh-overview"),
    "mesh-overview": ("slo", "service"),
}


def linked_files(files: Iterable[RuleFile], model: Model) -> tuple[RuleFile, ...]:
    """``files`` with links to what ``model`` has."""
    instead = _instead(model)
    return tuple(_file(file, instead) for file in files) if instead else tuple(files)


def linked_tests(tests: Iterable[RuleTest], model: Model) -> tuple[RuleTest, ...]:
    """The unit tests with the same links."""
    instead = _instead(model)
    if not instead:
        return tuple(tests)
    return tuple(replace(test, document=_document(test.document, instead)) for test in tests)


def _instead(model: Model) -> Mapping[str, str]:
    """The link to each dashboard that ``model`` lacks, and what takes its place."""
    mesh, there = model.mesh, {definition.name for definition in model.dashboards}
    grafana = mesh.grafana.rstrip("/")
    found: dict[str, str] = {}
    for name, others in _NEXT_BEST.items():
        if name not in there:
            best = next((other for other in others if other in there), None)
            found[f"{grafana}/d/{board_uid(mesh, name)}"] = (
                f"{grafana}/d/{board_uid(mesh, best)}" if best else f"{grafana}/dashboards"
            )
    return found


def _file(file: RuleFile, instead: Mapping[str, str]) -> RuleFile:
    groups = tuple(_group(group, instead) for group in file.groups)
    return replace(file, groups=groups)


def _group(group: RuleGroup, instead: Mapping[str, str]) -> RuleGroup:
    return group if group.static else replace(group, rules=tuple(_rule(rule, instead) for rule in group.rules))


def _rule(rule: Rule, instead: Mapping[str, str]) -> Rule:
    texts = {name: _replaced(text, instead) for name, text in rule.annotations.items()}
    return replace(rule, annotations=texts) if texts != rule.annotations else rule


def _document(document: Mapping[str, object], instead: Mapping[str, str]) -> dict[str, object]:
    return {key: _within(item, instead) for key, item in document.items()}


def _within(value: object, instead: Mapping[str, str]) -> object:
    if isinstance(value, Mapping):
        return _document(value, instead)
    if isinstance(value, list | tuple):
        return [_within(item, instead) for item in value]
    return _replaced(value, instead) if isinstance(value, str) else value


def _replaced(text: str, instead: Mapping[str, str]) -> str:
    for link, other in instead.items():
        if link in text:
            # What follows a uid: the end, a query, or another letter of a longer uid, which is another dashboard.
            text = other.join(re.split(re.escape(link) + r"(?![-\w])", text))
    return text
