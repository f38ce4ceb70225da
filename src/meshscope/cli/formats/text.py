"""For a person: the findings, and in the last lines what judged and what did not."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from meshscope.check.report import Report
from meshscope.cli.formats.result import Result
from meshscope.cli.show import shown
from meshscope.findings import counted, tallied


def as_text(result: Result) -> str:
    """The findings, then a line for what was found and one for who judged."""
    report = result.report
    lines = [_found(report)]
    if report.suppressed:
        lines.append(f"{counted(report.suppressed, 'finding')} allowed for a while by comments")
    lines.append(judges(report))
    return shown(report.findings, result.root, sys.stdout) + "".join(f"{line}\n" for line in lines)


def _found(report: Report) -> str:
    done = "; ".join(_done(report))
    return f"{tallied(report.findings) or 'clean'}" + (f": {done}" if done else "")


def _done(report: Report) -> Iterator[str]:
    if report.rules:
        yield f"{report.rules} rules of our own"
    for judged in report.judged:
        passed = len(judged.cases) - len(judged.failed)
        what = "unit test" if judged.name == "promtool test rules" else "file"
        failed = f", {len(judged.failed)} refused" if judged.failed else ""
        before = sum(case.before for case in judged.cases)
        unchanged = f", {before:,} of them before and unchanged since" if before else ""
        yield f"{judged.name}: {counted(passed, what)} passed{unchanged}{failed}"


def judges(report: Report) -> str:
    """Who judged, and who or what did not; the last line of a check."""
    versions = {judged.name.partition(" ")[0]: judged.version for judged in report.judged}
    did = ", ".join(f"{name} {version}" for name, version in versions.items()) or "no engine"
    missing = [f"{one.name} ({one.why})" for one in report.absent] + list(report.passed_over)
    return (
        f"judged by {did}; not judged: {', '.join(missing)}" if missing else f"judged by {did}; nothing left unjudged"
    )
