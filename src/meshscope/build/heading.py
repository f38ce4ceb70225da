"""The comment on top of an artefact: what it is, and from which definitions it was made."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from meshscope.findings import Place

_WIDTH = 116
_NAMED = 4


def heading(about: str, origins: Iterable[Place | None] = ()) -> str:
    """``about`` and the files of ``origins`` as YAML's comments, each line at most 118 wide; indented ones stay so."""
    lines = [line for paragraph in [*about.split("\n"), made_from(origins)] for line in _wrapped(paragraph)]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def made_from(origins: Iterable[Place | None]) -> str:
    """One sentence: the definition files behind an artefact, and that it is not to be edited."""
    paths = sorted({origin.path for origin in origins if origin is not None})
    if not paths:
        return "Made by `meshscope build`; what is changed here is lost with the next one."
    named = paths[:_NAMED] if len(paths) > _NAMED + 1 else paths
    rest = len(paths) - len(named)
    files = ", ".join(named) + (f" and {rest} more" if rest else "")
    return f"Made by `meshscope build` from {files}; what is changed here is lost with the next one."


def _wrapped(paragraph: str) -> list[str]:
    indent = " " * (len(paragraph) - len(paragraph.lstrip()))
    return textwrap.wrap(
        paragraph.strip(),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent and indent + "  ",
        break_on_hyphens=False,
        break_long_words=False,
    ) or [""]
