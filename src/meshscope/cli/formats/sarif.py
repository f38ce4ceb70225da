"""For code scanning: SARIF 2.1.0, with a stable fingerprint for each finding."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from meshscope.cli.formats.result import Result
from meshscope.cli.show import characters, line_of, ordered
from meshscope.findings import Finding, Level, Place

_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_sarif(result: Result) -> str:
    """One run; columns count UTF-16 code units, as SARIF wants unless told otherwise."""
    report = result.report
    findings = ordered(report.findings)
    codes = sorted({finding.code for finding in findings})
    driver = {
        "name": "meshscope",
        "version": version("meshscope"),
        "rules": [{"id": one, "shortDescription": {"text": one}} for one in codes],
    }
    missing = [f"{one.name}: {one.why}" for one in report.absent] + list(report.passed_over)
    run = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "invocations": [
            {
                "executionSuccessful": True,
                "exitCode": result.code,
                "toolExecutionNotifications": [
                    {"level": "note", "message": {"text": f"not judged: {text}"}} for text in missing
                ],
            }
        ],
        "results": [_result(finding, result.root, result.prefix, codes) for finding in findings],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2) + "\n"


def _result(finding: Finding, root: Path, prefix: str, codes: list[str]) -> dict[str, object]:
    text = "\n".join(part for part in (finding.title, finding.why, finding.help) if part)
    # Without line numbers, so that a line inserted above is no new finding.
    path = finding.place.path if finding.place else ""
    print_of = hashlib.sha256("\0".join((finding.code, path, finding.subject or finding.title)).encode()).hexdigest()
    result: dict[str, object] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": _LEVELS[finding.level],
        "message": {"text": text},
        "partialFingerprints": {"meshscope/v1": print_of},
    }
    # What has no place of its own stands at the top of the house: a result without one is not shown at all.
    place = finding.place or Place("mesh.py", 1)
    location = {"artifactLocation": {"uri": prefix + place.path}, "region": _region(place, root)}
    return {**result, "locations": [{"physicalLocation": location}]}


def _region(place: Place, root: Path) -> dict[str, int]:
    region = {"startLine": place.line, "startColumn": _units(place, place.column, root)}
    if place.end_line:
        end = Place(place.path, place.end_line, place.end_column)
        region |= {"endLine": place.end_line, "endColumn": _units(end, place.end_column, root)}
    return region


def _units(place: Place, column: int, root: Path) -> int:
    line = line_of(root, place)
    return column if line is None else len(characters(line, column).encode("utf-16-le")) // 2 + 1
