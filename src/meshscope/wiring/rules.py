"""Rules of our own and of strangers: modules below ``meshscope.check.rules``, and entry points ``meshscope.checks``."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from meshscope.check import rules as home
from meshscope.check.subject import Rule
from meshscope.findings import Finding, Level

GROUP = "meshscope.checks"


def rules() -> tuple[tuple[Rule, ...], list[Finding]]:
    """Every rule that is installed, sorted by code, and the plugins that can't be loaded."""
    found = [
        _ours(name)
        for _, name, is_package in pkgutil.walk_packages(home.__path__, home.__name__ + ".")
        if not is_package
    ]
    findings: list[Finding] = []
    for point in entry_points(group=GROUP):
        try:
            found.append(_rule(point.load(), point.name))
        except (Exception, SystemExit) as error:
            findings.append(_broken(point, error))
    return tuple(sorted(found, key=lambda rule: rule.code)), findings


def _ours(name: str) -> Rule:
    code = name.removeprefix(home.__name__ + ".").replace(".", "/").replace("_", "-")
    return _rule(importlib.import_module(name), code)


def _rule(module: ModuleType, code: str) -> Rule:
    return Rule(code=code, page=inspect.cleandoc(module.__doc__ or ""), judge=module.judge)


def _broken(point: EntryPoint, error: BaseException) -> Finding:
    package = point.dist.name if point.dist else "a package"
    return Finding(
        code="plugin/broken",
        title=f"the check plugin `{point.name}` of {package} can't be loaded: {type(error).__name__}: {error}",
        level=Level.WARNING,
        why=f"it is named {point.value} in the group {GROUP}; its rules judge nothing",
        help="mend or uninstall the package that brings it",
        subject=point.name,
    )
