"""Library alerts that a mesh or a service turns off or retunes.

For the mesh it is the rule that changes. For a service a constant takes it out of the rule for all, and one more rule
has those of all services that retune it alike: rules grow with ways to retune, never with services.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from meshscope.artefacts.rules import Rule, RuleFile, RuleGroup, RuleTest
from meshscope.build.options import Options
from meshscope.build.promql import ID, pretty, quoted, selector
from meshscope.build.rules.bridge import DEPENDENCY_PAGING
from meshscope.build.rules.paging import SERVICE_PAGES
from meshscope.build.rules.statics import TUNED, way
from meshscope.build.rules.watch import Watch
from meshscope.model.alerting import Severity
from meshscope.model.library import LibraryAlert, Tuned
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model

# What follows from the pages of services, and is proved on them.
_FOLLOWS = (DEPENDENCY_PAGING, LibraryAlert.MANY_SERVICES_FAILING, LibraryAlert.PAGE_LEFT_OPEN)


def tuned_files(files: Iterable[RuleFile], model: Model, options: Options) -> tuple[RuleFile, ...]:
    """``files`` as the mesh and its services want their library alerts."""
    ways: dict[str, dict[str, Tuned]] = {}
    for service in model.services:
        for alert, tuned in service.alerts.items():
            ways.setdefault(alert, {})[way(tuned)] = tuned
    if not ways and not model.mesh.alerts:
        return tuple(files)
    return tuple(
        replace(file, groups=tuple(_group(group, model.mesh, ways, options) for group in file.groups)) for file in files
    )


def tuned_watches(watches: Iterable[Watch], mesh: Mesh) -> tuple[Watch, ...]:
    """The watches that the mesh leaves on, as it retunes them."""
    found = []
    for watch in watches:
        tuned = mesh.alerts.get(LibraryAlert(watch.name), Tuned())
        if not tuned.off:
            page = watch.page if tuned.severity is None else tuned.severity is Severity.PAGE
            found.append(replace(watch, page=page, pending=tuned.pending or watch.pending))
    return tuple(found)


def tuned_tests(tests: Iterable[RuleTest], mesh: Mesh) -> tuple[RuleTest, ...]:
    """The unit tests without what they say of alerts that are no longer as they come.

    Those about the platform are made of what is left; those of services are of alerts as they come, so what a mesh
    retunes is proved by the mesh that does not.
    """
    changed = {str(alert) for alert in mesh.alerts}
    if not changed:
        return tuple(tests)
    if changed & set(SERVICE_PAGES):
        changed |= {str(name) for name in _FOLLOWS}
    kept = (_test(test, changed) for test in tests)
    return tuple(test for test in kept if test.document.get("tests", True))


def _group(group: RuleGroup, mesh: Mesh, ways: dict[str, dict[str, Tuned]], options: Options) -> RuleGroup:
    rules: list[Rule] = []
    for rule in group.rules:
        own = mesh.alerts.get(LibraryAlert(rule.alert), Tuned()) if rule.alert in list(LibraryAlert) else Tuned()
        if own.off:
            continue
        first = _retuned(rule, own, mesh, options)
        different = ways.get(rule.alert, {})
        rules.append(_only(first, "unless", rule.alert) if different else first)
        rules += [
            _retuned(_only(first, "and", rule.alert, name), tuned, mesh, options)
            for name, tuned in sorted(different.items())
            if not tuned.off
        ]
    return replace(group, rules=tuple(rules))


def _only(rule: Rule, operator: str, alert: str, name: str = "") -> Rule:
    tuned = selector(TUNED, f"alert={quoted(alert)}", f"way={quoted(name)}" if name else "")
    return replace(rule, expr=pretty(f"({rule.expr}) {operator} on ({ID}) {tuned}"))


def _retuned(rule: Rule, tuned: Tuned, mesh: Mesh, options: Options) -> Rule:
    if tuned.severity is not None:
        word = mesh.severities.page if tuned.severity is Severity.PAGE else mesh.severities.ticket
        rule = replace(rule, labels={**rule.labels, "severity": word})
    return rule if tuned.pending is None else replace(rule, pending=options.duration(tuned.pending))


def _test(test: RuleTest, changed: set[str]) -> RuleTest:
    cases = test.document.get("tests")
    if test.name == "platform" or not isinstance(cases, list):
        return test
    kept = []
    for case in cases:
        told = [one for one in case.get("alert_rule_test", []) if one["alertname"] not in changed]
        left = {key: value for key, value in case.items() if key != "alert_rule_test"}
        if told:
            left["alert_rule_test"] = told
        if told or "promql_expr_test" in left:
            kept.append(left)
    return replace(test, document={**test.document, "tests": kept})
