"""What the exit codes mean, the same for every verb."""

from __future__ import annotations

from collections.abc import Iterable

from meshscope.findings import Finding, Level, worst

CLEAN = 0
FAILED = 1
USAGE = 2
DIFFERENCES = 3
INTERRUPTED = 130


def of_findings(findings: Iterable[Finding], strict: bool) -> int:
    """`FAILED` for an error, under ``strict`` for a warning too, else `CLEAN`."""
    heaviest = worst(findings)
    return FAILED if heaviest is not None and heaviest >= (Level.WARNING if strict else Level.ERROR) else CLEAN
