"""Definitions that are written elsewhere: Grafana's JSON, jsonnet mixins, finished objects of grafanalib."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from meshscope.adapters.mixins.jsonnet import Sandbox
from meshscope.findings import Finding, Level, MeshscopeError, Place
from meshscope.model.boards import About, DashboardDefinition, plain
from meshscope.model.foreign import ForeignRules

MIXIN = "mixin.libsonnet"
_FOLDERS = ("dashboards", "alerts")
_GROUP_KEYS = frozenset({"name", "interval", "rules"})
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


@dataclass(kw_only=True)
class Foreign:
    """What one foreign file defines, and what is wrong with it."""

    dashboards: list[DashboardDefinition] = field(default_factory=list)
    rules: list[ForeignRules] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def foreign_files(root: Path) -> list[Path]:
    """The foreign definition files below ``root``: JSON and jsonnet in dashboards/ and alerts/, and mixins' folders.

    What lies in a mixin's folder or in vendor/ is no definition by itself, but what a mixin imports.
    """
    found: list[Path] = []
    for folder in _FOLDERS:
        mixins = sorted((root / folder).rglob(MIXIN))
        own = [path for path in mixins if not _hidden(path.relative_to(root / folder))]
        homes = [path.parent for path in own]
        suffixes = (".json", ".jsonnet") if folder == "dashboards" else (".jsonnet",)
        single = [path for path in sorted((root / folder).rglob("*")) if path.suffix in suffixes and path.is_file()]
        found += [path for path in own if not any(home in path.parent.parents for home in homes)]
        found += [
            path
            for path in single
            if not _hidden(path.relative_to(root / folder)) and not any(home in path.parents for home in homes)
        ]
    return found


def _hidden(relative: Path) -> bool:
    return any(part == "vendor" or part.startswith((".", "_")) for part in relative.parts)


def read_foreign(path: Path, root: Path, read: Callable[[Path, bytes], None]) -> Foreign:
    """What the foreign file ``path`` defines; ``read`` is told of each file that it depends on."""
    relative = path.relative_to(root).as_posix()
    try:
        if path.suffix == ".json":
            return _from_json(path, relative, read)
        return _from_jsonnet(path, root, read)
    except MeshscopeError as error:
        finding = error.finding
        return Foreign(findings=[finding if finding.place else _placed(finding, relative)])


def _placed(finding: Finding, relative: str) -> Finding:
    return Finding(code=finding.code, title=finding.title, why=finding.why, help=finding.help, place=Place(relative, 1))


def _from_json(path: Path, relative: str, read: Callable[[Path, bytes], None]) -> Foreign:
    content = path.read_bytes()
    read(path, content)
    try:
        made = json.loads(content)
    except json.JSONDecodeError as error:
        place = Place(relative, error.lineno, error.colno)
        return Foreign(findings=[_no_json(relative, error.msg, place)])
    except (UnicodeDecodeError, RecursionError) as error:
        return Foreign(findings=[_no_json(relative, str(error), Place(relative, 1))])
    # Grafana's API wraps what it gives.
    if isinstance(made, Mapping) and isinstance(made.get("dashboard"), Mapping):
        made = made["dashboard"]
    result = Foreign()
    _keep(result, _slug(path.stem), made, Place(relative, 1))
    return result


def _no_json(relative: str, said: str, place: Place) -> Finding:
    return Finding(
        code="dashboard/no-json",
        title=f"`{relative}` is no JSON: {said}",
        place=place,
        why="Grafana would not read it either",
        help="export the dashboard again, or mend the line that the arrow points at",
    )


def _from_jsonnet(path: Path, root: Path, read: Callable[[Path, bytes], None]) -> Foreign:
    relative = path.relative_to(root).as_posix()
    name = _slug(path.parent.name if path.name == MIXIN else path.stem)
    sandbox = Sandbox(folder=path.parent, root=root, read=read)
    made = sandbox.evaluate(_PARTS.format(entry=path.name))
    result = Foreign()
    place = Place(relative, 1)
    if not isinstance(made, Mapping):
        return result
    if made["whole"] is not None:
        _keep(result, name, made["whole"], place)
        return result
    dashboards = made["dashboards"] if isinstance(made["dashboards"], Mapping) else {}
    for key in sorted(dashboards):
        _keep(result, _slug(key.removesuffix(".json")), dashboards[key], place)
    for part in ("alerts", "rules"):
        _keep_rules(result, f"{name}-{part}", made[part], place, sandbox.files)
    return result


def _keep(result: Foreign, name: str, made: object, place: Place) -> None:
    if isinstance(made, Mapping) and isinstance(made.get("panels", made.get("rows")), list):
        result.dashboards.append(DashboardDefinition(name=name, about=About.FOREIGN, body=made, place=place))
        return
    newer = isinstance(made, Mapping) and "spec" in made
    result.findings.append(
        Finding(
            code="dashboard/not-classic" if newer else "dashboard/no-dashboard",
            title=f"`{place.path}` holds no dashboard" + (" of the classic schema" if newer else f" `{name}`"),
            place=place,
            why="a dashboard of the second schema has its panels in `spec.elements`, and no panel would be checked"
            if newer
            else "a dashboard is an object with `title` and `panels`; a mixin has `grafanaDashboards`, "
            "`prometheusAlerts` or `prometheusRules`",
            help="export it in the classic schema: Export, then the model V1"
            if newer
            else "mend it, or move the file out of the definition folders",
        )
    )


def _keep_rules(result: Foreign, name: str, made: object, place: Place, files: Mapping[str, str]) -> None:
    if made is None:
        return
    groups = made.get("groups") if isinstance(made, Mapping) else None
    if not isinstance(groups, list) or not all(_is_group(group) for group in groups):
        result.findings.append(
            Finding(
                code="mixin/no-groups",
                title=f"the rules of `{place.path}` have no groups",
                place=place,
                why="Prometheus reads rules as {groups: [{name: ..., rules: [{alert or record, expr}]}]}",
                help="look at what the mixin gives: jsonnet -e \"(import 'mixin.libsonnet').prometheusAlerts\"",
            )
        )
        return
    for group in groups:
        result.findings += _lost(group, place)
    if groups:
        places = dict(_places([rule for group in groups for rule in group["rules"]], files))
        result.rules.append(ForeignRules(name=name, groups=tuple(groups), place=place, places=places))


def _is_group(group: object) -> bool:
    return (
        isinstance(group, Mapping)
        and isinstance(group.get("name"), str)
        and isinstance(group.get("rules"), list)
        and all(isinstance(rule, Mapping) and "expr" in rule for rule in group["rules"])
    )


def _lost(group: Mapping[str, object], place: Place) -> Iterator[Finding]:
    for key in sorted(set(group) - _GROUP_KEYS):
        yield Finding(
            code="mixin/group-option",
            title=f"`{key}` of the rule group `{group['name']}` is left out",
            place=place,
            level=Level.WARNING,
            why="the built rule files know a group's name, interval and rules",
            help="ask whether the group needs it",
            subject=str(group["name"]),
        )


def _places(rules: list[Mapping[str, object]], files: Mapping[str, str]) -> Iterator[tuple[str, Place]]:
    """Where each alert and record is written, as far as its name stands in a file as it is."""
    for rule in rules:
        name = str(rule.get("alert") or rule.get("record") or "")
        wanted = re.compile(rf"\b(?:alert|record)['\"]?\s*:\s*['\"]{re.escape(name)}['\"]")
        for path in sorted(files):
            found = wanted.search(files[path])
            if found and name:
                yield name, Place(path, files[path].count("\n", 0, found.start()) + 1)
                break


def finished(values: Mapping[str, object], path: Path, relative: str) -> Iterator[DashboardDefinition]:
    """The grafanalib dashboards at the top level of a definition file, each under the name that it is assigned to."""
    for name, value in values.items():
        kind = type(value)
        # By name, so that a house without such objects never imports grafanalib.
        if kind.__name__ == "Dashboard" and kind.__module__.partition(".")[0] == "grafanalib":
            body = plain(value)
            if isinstance(body, Mapping):
                place = Place(relative, _assigned(path, name))
                yield DashboardDefinition(name=_slug(name), about=About.FOREIGN, body=body, place=place)


def _assigned(path: Path, name: str) -> int:
    """The line on which ``name`` is assigned; 1 where that can't be seen."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return node.lineno
    return 1


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63] or "dashboard"
