"""What a document that somebody else wrote holds: dashboards, rules, unit tests, or objects that wrap them."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from meshscope.artefacts.reading import Document, NotYaml
from meshscope.artefacts.reading import documents as read_documents
from meshscope.findings import Finding, Level, MeshscopeError, Place
from meshscope.model.boards import About, DashboardDefinition
from meshscope.model.foreign import ForeignRules

# What Prometheus 3.16 (model/rulefmt/rulefmt.go) and prometheus-operator 0.85 (RuleGroup) know; the former refuses a
# whole file for any other key.
_GROUP = frozenset({"name", "interval", "query_offset", "limit", "rules", "labels", "partial_response_strategy"})
_RULE = frozenset({"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"})
# As Grafana's API and its export write resources; v0 and v1 wrap the classic model, v2 is the second schema.
_RESOURCE = re.compile(r"dashboard\.grafana\.app/v(?P<version>\d+)")
_MANIFEST = (".yaml", ".yml", ".rules")
_LARGEST = 64 << 20


@dataclass(frozen=True, kw_only=True)
class Source:
    """A value that somebody wrote: ``name`` is what is made of it is called, ``folder`` where Grafana shows it.

    ``texts`` is ``value`` with every scalar as it is written, ``place`` where the value at some keys stands.
    """

    name: str
    path: str
    value: object
    texts: object
    place: Callable[..., Place]
    folder: str = ""

    def at(self, *keys: str | int) -> Source:
        """The value at ``keys``, which are there."""
        value, texts = self.value, self.texts
        for key in keys:
            value, texts = value[key], texts[key]  # type: ignore[index]
        return replace(self, value=value, texts=texts, place=lambda *more: self.place(*keys, *more))


@dataclass(frozen=True, kw_only=True)
class UnitTests:
    """A file of unit tests before it is known which rules it is about."""

    name: str
    path: str
    before: str
    after: str
    files: tuple[str, ...]
    count: int
    place: Place


@dataclass(kw_only=True)
class Foreign:
    """What one foreign file defines, and what is wrong with it."""

    dashboards: list[DashboardDefinition] = field(default_factory=list)
    rules: list[ForeignRules] = field(default_factory=list)
    tests: list[UnitTests] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def slug(text: str) -> str:
    """``text`` as the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63] or "dashboard"


def take(source: Source, result: Foreign) -> None:
    """Put what ``source`` holds into ``result``; what is nothing that a house takes is a finding there."""
    made = source.value
    if not isinstance(made, Mapping):
        result.findings.append(_nothing(source, f"a {type(made).__name__}"))
        return
    kind = str(made.get("kind", "")) if isinstance(made.get("apiVersion"), str) else ""
    if kind:
        _take_object(source, kind, result)
    elif isinstance(made.get("dashboard"), Mapping):
        # Grafana's API wraps what it gives.
        take(source.at("dashboard"), result)
    elif is_dashboard(made):
        keep_dashboard(result, source)
    elif isinstance(made.get("groups"), list) and made.get("apiVersion") is None:
        keep_rules(result, source, f"carried-{source.name}")
    else:
        keys = ", ".join(map(str, list(made)[:4]))
        result.findings.append(_nothing(source, f"an object of {keys}" if keys else "nothing"))


def is_dashboard(made: Mapping[str, object]) -> bool:
    """Whether ``made`` is a dashboard of Grafana's: of the classic schema, with rows even, or of the second."""
    classic = isinstance(made.get("panels", made.get("rows")), list)
    return classic or (isinstance(made.get("elements"), Mapping) and isinstance(made.get("layout"), Mapping))


def _take_object(source: Source, kind: str, result: Foreign) -> None:
    made: Mapping[str, Any] = source.value  # type: ignore[assignment]
    resource = _RESOURCE.match(str(made["apiVersion"]))
    if kind.endswith("List") and isinstance(made.get("items"), list):
        for number in range(len(made["items"])):
            take(source.at("items", number), result)
    elif resource and kind.startswith("Dashboard") and isinstance(made.get("spec"), Mapping):
        # A resource of the second schema is nothing without its wrapper.
        keep_dashboard(result, source if int(resource["version"]) >= 2 else _unwrapped(source))
    elif kind == "PrometheusRule" and isinstance(made.get("spec"), Mapping):
        keep_rules(result, source.at("spec"), f"carried-{slug(_called(made) or source.name)}")
    elif kind == "ConfigMap":
        _take_entries(source, result)
    elif kind == "GrafanaDashboard" and isinstance(made.get("spec"), Mapping):
        _take_grafana_object(source, result)
    else:
        result.findings.append(_nothing(source, f"a {kind} of {made['apiVersion']}"))


def _called(made: Mapping[str, Any]) -> str:
    metadata = made.get("metadata")
    return str(metadata.get("name") or "") if isinstance(metadata, Mapping) else ""


def _unwrapped(source: Source) -> Source:
    """The classic dashboard within a resource, by the uid that the resource's name is."""
    made: Mapping[str, Any] = source.value  # type: ignore[assignment]
    inner = source.at("spec")
    if made["spec"].get("uid") or not _called(made):
        return inner
    return replace(inner, value={**made["spec"], "uid": _called(made)})


def _take_entries(source: Source, result: Foreign) -> None:
    """The files that a ConfigMap holds, in the folder that Grafana's sidecar would put them into."""
    made: Mapping[str, Any] = source.texts  # type: ignore[assignment]
    metadata = made.get("metadata")
    notes = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    folder = str(notes.get("grafana_folder") or "") if isinstance(notes, Mapping) else ""
    inside = replace(source, folder=folder or source.folder)
    entries = [("data", key, str(text or "")) for key, text in _items(made.get("data"))]
    entries += [("binaryData", key, _unpacked(str(text or ""))) for key, text in _items(made.get("binaryData"))]
    for part, key, text in entries:
        _take_text(inside, key, text, source.place(part, key), result)
    if not entries:
        result.findings.append(_nothing(source, f"a ConfigMap `{_called(made)}` without data"))


def _items(found: object) -> list[tuple[str, object]]:
    return [(str(key), value) for key, value in found.items()] if isinstance(found, Mapping) else []


def _take_grafana_object(source: Source, result: Foreign) -> None:
    """A GrafanaDashboard of grafana-operator (v5): its JSON as a text, packed or not."""
    made: Mapping[str, Any] = source.texts  # type: ignore[assignment]
    spec, name = made["spec"], _called(made) or source.name
    inside = replace(source, folder=str(spec.get("folder") or source.folder))
    if isinstance(spec.get("json"), str):
        _take_text(inside, f"{name}.json", spec["json"], source.place("spec", "json"), result)
    elif isinstance(spec.get("gzipJson"), str):
        text = _unpacked(spec["gzipJson"])
        _take_text(inside, f"{name}.json", text, source.place("spec", "gzipJson"), result)
    else:
        result.findings.append(_nothing(source, f"a GrafanaDashboard `{name}` whose dashboard is elsewhere"))


def _unpacked(text: str) -> str:
    """What is in base64, and perhaps packed by gzip; empty where it can't be read."""
    try:
        content = base64.b64decode(text)
        if content.startswith(b"\x1f\x8b"):
            content = zlib.decompressobj(wbits=31).decompress(content, _LARGEST)
        return content.decode("utf-8-sig")
    except (binascii.Error, zlib.error, UnicodeDecodeError):
        return ""


def _take_text(around: Source, key: str, text: str, place: Place, result: Foreign) -> None:
    """A file within an object; ``place`` is where its text stands in the file around it."""
    name, _, ending = key.rpartition(".")
    inside = replace(around, name=slug(name or key), place=lambda *_: place)
    try:
        if ending == "json":
            made = read_json(around.path, text, result, place)
            take(replace(inside, value=made, texts=made), result)
        elif f".{ending}" in _MANIFEST:
            for document in documents(around.path, text):
                take(_within(document, inside, place), result)
        else:
            result.findings.append(_nothing(replace(inside, value=text), f"`{key}`"))
    except MeshscopeError as error:
        result.findings.append(replace(error.finding, place=place))


def _within(document: Document, around: Source, outer: Place) -> Source:
    def place(*keys: str | int) -> Place:
        # The text begins on the line after its key, where it is a block.
        inner = document.place(*keys)
        return Place(outer.path, outer.line + inner.line, 1, outer.line + inner.end_line, 1 << 16)

    return replace(around, value=document.value, texts=document.texts, place=place)


def documents(path: str, text: str) -> list[Document]:
    """Every document of a YAML file that is not empty. Raises `MeshscopeError` for what is no YAML."""
    try:
        found = list(read_documents(path, text))
        for document in found:
            # What can't be made of a document is known once it is asked for.
            _ = document.texts, document.value
    except NotYaml as error:
        raise MeshscopeError(_no_yaml(path, error)) from None
    return found


def _no_yaml(path: str, error: NotYaml) -> Finding:
    return Finding(
        code="yaml/no-yaml",
        title=f"`{path}` is no YAML: {error.said}",
        place=error.place,
        why="neither Prometheus nor Kubernetes would read it, and nothing of it is carried",
        help="mend the line that the arrow points at",
        subject=path,
    )


def take_document(document: Document, name: str, folder: str, result: Foreign) -> None:
    """Put what a document of a YAML file holds into ``result``."""
    made = document.texts
    if isinstance(made, Mapping) and "rule_files" in made and "tests" in made and "apiVersion" not in made:
        result.tests.append(_unit_tests(document, name))
        return
    path, place = document.path, document.place
    take(Source(name=name, path=path, value=document.value, texts=made, place=place, folder=folder), result)


def _unit_tests(document: Document, name: str) -> UnitTests:
    made: Mapping[str, Any] = document.texts  # type: ignore[assignment]
    (first, last), (begin, end) = document.bounds, document.span("rule_files")
    files, tests = made["rule_files"], made["tests"]
    return UnitTests(
        name=f"carried-{name}",
        path=document.path,
        before=f"{document.text[first:begin]}: ",
        after=document.text[end:last],
        files=tuple(str(each) for each in files) if isinstance(files, list) else (),
        count=len(tests) if isinstance(tests, list) else 0,
        place=replace(document.place(), end_line=0, end_column=0),
    )


def read_json(path: str, content: str | bytes, result: Foreign, place: Place | None = None) -> object:
    """What a JSON text says; ``result`` is told of keys that are lost in it.

    Raises `MeshscopeError` where it is none, at its line or at ``place``.
    """
    twice: list[str] = []

    def kept(pairs: list[tuple[str, object]]) -> dict[str, object]:
        twice.extend(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        return dict(pairs)

    try:
        made: object = json.loads(content, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=kept)
    except json.JSONDecodeError as error:
        raise MeshscopeError(_no_json(path, error.msg, place or Place(path, error.lineno, error.colno))) from None
    except (ValueError, RecursionError) as error:
        raise MeshscopeError(_no_json(path, str(error).partition(";")[0], place or Place(path, 1))) from None
    result.findings += [_twice(path, name, place or Place(path, 1)) for name in dict.fromkeys(twice)]
    return made


def _twice(path: str, name: str, place: Place) -> Finding:
    return Finding(
        code="dashboard/key-twice",
        title=f"`{path}` has an object with two keys `{name}`",
        place=place,
        level=Level.WARNING,
        why="only the last one is read, by Grafana as well; what the other says is lost",
        help=f"leave one `{name}` in each object",
        subject=f"{path} {name}",
    )


def _refuse_constant(word: str) -> object:
    raise ValueError(f"{word} is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is larger than any number that Grafana can hold")
    return number


def _no_json(path: str, said: str, place: Place) -> Finding:
    return Finding(
        code="dashboard/no-json",
        title=f"`{path}` is no JSON: {said}",
        place=place,
        why="Grafana would not read it either",
        help="export the dashboard again, or mend the line that the arrow points at",
        subject=path,
    )


def keep_dashboard(result: Foreign, source: Source) -> None:
    """Keep ``source`` as a dashboard that is carried as it is."""
    body: Mapping[str, object] = source.value  # type: ignore[assignment]
    place = replace(source.place(), end_line=0, end_column=0)
    result.dashboards.append(
        DashboardDefinition(name=source.name, about=About.CARRIED, body=body, folder=source.folder, place=place)
    )


def keep_rules(result: Foreign, source: Source, name: str) -> None:
    """Keep the rule groups of ``source`` as they are; groups that are none are a finding."""
    made = source.texts
    groups = made.get("groups") if isinstance(made, Mapping) else None
    if not isinstance(groups, list) or not all(_is_group(group) for group in groups):
        result.findings.append(
            Finding(
                code="rule/no-groups",
                title=f"the rules of `{source.path}` have no groups",
                place=source.place(),
                why="Prometheus reads rules as {groups: [{name: ..., rules: [{alert or record, expr}]}]}",
                help="look at what it gives; for a mixin: jsonnet -e \"(import 'mixin.libsonnet').prometheusAlerts\"",
                subject=source.path,
            )
        )
        return
    places = {
        (number, index): source.place("groups", number, "rules", index)
        for number, group in enumerate(groups)
        for index in range(len(group["rules"]))
    }
    result.findings += _unknown_keys(source, groups)
    if groups:
        result.rules.append(ForeignRules(name=name, groups=tuple(groups), place=source.place(), places=places))


def _is_group(group: object) -> bool:
    return (
        isinstance(group, Mapping)
        and isinstance(group.get("name"), str)
        and isinstance(group.get("rules"), list)
        and all(isinstance(rule, Mapping) and "expr" in rule for rule in group["rules"])
    )


def _unknown_keys(source: Source, groups: list[Mapping[str, Any]]) -> Iterator[Finding]:
    for number, group in enumerate(groups):
        for key in sorted(set(group) - _GROUP):
            yield _unknown_key(key, f"the rule group `{group['name']}`", source.place("groups", number, key))
        for index, rule in enumerate(group["rules"]):
            for key in sorted(set(rule) - _RULE):
                name = rule.get("alert") or rule.get("record") or index + 1
                yield _unknown_key(key, f"the rule `{name}`", source.place("groups", number, "rules", index, key))


def _unknown_key(key: str, what: str, place: Place) -> Finding:
    return Finding(
        code="rule/unknown-key",
        title=f"`{key}` of {what} is nothing that Prometheus knows",
        place=place,
        why="Prometheus refuses the whole file that has it, and goes on with the rules that it had before",
        help="leave it out, or look for a typo",
        subject=what,
    )


def _nothing(source: Source, what: str) -> Finding:
    return Finding(
        code="load/not-taken",
        title=f"`{source.path}` holds {what}, which is nothing that a house takes",
        place=source.place(),
        level=Level.WARNING,
        why="dashboards, Prometheus rules and their unit tests are taken, and PrometheusRules and ConfigMaps of them; "
        "this is built into nothing",
        help="move it out of the definition folders, or write what it is for as a definition",
        subject=source.path,
    )
