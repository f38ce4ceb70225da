"""Foreign rules as rule files: nothing is changed, so that what their author promises is what is evaluated.

Whatever our own alerts have and these lack (an owner, a severity of this house, a runbook) the check says. Their unit
tests are carried too, and run with ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from meshscope.artefacts.rules import Rule, RuleFile, RuleGroup, RuleTest
from meshscope.model.foreign import ForeignRules, ForeignTests
from meshscope.model.model import Model

_NUMBERS = frozenset({"limit"})
_OWN = frozenset({"name", "interval", "rules"})


def foreign_rules(model: Model) -> tuple[RuleFile, ...]:
    """One rule file for each file, object or mixin that has rules, by name."""
    return tuple(
        RuleFile(
            name=rules.name,
            about=f"Rules of {_written(rules)}, as they are.",
            groups=tuple(_group(rules, number) for number in range(len(rules.groups))),
            carried=True,
        )
        for rules in model.foreign
    )


def foreign_tests(model: Model) -> tuple[RuleTest, ...]:
    """The unit tests of foreign rules, by name: as they are, but for where their rule files stand."""
    return tuple(_tests(tests) for tests in model.foreign_tests)


def _tests(tests: ForeignTests) -> RuleTest:
    files = json.dumps([f"../rules/{name}.yaml" for name in tests.rules])
    return RuleTest(
        name=tests.name,
        document={"tests": [{}] * tests.count},
        text=f"{tests.before}{files}\n{tests.after}",
        origin=tests.place,
    )


def _written(rules: ForeignRules) -> str:
    return rules.place.path if rules.place else rules.name


def _group(rules: ForeignRules, number: int) -> RuleGroup:
    group = rules.groups[number]
    return RuleGroup(
        name=_text(group.get("name", rules.name)),
        interval=_text(group.get("interval")),
        rules=tuple(
            _rule(rule, rules.places.get((number, place), rules.place))
            for place, rule in enumerate(_list(group.get("rules")))
        ),
        options={key: _option(key, group[key]) for key in group if key not in _OWN},
    )


def _list(found: object) -> list[Mapping[str, Any]]:
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _rule(rule: Mapping[str, Any], origin: Any) -> Rule:
    return Rule(
        expr=_text(rule.get("expr")).strip(),
        record=_text(rule.get("record")),
        alert=_text(rule.get("alert")),
        labels=_texts(rule.get("labels")),
        annotations=_texts(rule.get("annotations")),
        pending=_text(rule.get("for")),
        keep_firing_for=_text(rule.get("keep_firing_for")),
        origin=origin,
    )


def _option(key: str, value: object) -> object:
    text = _text(value)
    if key in _NUMBERS and text.isdigit():
        return int(text)
    return _texts(value) if isinstance(value, Mapping) else text


def _texts(found: object) -> dict[str, str]:
    return {str(key): _text(value) for key, value in found.items()} if isinstance(found, Mapping) else {}


def _text(value: object) -> str:
    """``value`` as Go would read it into a text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
