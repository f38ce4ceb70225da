"""Which files of unit tests have passed before, by a digest of all that decides it: tests, rules and promtool.

Kept between runs, as `build` keeps a tree that nothing changed: a mesh's tests take a minute of both processors, and
most changes of a definition touch few of the rules. Only what passed is kept; what can't be read is run again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from meshscope.artefacts.reading import NotYaml, documents

_MOST = 1000


def proved_at(folder: Path, version: str, tests: Path) -> Path | None:
    """Where it is kept that ``tests`` passed; None where not all that they read is known."""
    try:
        text = tests.read_bytes()
        (document,) = documents(str(tests), text.decode())
        named = document.texts["rule_files"]  # type: ignore[index]
        paths = sorted({found for pattern in named for found in tests.parent.glob(str(pattern))})
        if len(paths) < len(named):
            return None
        digest = hashlib.sha256(f"{version}\0".encode())
        for part in (text, *(path.read_bytes() for path in paths)):
            digest.update(hashlib.sha256(part).digest())
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError, NotYaml):
        return None
    return folder / f"{digest.hexdigest()}.json"


def passed_before(kept: Path | None) -> tuple[str, ...]:
    """The names of the tests that passed; none where they have to be run."""
    try:
        names = json.loads(kept.read_text(encoding="utf-8")) if kept is not None else []
    except (OSError, ValueError):
        return ()
    return tuple(map(str, names)) if isinstance(names, list) else ()


def keep(kept: Path, names: Sequence[str]) -> None:
    """Keep that these passed, whole or not at all; a folder that can't be written costs a run, nothing else."""
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", encoding="utf-8", dir=kept.parent, suffix=".new", delete=False) as file:
            json.dump(list(names), file)
        os.replace(file.name, kept)
        every = sorted(kept.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for old in every[:-_MOST]:
            old.unlink(missing_ok=True)
