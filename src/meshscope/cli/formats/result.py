"""What every form is made from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from meshscope.check.report import Report


@dataclass(frozen=True, kw_only=True)
class Result:
    """The report of ``verb`` on the house ``root``, and the exit ``code`` with which the command is going to end."""

    verb: str
    report: Report
    root: Path
    code: int

    @property
    def prefix(self) -> str:
        """What stands before a path in the house to make it one from here, as whoever shows it counts paths."""
        relative = os.path.relpath(self.root)
        return "" if relative == "." else f"{Path(relative).as_posix()}/"
