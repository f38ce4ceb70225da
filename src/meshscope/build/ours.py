"""What tells our alerts from everybody else's: two labels on each alert that is built, on none that is carried."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from meshscope.artefacts.rules import Rule, RuleFile
from meshscope.model.mesh import Mesh


def our_labels(mesh: Mesh) -> dict[str, str]:
    """The labels by which routes and inhibit rules know an alert of this mesh in this environment."""
    return {"meshscope": mesh.name, "environment": mesh.environment}


def labelled(files: Iterable[RuleFile], mesh: Mesh) -> tuple[RuleFile, ...]:
    """``files`` with `our_labels` on every alert."""

    def ours(rule: Rule) -> Rule:
        return replace(rule, labels={**rule.labels, **our_labels(mesh)}) if rule.alert else rule

    return tuple(
        replace(file, groups=tuple(replace(group, rules=tuple(map(ours, group.rules))) for group in file.groups))
        for file in files
    )
