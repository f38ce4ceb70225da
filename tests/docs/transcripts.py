"""What a page shows of the command line: its commands, and what each prints."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import engine_folder


@dataclass
class Command:
    text: str
    expected: list[str]


def commands(page: str) -> list[Command]:
    """The commands of the page's console blocks, each with the lines that it is said to print."""
    found: list[Command] = []
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:], []))
            else:
                found[-1].expected.append(line)
    return found


def matches(expected: list[str], printed: list[str]) -> bool:
    """Whether ``printed`` is as said; a line ``...`` stands for any lines, ``...`` in one for any text."""
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else ".*".join(re.escape(part) for part in line.split("...")) + r"\n"
        for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None


def play(shown: Iterable[Command], home: Path, spelt: Callable[[str], str] = str) -> None:
    """Run commands below an empty home, each where the one before left the reader, and compare what they print.

    A new mesh is always written beside the others. ``spelt`` replaces what is the reader's own.
    """
    beside = home / "work"
    beside.mkdir(parents=True)
    place = beside
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "MESHSCOPE_CACHE": str(engine_folder().parents[1]),
        "COLUMNS": "120",
    }
    for command in shown:
        if command.text.startswith(("make ", "pip ")):
            continue
        if command.text.startswith("cd "):
            place = (beside / command.text.removeprefix("cd ")).resolve()
            continue
        done = subprocess.run(
            shlex.split(spelt(command.text)),
            cwd=beside if re.match(r"meshscope new (acme|shop)", command.text) else place,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert matches(command.expected, done.stdout.splitlines()), f"$ {command.text}\n{done.stdout}"
        assert "Traceback" not in done.stdout
