"""An engine in memory: it reads the files that it is given, and refuses those that hold what it was told to refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from meshscope.check.engine import Case, Complaint, Heard, Verdict, unheard


@dataclass(frozen=True, kw_only=True)
class MemoryEngine:
    """Judges files below ``prefix``; a line that holds a key of ``refused`` is complained about with its value."""

    prefix: str
    refused: Mapping[str, str] = field(default_factory=dict)
    name: str = "memory"
    version: str = "1.0.0"

    def judges(self, path: str) -> bool:
        """Files below the prefix."""
        return path.startswith(self.prefix)

    def judge(self, folder: Path, paths: Sequence[str], heard: Heard = unheard) -> Verdict:
        """One case for each file, one complaint for each line that is refused."""
        complaints: list[Complaint] = []
        cases: list[Case] = []
        for done, path in enumerate(paths):
            heard(done)
            lines = (folder / path).read_text(encoding="utf-8").splitlines()
            found = [
                Complaint(path=path, message=message, line=number, column=line.index(word) + 1)
                for number, line in enumerate(lines, start=1)
                for word, message in self.refused.items()
                if word in line
            ]
            complaints += found
            cases.append(Case(path=path, failed="\n".join(complaint.message for complaint in found)))
        return Verdict(cases=tuple(cases), complaints=tuple(complaints))
