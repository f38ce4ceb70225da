"""Kubernetes manifests of a folder, as documents with their places. Nothing of them is run, and nothing is changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from meshscope.artefacts.reading import Document as Yaml
from meshscope.artefacts.reading import NotYaml
from meshscope.artefacts.reading import documents as read_documents
from meshscope.artefacts.templates import actions
from meshscope.build.discovery.manifests import KINDS, Document
from meshscope.findings import Finding, Level, MeshscopeError, Place

MOST_BYTES = 16 << 20
_ENDINGS = (".yaml", ".yml", ".json")
_LEFT_OUT = frozenset({".git", ".github", "node_modules", "vendor", "charts"})

# What a template may stand in without saying anything of a mesh's shape.
_UNREAD = frozenset({"annotations", "status"})
# What a program may have templates of its own in: only what Helm fills in is one here.
_OF_PROGRAMS = frozenset({"args", "command", "env"})


def manifests(folder: Path) -> tuple[tuple[Document, ...], tuple[Finding, ...]]:
    """Every object below ``folder``, and what could not be read.

    Raises `MeshscopeError` where there is no such folder, or no object in it.
    """
    if not folder.is_dir():
        raise MeshscopeError(_missing(folder))
    documents: list[Document] = []
    findings: list[Finding] = []
    for path in _files(folder):
        documents += _read(path, findings)
    if not documents:
        raise MeshscopeError(_empty(folder, findings))
    return tuple(documents), tuple(findings)


def _files(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT and not name.startswith("."))
        yield from (Path(base) / name for name in sorted(names) if name.endswith(_ENDINGS) and not name.startswith("."))


def _read(path: Path, findings: list[Finding]) -> list[Document]:
    try:
        if path.stat().st_size > MOST_BYTES:
            findings.append(_unreadable(path, 1, f"it is larger than {MOST_BYTES >> 20} MiB"))
            return []
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        findings.append(_unreadable(path, 1, str(error)))
        return []
    documents: list[Document] = []
    behind = 0
    try:
        # Who applies a manifest lets the last of two keys win.
        for one in read_documents(str(path), text, last_wins=True):
            documents += _objects_of(one, path, findings)
            behind = one.bounds[1]
    except NotYaml as error:
        # What stands before it was read; behind it nobody knows where an object begins.
        at = text.find("{{", behind)
        if at < 0:
            findings.append(_unreadable(path, error.place.line, error.said))
            return documents
        findings.append(_template(path, text.count("\n", 0, at) + 1))
        return []
    return documents


def _objects_of(one: Yaml, path: Path, findings: list[Finding]) -> Iterator[Document]:
    """The objects of one document that hold no template where they are read; of others ``findings`` say why."""
    try:
        objects = list(_objects(one.value))
    except NotYaml as error:
        # In YAML, braces around braces are a mapping whose key is a mapping.
        first, last = one.bounds
        at = one.text.find("{{", first, last)
        if at < 0:
            findings.append(_unreadable(path, error.place.line, error.said, "an object"))
        else:
            findings.append(_template(path, one.text.count("\n", 0, at) + 1, "an object"))
        return
    for keys, body in objects:
        document = Document(body, one.beginning)
        inner = _filled_in(body) if document.kind in KINDS else None
        if inner is None:
            yield document
        else:
            line = one.place(*keys, *inner).line
            findings.append(_template(path, line, f"{document.kind} `{document.name[1]}`"))


def _objects(body: object, *keys: str | int) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, object]]]:
    """Each object in ``body`` with the keys by which it is found; a list of objects is none itself."""
    if not isinstance(body, Mapping) or "kind" not in body:
        return
    items = body.get("items")
    if str(body["kind"]).endswith("List") and isinstance(items, list):
        for number, item in enumerate(items):
            yield from _objects(item, *keys, "items", number)
        return
    yield keys, body


def _filled_in(value: object, *keys: str | int) -> tuple[str | int, ...] | None:
    """The keys of the first template in ``value`` where a mesh's shape is read; None where there is none."""
    if isinstance(value, str):
        own = not _OF_PROGRAMS.isdisjoint(map(str, keys))
        return keys if any(action.is_helm or not own for action in actions(value)) else None
    items: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, Mapping):
        items = ((str(key), item) for key, item in value.items() if key not in _UNREAD)
    elif isinstance(value, list):
        items = enumerate(value)
    return next((found for key, item in items if (found := _filled_in(item, *keys, key)) is not None), None)


def _template(path: Path, line: int, what: str = "") -> Finding:
    return Finding(
        code="discover/template",
        title=f"{what} of `{path.name}` is a template, and is left out".removeprefix(" of "),
        place=Place(str(path), line),
        level=Level.WARNING,
        why="what it declares depends on values that are filled in when it is rendered",
        help="render it first (helm template, kustomize build) and name the folder of what comes out",
        subject=str(path),
    )


def _unreadable(path: Path, line: int, why: str, what: str = "") -> Finding:
    return Finding(
        code="discover/bad-manifest",
        title=f"{what} of `{path.name}` can't be read" if what else f"`{path.name}` can't be read from here on",
        place=Place(str(path), line),
        level=Level.WARNING,
        why=" ".join(why.split()),
        help="mend it, then run this again into a new folder",
        subject=str(path),
    )


def _missing(folder: Path) -> Finding:
    return Finding(
        code="discover/no-folder",
        title=f"`{folder}` is neither a folder nor an address",
        why="a mesh is read from the address of a Prometheus (http://...) or from a folder of manifests",
        help="name one that is there",
    )


def _empty(folder: Path, findings: list[Finding]) -> Finding:
    templates = any(finding.code == "discover/template" for finding in findings)
    return Finding(
        code="discover/no-manifest",
        title=f"`{folder}` holds no object of Kubernetes that can be read",
        why="its files are templates, whose values nobody filled in"
        if templates
        else "no .yaml, .yml or .json file in it has a `kind`",
        help="render them first (helm template, kustomize build), or name another folder",
    )
