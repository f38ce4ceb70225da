"""A page for each library alert, for whoever it wakes: what it means, where to look first, what to do.

They go out with every build, and alerts link to them below `Mesh(runbooks=...)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

FOLDER = "meshscope"


@cache
def runbooks() -> Mapping[str, str]:
    """Every page in Markdown by its file name; ``README.md`` leads to all."""
    pages = (entry for entry in files("meshscope.build.runbooks").iterdir() if entry.name.endswith(".md"))
    return {page.name: page.read_text(encoding="utf-8") for page in sorted(pages, key=lambda page: page.name)}


def runbook_of(alert: str) -> str:
    """Where the page of ``alert`` is, below the folder of all runbooks."""
    return f"{FOLDER}/{alert}.md"
