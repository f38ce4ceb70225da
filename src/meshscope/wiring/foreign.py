"""Definitions that are written elsewhere: JSON, YAML, jsonnet mixins, finished objects of grafanalib."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from meshscope.adapters.mixins.jsonnet import Sandbox
from meshscope.artefacts.templates import helm_line
from meshscope.findings import Finding, Level, MeshscopeError, Place
from meshscope.model.boards import About, DashboardDefinition, plain
from meshscope.wiring.importing import FOLDERS, inner_homes, is_left_alone, mixin_homes
from meshscope.wiring.taking import Foreign, Source, documents, keep_rules, read_json, slug, take, take_document

MIXIN = "mixin.libsonnet"
_SUFFIXES = (".json", ".yaml", ".yml", ".rules", ".jsonnet")
# A mixin's parts are hidden fields, so they are asked for by name; a file without them is one dashboard.
_PARTS = """\
local given = import '{entry}';
local part(name) = if std.isObject(given) && std.objectHasAll(given, name) then given[name] else null;
local parts = {{
  dashboards: part('grafanaDashboards'),
  alerts: part('prometheusAlerts'),
  rules: part('prometheusRules'),
}};
local none = std.length(std.filter(function(name) parts[name] != null, std.objectFields(parts))) == 0;
parts {{ whole: if none then given else null }}
"""


def foreign_files(root: Path) -> list[Path]:
    """The foreign definition files below ``root``: JSON, YAML and jsonnet in the definition folders, and mixins.

    What lies in a mixin's folder or in vendor/ is no definition by itself, but what a mixin imports.
    """
    homes = inner_homes(root)
    found = [home / MIXIN for home in mixin_homes(root)]
    for folder in FOLDERS:
        files = (path for path in sorted((root / folder).rglob("*")) if path.suffix in _SUFFIXES and path.is_file())
        found += [path for path in files if not _is_part(path, root, homes)]
    return found


def _is_part(path: Path, root: Path, homes: list[Path]) -> bool:
    """Whether ``path`` is a part of something else: of a mixin, or by its name."""
    named = any(part.startswith("_") for part in path.relative_to(root).parts)
    return named or is_left_alone(path, root) or any(home in path.parents for home in homes)


def read_foreign(path: Path, root: Path, read: Callable[[Path, bytes], None]) -> Foreign:
    """What the foreign file ``path`` defines; ``read`` is told of each file that it depends on."""
    relative = path.relative_to(root).as_posix()
    result = Foreign()
    try:
        if path.suffix in (".jsonnet", ".libsonnet"):
            _from_jsonnet(path, root, read, result)
        else:
            content = path.read_bytes()
            read(path, content)
            _from_text(path, relative, content, result)
    except MeshscopeError as error:
        finding = error.finding
        result.findings.append(finding if finding.place else replace(finding, place=Place(relative, 1)))
    except OSError as error:
        result.findings.append(_unreadable(relative, error.strerror or str(error)))
    return result


def _from_text(path: Path, relative: str, content: bytes, result: Foreign) -> None:
    name, folder = slug(path.stem), folder_of(relative)
    if path.suffix == ".json":
        made = read_json(relative, content, result)
        take(Source(name=name, path=relative, value=made, texts=made, place=_first(relative), folder=folder), result)
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MeshscopeError(_unreadable(relative, str(error))) from None
    try:
        found = documents(relative, text)
    except MeshscopeError:
        # Most templates are no YAML before they are rendered, and most of what is no YAML is no template.
        line = helm_line(iter([(1, text.replace('\\"', ' "'))]))
        if not line:
            raise
        result.findings.append(_template(relative, line))
        return
    for document in found:
        line = helm_line(document.written())
        if line:
            result.findings.append(_template(relative, line))
        else:
            take_document(document, name, folder, result)


def _first(relative: str) -> Callable[..., Place]:
    return lambda *_: Place(relative, 1)


def folder_of(relative: str) -> str:
    """The folder of Grafana's in which what stands in the file ``relative`` is shown; empty for the mesh's own."""
    return "/".join(relative.split("/")[1:-1]) if relative.startswith("dashboards/") else ""


def _unreadable(relative: str, said: str) -> Finding:
    return Finding(
        code="load/unreadable",
        title=f"`{relative}` can't be read: {said}",
        place=Place(relative, 1),
        why="what it defines is missing from what is built",
        help="write it as UTF-8, and let whoever builds read it",
        subject=relative,
    )


def _template(relative: str, line: int) -> Finding:
    return Finding(
        code="load/helm-template",
        title=f"`{relative}` is a template of a Helm chart",
        place=Place(relative, line),
        level=Level.WARNING,
        why="what it becomes is known only once its values are filled in, so nothing of it is taken",
        help="render first: helm template CHART --show-only templates/FILE, and keep what it prints here",
        subject=relative,
    )


def _from_jsonnet(path: Path, root: Path, read: Callable[[Path, bytes], None], result: Foreign) -> None:
    relative = path.relative_to(root).as_posix()
    whole = path.name != MIXIN
    name = slug(path.stem if whole else path.parent.name)
    sandbox = Sandbox(folder=path.parent, root=root, read=read)
    made = sandbox.evaluate(_PARTS.format(entry=path.name))
    if not isinstance(made, Mapping):
        return
    at = _first(relative)
    folder = folder_of(relative) if whole else ""
    if made["whole"] is not None:
        value = made["whole"]
        take(Source(name=name, path=relative, value=value, texts=value, place=at, folder=folder), result)
        return
    dashboards = made["dashboards"] if isinstance(made["dashboards"], Mapping) else {}
    for key in sorted(dashboards):
        value, called = dashboards[key], slug(key.removesuffix(".json"))
        take(Source(name=called, path=relative, value=value, texts=value, place=at, folder=folder), result)
    for part in ("alerts", "rules"):
        if made[part] is not None:
            value = made[part]
            place = _written(value, relative, sandbox.files)
            keep_rules(
                result, Source(name=name, path=relative, value=value, texts=value, place=place), f"{name}-{part}"
            )


def _written(rules: object, relative: str, files: Mapping[str, str]) -> Callable[..., Place]:
    """Where each rule is written, as far as its name stands in a file as it is; else the mixin itself."""
    seen: dict[str, int] = {}
    known: dict[tuple[object, ...], Place] = {}
    groups = rules.get("groups") if isinstance(rules, Mapping) else None
    for number, group in enumerate(groups if isinstance(groups, list) else []):
        found = group.get("rules") if isinstance(group, Mapping) else None
        for index, rule in enumerate(found if isinstance(found, list) else []):
            name = str(rule.get("alert") or rule.get("record") or "") if isinstance(rule, Mapping) else ""
            spots = _spots(name, files)
            if spots:
                # Two rules of one name stand in the order in which they are given.
                seen[name] = seen.get(name, -1) + 1
                known[("groups", number, "rules", index)] = spots[min(seen[name], len(spots) - 1)]
    return lambda *keys: known.get(keys[:4], Place(relative, 1))


def _spots(name: str, files: Mapping[str, str]) -> list[Place]:
    if not name:
        return []
    wanted = re.compile(rf"\b(?:alert|record)['\"]?\s*:\s*['\"]{re.escape(name)}['\"]")
    return [
        Place(path, files[path].count("\n", 0, found.start()) + 1)
        for path in sorted(files)
        for found in wanted.finditer(files[path])
    ]


def finished(values: Mapping[str, object], path: Path, relative: str) -> Iterator[DashboardDefinition]:
    """The grafanalib dashboards at the top level of a definition file, each under the name that it is assigned to."""
    for name, value in values.items():
        kind = type(value)
        # By name, so that a house without such objects never imports grafanalib.
        if kind.__name__ == "Dashboard" and kind.__module__.partition(".")[0] == "grafanalib":
            body = plain(value)
            if isinstance(body, Mapping):
                place = Place(relative, _assigned(path, name))
                yield DashboardDefinition(name=slug(name), about=About.FOREIGN, body=body, place=place)


def _assigned(path: Path, name: str) -> int:
    """The line on which ``name`` is assigned; 1 where that can't be seen."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return node.lineno
    return 1
