"""For a program of one's own: everything that the text says, as JSON."""

from __future__ import annotations

import json

from meshscope.cli.formats.result import Result
from meshscope.cli.show import ordered


def as_json(result: Result) -> str:
    """One object; places are relative to the house."""
    report = result.report
    document = {
        "command": result.verb,
        "exit": result.code,
        "findings": [finding.as_json() for finding in ordered(report.findings)],
        "suppressed": report.suppressed,
        "rules": report.rules,
        "judged": [
            {
                "engine": judged.name,
                "version": judged.version,
                "cases": len(judged.cases),
                "failed": len(judged.failed),
            }
            for judged in report.judged
        ],
        "not_judged": [{"engine": one.name, "why": one.why} for one in report.absent],
        "passed_over": list(report.passed_over),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
