"""Kubernetes manifests of a folder, as documents with their places. Nothing of them is run, and nothing is changed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from meshscope.build.discovery.manifests import Document
from meshscope.findings import Finding, Level, MeshscopeError, Place

MOST_BYTES = 16 << 20
_ENDINGS = (".yaml", ".yml", ".json")
_LEFT_OUT = frozenset({".git", ".github", "node_modules", "vendor", "charts"})


class _Loader(yaml.CSafeLoader):
    """A date stays the text that it is."""


_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)


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
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        findings.append(_unreadable(path, 1, str(error)))
        return []
    if "{{" in text:
        findings.append(_template(path, text[: text.index("{{")].count("\n") + 1))
        return []
    documents: list[Document] = []
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                break
            documents += _objects(loader.construct_document(node), Place(str(path), node.start_mark.line + 1))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        # What stands before it was read; behind it nobody knows where an object begins.
        mark = getattr(error, "problem_mark", None)
        findings.append(_unreadable(path, mark.line + 1 if mark else 1, getattr(error, "problem", None) or str(error)))
    finally:
        loader.dispose()
    return documents


def _objects(body: object, place: Place) -> Iterator[Document]:
    if not isinstance(body, Mapping) or "kind" not in body:
        return
    items = body.get("items")
    if str(body["kind"]).endswith("List") and isinstance(items, list):
        for item in items:
            yield from _objects(item, place)
        return
    yield Document(body, place)


def _template(path: Path, line: int) -> Finding:
    return Finding(
        code="discover/template",
        title=f"`{path.name}` is a template, and is left out",
        place=Place(str(path), line),
        level=Level.WARNING,
        why="what it declares depends on values that are filled in when it is rendered",
        help="render it first (helm template, kustomize build) and name the folder of what comes out",
        subject=str(path),
    )


def _unreadable(path: Path, line: int, why: str) -> Finding:
    return Finding(
        code="discover/bad-manifest",
        title=f"`{path.name}` can't be read from here on",
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
