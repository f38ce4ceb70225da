"""From an engine's complaint about an artefact back to the definition that made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.files import File
from meshscope.check.engine import Complaint
from meshscope.findings import Finding, Place

_READERS = {"promtool": "Prometheus", "amtool": "Alertmanager", "otelcol": "the collector"}


class Origins:
    """Knows for each built file, rule and unit test where its definition stands."""

    def __init__(self, artefacts: Artefacts, files: tuple[File, ...]) -> None:
        self._files: Mapping[str, File] = {file.path: file for file in files}
        self._rules = {
            (rule_file.name, group.name, number): rule.origin
            for rule_file in artefacts.rules
            for group in rule_file.groups
            for number, rule in enumerate(group.rules, start=1)
        }
        self._tests = {test.name: test.origin for test in artefacts.tests}

    def of(self, complaint: Complaint) -> Place | None:
        """The definition that a complaint is about; None where the artefact comes from no one definition."""
        stem = PurePosixPath(complaint.path).stem
        exact = self._rules.get((stem, complaint.group, complaint.rule)) or self._tests.get(stem)
        if exact is not None:
            return exact
        origins = self._files[complaint.path].origins if complaint.path in self._files else ()
        return origins[0] if len(origins) == 1 else None

    def finding(self, engine: str, complaint: Complaint) -> Finding:
        """The complaint as a finding at its definition."""
        program = engine.partition(" ")[0]
        spot = complaint.path + "".join(f":{number}" for number in (complaint.line, complaint.column) if number)
        what = f"unit test `{complaint.case}` in {complaint.path}" if complaint.case else spot
        return Finding(
            code=f"engine/{program}",
            title=f"`{engine}` refuses {what}",
            place=self.of(complaint),
            why=complaint.message,
            help="mend the definition; where it is right, report this as a fault of meshscope: "
            f"{_READERS.get(program, program)} would refuse it too",
        )
