"""amtool: whether Alertmanager would load our configuration. Its reason is on stdout, the count on stderr."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from meshscope.adapters.engines.program import run
from meshscope.check.engine import Case, Complaint, Heard, Verdict, unheard

_REASON = re.compile(r"FAILED: (?P<message>.*)", re.DOTALL)
_LINE = re.compile(r"\bline (\d+): ")


@dataclass(frozen=True, kw_only=True)
class Amtool:
    """``amtool check-config``."""

    program: Path
    version: str
    name: str = "amtool check-config"

    def judges(self, path: str) -> bool:
        """Alertmanager's configuration, and a person's own with our part in it."""
        return path in ("alertmanager/alertmanager.yaml", "alertmanager/adopted.yaml")

    def judge(self, folder: Path, paths: Sequence[str], heard: Heard = unheard) -> Verdict:
        """Judge each file by itself."""
        complaints: list[Complaint] = []
        cases: list[Case] = []
        for done, path in enumerate(paths):
            heard(done)
            said = run(self.program, ["check-config", path], folder)
            message = ""
            if said.status:
                match = _REASON.search(said.out)
                reason = match["message"] if match else said.out + said.err
                message = " ".join(reason.split()) or f"it ended with status {said.status}"
                line = _LINE.search(message)
                complaints.append(Complaint(path=path, message=message, line=int(line[1]) if line else 0))
            cases.append(Case(path=path, failed=message))
        return Verdict(cases=tuple(cases), complaints=tuple(complaints))
