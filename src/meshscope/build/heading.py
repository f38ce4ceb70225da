"""The comment on top of an artefact: what it is, and from which definitions it was made."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from meshscope.findings import Place

_WIDTH = 116
_NAMED = 4


def heading(about: str, origins: Iterable[Place | None] = ()) -> str:
    """``about`` and the files of ``origins`` as comment lines that end in a newline; hash signs, as in YAML."""
    paragraphs = [*about.split("\n"), made_from(origins)]
    lines = [line for paragraph in paragraphs for line in textwrap.wrap(paragraph, _WIDTH, break_on_hyphens=False)]
    return "".join(f"# {line}\n" for line in lines)


def made_from(origins: Iterable[Place | None]) -> str:
    """One sentence: the definition files behind an artefact, and that it is not to be edited."""
    paths = sorted({origin.path for origin in origins if origin is not None})
    if not paths:
        return "Made by `meshscope build`; what is changed here is lost with the next one."
    named = paths[:_NAMED] if len(paths) > _NAMED + 1 else paths
    rest = len(paths) - len(named)
    files = ", ".join(named) + (f" and {rest} more" if rest else "")
    return f"Made by `meshscope build` from {files}; what is changed here is lost with the next one."
