"""Foreign rules as rule files: nothing is changed, so that what a mixin promises is what is evaluated.

Whatever our own alerts have and these lack (an owner, a severity of this house, a runbook) the check says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshscope.artefacts.rules import Rule, RuleFile, RuleGroup
from meshscope.build.options import Options
from meshscope.model.foreign import ForeignRules
from meshscope.model.model import Model
from meshscope.model.units import minutes


def foreign_rules(model: Model, options: Options) -> tuple[RuleFile, ...]:
    """One rule file for each mixin that has rules, by name."""
    return tuple(
        RuleFile(
            name=rules.name, about=f"Rules of the mixin {_written(rules)}, as they are.", groups=_groups(rules, options)
        )
        for rules in model.foreign
    )


def _written(rules: ForeignRules) -> str:
    return rules.place.path if rules.place else rules.name


def _groups(rules: ForeignRules, options: Options) -> tuple[RuleGroup, ...]:
    return tuple(
        RuleGroup(
            name=str(group.get("name", rules.name)),
            interval=str(group.get("interval") or options.duration(1 * minutes)),
            rules=tuple(_rule(rule, rules) for rule in _list(group.get("rules"))),
        )
        for group in rules.groups
    )


def _list(found: object) -> list[Mapping[str, Any]]:
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _rule(rule: Mapping[str, Any], rules: ForeignRules) -> Rule:
    name = str(rule.get("alert") or rule.get("record") or "")
    return Rule(
        expr=str(rule.get("expr", "")).strip(),
        record=str(rule.get("record") or ""),
        alert=str(rule.get("alert") or ""),
        labels=_texts(rule.get("labels")),
        annotations=_texts(rule.get("annotations")),
        pending=str(rule.get("for") or ""),
        keep_firing_for=str(rule.get("keep_firing_for") or ""),
        origin=rules.places.get(name, rules.place),
    )


def _texts(found: object) -> dict[str, str]:
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, Mapping) else {}
