"""What a check came to: the findings, who judged, and who did not."""

from __future__ import annotations

from dataclasses import dataclass

from meshscope.check.engine import Absent, Case
from meshscope.findings import Finding


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One engine that was asked, and everything that it looked at."""

    name: str
    version: str
    cases: tuple[Case, ...]

    @property
    def failed(self) -> tuple[Case, ...]:
        """The cases that did not pass."""
        return tuple(case for case in self.cases if case.failed)


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that ``check`` or ``test`` has to say.

    ``rules`` is how many rules of our own were asked, ``suppressed`` how many findings comments hold back,
    ``passed_over`` what an engine that was asked could not judge.
    """

    findings: tuple[Finding, ...] = ()
    suppressed: int = 0
    rules: int = 0
    judged: tuple[Judged, ...] = ()
    absent: tuple[Absent, ...] = ()
    passed_over: tuple[str, ...] = ()
