"""A result as text for a person, or as what a program reads; one module for each form."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from meshscope.cli.formats.github import as_github
from meshscope.cli.formats.json import as_json
from meshscope.cli.formats.junit import as_junit
from meshscope.cli.formats.result import Result
from meshscope.cli.formats.sarif import as_sarif
from meshscope.cli.formats.text import as_text

FORMS: Mapping[str, Callable[[Result], str]] = {
    "text": as_text,
    "json": as_json,
    "sarif": as_sarif,
    "junit": as_junit,
    "github": as_github,
}
