"""The manifest: what a tree was built from and by what, and the digest and definitions of each of its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from meshscope.artefacts.files import File
from meshscope.findings import Finding, Level, Place

NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that decides what a build writes: who built, how, and from which files (path, SHA-256)."""

    meshscope: str
    code: str
    libraries: tuple[tuple[str, str], ...]
    environment: str
    emit: str
    time_scale: str
    cluster: str
    inputs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of the tree; ``origins`` are the places (path:line) of the definitions that made it."""

    path: str
    sha256: str
    size: int
    origins: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is known of a built tree without building it: ``told`` is what the build said, line by line.

    ``allowed_until`` is the last day on which comments allow each error that they hold back; None where they hold none.
    """

    mesh: str
    recipe: Recipe
    files: tuple[Entry, ...]
    findings: tuple[Finding, ...]
    told: tuple[str, ...]
    allowed_until: date | None = None


def manifest_of(
    mesh: str,
    recipe: Recipe,
    files: Sequence[File],
    findings: Sequence[Finding],
    told: Sequence[str],
    allowed_until: date | None = None,
) -> Manifest:
    """The manifest of a tree that holds ``files``, sorted by path."""
    entries = (
        Entry(
            path=file.path,
            sha256=file.digest,
            size=len(file.content),
            origins=tuple(str(origin) for origin in file.origins),
        )
        for file in sorted(files, key=lambda file: file.path)
    )
    return Manifest(
        mesh=mesh,
        recipe=recipe,
        files=tuple(entries),
        findings=tuple(findings),
        told=tuple(told),
        allowed_until=allowed_until,
    )


def rendered(manifest: Manifest) -> File:
    """The manifest as a file: JSON, one input, file or finding a line, so that a change reads well."""
    recipe = manifest.recipe
    parts = [
        f'"meshscope": {json.dumps(recipe.meshscope)}',
        f'"format": {FORMAT}',
        f'"mesh": {json.dumps(manifest.mesh)}',
        f'"environment": {json.dumps(recipe.environment)}',
        f'"emit": {json.dumps(recipe.emit)}',
        f'"time_scale": {json.dumps(recipe.time_scale)}',
        f'"cluster": {json.dumps(recipe.cluster)}',
        f'"code": {json.dumps(recipe.code)}',
        f'"libraries": {json.dumps(dict(recipe.libraries))}',
        f'"inputs": {_mapping(recipe.inputs)}',
        *([f'"allowed_until": "{manifest.allowed_until}"'] if manifest.allowed_until else []),
        f'"told": {_rows(manifest.told)}',
        f'"findings": {_rows([finding.as_json() for finding in manifest.findings])}',
        '"files": ' + _rows([_entry(entry) for entry in manifest.files]),
    ]
    return File(path=NAME, content=("{\n  " + ",\n  ".join(parts) + "\n}\n").encode())


def read(folder: Path) -> Manifest | None:
    """The manifest of the tree in ``folder``; None where there is none that this program wrote and can read."""
    try:
        return _parsed(json.loads((folder / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def intact(folder: Path, manifest: Manifest) -> bool:
    """Whether every file of the tree is as it was written."""
    return all(_digest(folder / entry.path) == entry.sha256 for entry in manifest.files)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _parsed(data: Mapping[str, object]) -> Manifest | None:
    if data["format"] != FORMAT:
        return None
    recipe = Recipe(
        meshscope=_text(data["meshscope"]),
        code=_text(data["code"]),
        libraries=_pairs(data["libraries"]),
        environment=_text(data["environment"]),
        emit=_text(data["emit"]),
        time_scale=_text(data["time_scale"]),
        cluster=_text(data["cluster"]),
        inputs=_pairs(data["inputs"]),
    )
    files: list[Mapping[str, object]] = data["files"]  # type: ignore[assignment]
    return Manifest(
        mesh=_text(data["mesh"]),
        recipe=recipe,
        files=tuple(
            Entry(
                path=_text(file["path"]),
                sha256=_text(file["sha256"]),
                size=int(_text(str(file["size"]))),
                origins=_texts(file["origins"]),
            )
            for file in files
        ),
        findings=tuple(_finding(finding) for finding in data["findings"]),  # type: ignore[attr-defined]
        told=_texts(data["told"]),
        allowed_until=date.fromisoformat(_text(data["allowed_until"])) if "allowed_until" in data else None,
    )


def _finding(data: Mapping[str, object]) -> Finding:
    place: dict[str, int] | None = data["place"]  # type: ignore[assignment]
    known = {**data, "level": Level[_text(data["level"]).upper()], "place": Place(**place) if place else None}  # type: ignore[arg-type]
    return Finding(**known)  # type: ignore[arg-type]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(_text, value))  # type: ignore[call-overload]


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    return tuple((_text(name), _text(said)) for name, said in value.items())  # type: ignore[attr-defined]


def _entry(entry: Entry) -> dict[str, object]:
    return {"path": entry.path, "sha256": entry.sha256, "size": entry.size, "origins": list(entry.origins)}


def _mapping(pairs: Sequence[tuple[str, str]]) -> str:
    lines = (f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in pairs)
    return "{\n" + ",\n".join(lines) + "\n  }" if pairs else "{}"


def _rows(rows: Sequence[object]) -> str:
    lines = (f"    {json.dumps(row, ensure_ascii=False)}" for row in rows)
    return "[\n" + ",\n".join(lines) + "\n  ]" if rows else "[]"
