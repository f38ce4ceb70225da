"""Which engines there are, at which versions, and the digest of all that decides what a build makes."""

from __future__ import annotations

import hashlib
import json
import platform
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forge.failure import Failure

_WAYS = Path(__file__).parent / "ways"


@dataclass(frozen=True, kw_only=True)
class GoPin:
    """The Go compiler: the oldest that will do, and the package that brings one where there is none."""

    minimum: str
    package: str
    version: str
    sha256: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One engine: its pins from versions.toml and its recipe from the folder of its name."""

    name: str
    version: str
    minimum: str
    module: str
    words: Mapping[str, str]
    folder: Path
    way: str
    programs: Mapping[str, str]
    estimate_seconds: int
    ldflags: str
    tags: tuple[str, ...]
    placeholders: tuple[str, ...]
    digest: str

    @property
    def title(self) -> str:
        """The engine as a person reads it: name and version."""
        return f"{self.name} {self.version}"

    @property
    def key(self) -> str:
        """The name of the engine's folder in the cache; another recipe, version or machine gives another one."""
        return f"{self.name}-{self.version}-{self.digest}"


def load(home: Path) -> tuple[GoPin, dict[str, Engine]]:
    """Return the Go compiler's pin and all engines by name, as pinned in `home`/versions.toml.

    Raises Failure when the file or a pinned engine's recipe is missing, or lacks something.
    """
    pinned = _read(home / "versions.toml")
    try:
        go = pinned["go"]
        go_pin = GoPin(**{**go, "sha256": tuple(go["sha256"])})
        return go_pin, {name: _engine(name, pin, home / name) for name, pin in pinned["engines"].items()}
    except (KeyError, TypeError, OSError) as error:
        raise Failure(f"{home / 'versions.toml'} or a recipe lacks something, or has too much: {error}") from error


def _engine(name: str, pin: Mapping[str, Any], folder: Path) -> Engine:
    recipe = _read(folder / "recipe.toml")
    return Engine(
        name=name,
        version=pin["version"],
        minimum=pin["minimum"],
        module=pin["module"],
        words={**pin.get("modules", {}), "version": pin["version"]},
        folder=folder,
        way=recipe["way"],
        programs=recipe["programs"],
        estimate_seconds=recipe["estimate_seconds"],
        ldflags=recipe["ldflags"].format(version=pin["version"]),
        tags=tuple(recipe.get("tags", ())),
        placeholders=tuple(recipe.get("placeholders", ())),
        digest=_digest(pin, folder, _WAYS / f"{recipe['way']}.py"),
    )


def _digest(pin: Mapping[str, Any], folder: Path, way: Path) -> str:
    """Return 12 hex digits that change with the pin, any file of the recipe, the code of its way, and the machine."""
    # What is accepted on PATH does not change what is built.
    pin = {key: value for key, value in pin.items() if key != "minimum"}
    digest = hashlib.sha256(json.dumps([pin, platform.system(), platform.machine()], sort_keys=True).encode())
    for path in [way, *sorted(path for path in folder.rglob("*") if path.is_file())]:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Failure(f"{path} is missing", "every engine in versions.toml has a recipe.toml in its folder") from error
    except tomllib.TOMLDecodeError as error:
        raise Failure(f"{path} is not TOML: {error}") from error
