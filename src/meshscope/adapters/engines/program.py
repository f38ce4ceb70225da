"""Run a real program once: bounded in time, in a fixed locale, with both of its outputs kept."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from meshscope.findings import Finding, MeshscopeError

_SECONDS = 300.0


@dataclass(frozen=True)
class Said:
    """How a program ended, and what it wrote."""

    status: int
    out: str
    err: str


def run(
    program: Path, arguments: Sequence[str], folder: Path | None = None, extra: Mapping[str, str] | None = None
) -> Said:
    """Run ``program`` in ``folder``, with ``extra`` variables. Raises `MeshscopeError` where it can't run or end."""
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C", "TZ": "UTC"}
    # They run for seconds: with fewer collections of garbage promtool takes a quarter less time, and 130 MiB for 70.
    environment["GOGC"] = os.environ.get("GOGC", "400")
    try:
        ended = subprocess.run(  # noqa: S603 - the engine that wiring found
            [str(program), *arguments],
            cwd=folder,
            env={**environment, **(extra or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MeshscopeError(_broken(program, f"does not end within {_SECONDS:g} seconds")) from error
    except OSError as error:
        raise MeshscopeError(_broken(program, f"can't be run: {error.strerror}")) from error
    return Said(ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace"))


def version_of(program: Path) -> str:
    """The version that ``program`` says it is, empty where it says none. Raises as `run` does."""
    said = run(program, ["--version"])
    match = re.search(r"\bversion v?(\d[\w.+-]*)", said.out + said.err)
    return match[1] if match else ""


def _broken(program: Path, what: str) -> Finding:
    return Finding(
        code="engine/broken",
        title=f"`{program}` {what}",
        why="without it the artefacts are not proved against the program that will read them",
        help=f"run `{program} --version` by hand, or take it off PATH to go on without it",
    )
