"""The rules that somebody else wrote, each with what is known of its expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from meshscope.artefacts.rules import Rule
from meshscope.check.promql.analysis import Analysis, analysed
from meshscope.check.promql.shape import Kind, Problem
from meshscope.check.subject import Subject


@dataclass(frozen=True, kw_only=True)
class ForeignRule:
    """One rule of a foreign file; ``analysis`` is None where its expression can't be parsed."""

    rule: Rule
    file: str
    analysis: Analysis | None

    @property
    def name(self) -> str:
        """The alert or the series that it makes."""
        return self.rule.alert or self.rule.record

    @property
    def called(self) -> str:
        """How a person calls it: ``alert `DiskFull```."""
        return f"alert `{self.name}`" if self.rule.alert else f"rule `{self.name}`"

    def problems(self, *kinds: Kind) -> tuple[Problem, ...]:
        """What was noticed of these kinds."""
        return tuple(one for one in self.analysis.problems if one.kind in kinds) if self.analysis else ()


def foreign_rules(subject: Subject) -> Iterator[ForeignRule]:
    """Every rule of every foreign file, in order."""
    names = {rules.name for rules in subject.model.foreign}
    for file in (file for file in subject.artefacts.rules if file.name in names):
        for rule in (rule for group in file.groups for rule in group.rules):
            yield ForeignRule(rule=rule, file=file.name, analysis=analysed(rule.expr))


def foreign_alerts(subject: Subject) -> Iterator[tuple[ForeignRule, Analysis]]:
    """Every alert among them that can be parsed."""
    for one in foreign_rules(subject):
        if one.rule.alert and one.analysis is not None:
            yield one, one.analysis
