"""From an engine's complaint about an artefact back to the definition that made it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.files import File
from meshscope.artefacts.rules import Rule
from meshscope.check.engine import Complaint
from meshscope.findings import Finding, Level, Place
from meshscope.model.model import Model

_READERS = {"promtool": "Prometheus", "amtool": "Alertmanager", "otelcol": "the collector"}


def _names(rule: Rule) -> set[str]:
    return {name for name in (rule.alert, rule.record) if name}


class Origins:
    """Knows for each built file, rule and unit test where its definition stands.

    Exact where a complaint says which rule or test it is about. Where it only has a word in it, the rule or the owner
    of that name; else the file's definition if it has one, and the mesh if it is made of many.
    """

    def __init__(self, model: Model, artefacts: Artefacts, files: Iterable[File]) -> None:
        self._mesh = model.mesh.place
        self._files: Mapping[str, File] = {file.path: file for file in files}
        self._rules = {
            (rule_file.name, group.name, number): rule
            for rule_file in artefacts.rules
            for group in rule_file.groups
            for number, rule in enumerate(group.rules, start=1)
            if not group.static
        }
        self._tests = {test.name: test.origin for test in artefacts.tests}
        self._owners = {owner.name: owner.place for owner in model.owners}

    def of(self, complaint: Complaint) -> Place | None:
        """The definition that a complaint is about."""
        stem = PurePosixPath(complaint.path).stem
        rule = self._rules.get((stem, complaint.group, complaint.rule))
        if rule is not None:
            return rule.origin or self._mesh
        if complaint.path.startswith("prometheus/tests/"):
            return self._tests.get(stem) or self._mesh
        words = set(re.findall(r"[A-Za-z_:][\w:-]*", complaint.message))
        named = [rule.origin for (name, _, _), rule in self._rules.items() if name == stem and words & _names(rule)]
        if complaint.path.startswith("alertmanager/"):
            named = [place for name, place in self._owners.items() if any(word.startswith(name) for word in words)]
        origins = self._files[complaint.path].origins if complaint.path in self._files else ()
        if named:
            return named[0] or self._mesh
        return origins[0] if len(origins) == 1 else self._mesh

    def finding(self, engine: str, complaint: Complaint) -> Finding:
        """The complaint as a finding at its definition."""
        program = engine.partition(" ")[0]
        spot = complaint.path + "".join(f":{number}" for number in (complaint.line, complaint.column) if number)
        if complaint.lint:
            return Finding(
                code=f"engine/{program}-lint",
                title=f"`{engine}` would rather not have {spot}",
                place=self.of(complaint),
                level=Level.WARNING,
                why=complaint.message,
                help="Prometheus loads it all the same; of two rules for one series leave one out",
            )
        what = f"unit test `{complaint.case}` in {complaint.path}" if complaint.case else spot
        return Finding(
            code=f"engine/{program}",
            title=f"`{engine}` refuses {what}",
            place=self.of(complaint),
            why=complaint.message,
            help="mend the definition; where it is right, report this as a fault of meshscope: "
            f"{_READERS.get(program, program)} would refuse it too",
        )
