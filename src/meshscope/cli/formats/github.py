"""For GitHub's runner: one workflow command a finding, which it shows beside the line in a pull request."""

from __future__ import annotations

from meshscope.cli.formats.result import Result
from meshscope.cli.formats.text import judges
from meshscope.cli.show import ordered
from meshscope.findings import Finding, Level, tallied

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def as_github(result: Result) -> str:
    """Workflow commands, then the last line of the text, which the runner's log shows as it is."""
    lines = [_command(finding, result.prefix) for finding in ordered(result.report.findings)]
    lines += [tallied(result.report.findings) or "clean", judges(result.report)]
    return "".join(f"{line}\n" for line in lines)


def _command(finding: Finding, prefix: str) -> str:
    properties = {"title": f"{finding.code}: {finding.title}"}
    place = finding.place
    if place is not None:
        properties = {"file": prefix + place.path, "line": str(place.line), "col": str(place.column), **properties}
        if place.end_line:
            properties |= {"endLine": str(place.end_line)}
            # GitHub wants no end column where the range spans lines.
            properties |= {"endColumn": str(place.end_column)} if place.end_line == place.line else {}
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    message = "\n".join(part for part in (finding.why, finding.help) if part) or finding.title
    return f"::{_COMMANDS[finding.level]} {said}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
