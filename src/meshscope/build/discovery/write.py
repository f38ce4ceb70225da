"""Definitions as the text of definition files: what a person would have written, laid out as ``ruff format`` leaves it.

One file for each namespace, since no telemetry knows teams. Other files say ``shop.checkout``, so that services of one
name in two namespaces stay apart. Same values, same text.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from meshscope.artefacts.files import File, text_file
from meshscope.build.discovery.interpret import Discovered
from meshscope.build.discovery.names import identifiers
from meshscope.build.discovery.proposals import SELDOM, rounded
from meshscope.model.mesh import Mesh
from meshscope.model.services import Callee, DataPlane, External, Gateway, Identity, Service
from meshscope.model.slo import SLO, Availability, Latency
from meshscope.model.units import Duration, Rate, plain

# Ruff's own default: a house that says nothing has it. What is longer stands one to a line, with a last comma, which
# ruff leaves alone at every width.
WIDTH = 88
_UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))
_OUTSIDE = "outside"


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Where each definition stands and what Python calls it there."""

    modules: Mapping[str, str]
    names: Mapping[Identity, str]

    def reference(self, node: Callee) -> str:
        """How another file names ``node``."""
        return f"{self.modules[_home(node)]}.{self.names[node.identity]}"


def definitions(found: Discovered) -> tuple[File, ...]:
    """The definition files of ``found``, sorted by path."""
    homes: dict[str, list[Callee]] = defaultdict(list)
    everything: list[Callee] = [*found.gateways, *found.services, *found.externals]
    for node in everything:
        homes[_home(node)].append(node)
    layout = _layout(homes)
    files = [text_file("mesh.py", _mesh_file(found, layout))]
    for home, nodes in homes.items():
        text = _outside_file(nodes, layout) if home == _OUT else _namespace_file(home, nodes, found, layout)
        files.append(text_file(f"services/{layout.modules[home]}.py", text))
    return tuple(sorted(files, key=lambda file: file.path))


# No namespace has this name, which no Kubernetes name could be.
_OUT = ""


def _home(node: Callee) -> str:
    return _OUT if isinstance(node, External) else node.namespace


def _layout(homes: Mapping[str, Sequence[Callee]]) -> _Layout:
    modules = dict(identifiers(home for home in homes if home != _OUT))
    if _OUT in homes:
        taken = set(modules.values())
        modules[_OUT] = next(name for name in _numbered(_OUTSIDE) if name not in taken)
    names: dict[Identity, str] = {}
    for nodes in homes.values():
        # A service of a further cluster is called by both names: checkout-eu-2.
        called = {node.identity: _spoken(node) for node in nodes}
        given = identifiers(called.values())
        used: set[str] = set()
        for identity in sorted(called):
            word = given[called[identity]]
            names[identity] = next(name for name in _numbered(word) if name not in used)
            used.add(names[identity])
    return _Layout(modules=modules, names=names)


def _spoken(node: Callee) -> str:
    if isinstance(node, External) or not node.cluster:
        return node.name
    cluster = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in node.cluster.lower())
    return f"{node.name}-{cluster}"


def _numbered(word: str) -> Iterable[str]:
    yield word
    number = 2
    while True:
        yield f"{word}_{number}"
        number += 1


def _mesh_file(found: Discovered, layout: _Layout) -> str:
    mesh = found.mesh
    body = [*_owner(mesh), _mesh(mesh), ""]
    words = {"Mesh"} | ({"Owner"} if mesh.owner else set()) | _unit_words(_said(mesh).values())
    if found.calls:
        words.add("Calls")
        seen = "# Who was seen calling whom, however seldom."
        told = "# Who calls whom, as addresses in the environment and network policies tell."
        body += [seen if found.telemetry else told, _calls(found, layout), ""]
    used = {layout.modules[_home(node)] for pair in found.calls for node in pair}
    source = "its own telemetry" if found.telemetry else "its manifests"
    head = [
        f'"""The mesh {mesh.name}, written down from {source}.',
        "",
        found.origin,
        "The services stand in services/, one file for each namespace. Who runs them nobody",
        "could tell: each file asks.",
        '"""',
        "",
        _import("meshscope", words),
    ]
    if used:
        # One's own files come apart from other people's packages, as import sorters have it.
        head += ["", _import("services", used)]
    return "\n".join([*head, "", *body])


def _mesh(mesh: Mesh) -> str:
    arguments = [f"name={_text(mesh.name)}", f"provider={_text(mesh.provider)}"]
    if mesh.cluster:
        arguments.append(f"cluster={_text(mesh.cluster)}")
    arguments += _clusters(mesh.clusters)
    if mesh.owner:
        arguments.append("owner=owner")
    return _value("mesh", "Mesh", [*arguments, *(f"{name}={_duration(value)}" for name, value in _said(mesh).items())])


def _clusters(clusters: tuple[str, ...]) -> list[str]:
    return [f"clusters={_tuple([_text(cluster) for cluster in clusters])}"] if clusters else []


def _owner(mesh: Mesh) -> list[str]:
    if mesh.owner is None:
        return []
    value = _value("owner", "Owner", [f"name={_text(mesh.owner.name)}", f"issues={_text(mesh.owner.issues)}"])
    return [
        "# Who runs the mesh, and how are they reached? Until a pager, chat or mail stands here,",
        "# alerts about the platform and about services without an owner reach nobody.",
        value,
        "",
    ]


def _said(mesh: Mesh) -> Mapping[str, Duration]:
    """The durations of ``mesh`` that are not the usual ones."""
    usual = Mesh(name=mesh.name, provider=mesh.provider)
    said = {"retention": mesh.retention, "scrape_interval": mesh.scrape_interval}
    return {name: value for name, value in said.items() if value != getattr(usual, name)}


def _calls(found: Discovered, layout: _Layout) -> str:
    callees: dict[str, list[str]] = defaultdict(list)
    for caller, callee in found.calls:
        callees[layout.reference(caller)].append(layout.reference(callee))
    lines = ["calls = Calls(", "    {"]
    for name in sorted(callees):
        lines += _entry(name, sorted(callees[name]))
    return "\n".join([*lines, "    }", ")"])


def _entry(caller: str, callees: Sequence[str]) -> list[str]:
    line = f"        {caller}: {_tuple(callees)},"
    if len(line) <= WIDTH:
        return [line]
    return [f"        {caller}: (", *(f"            {callee}," for callee in callees), "        ),"]


def _namespace_file(namespace: str, nodes: Sequence[Callee], found: Discovered, layout: _Layout) -> str:
    services = [node for node in nodes if isinstance(node, Service)]
    gateways = [node for node in nodes if isinstance(node, Gateway)]
    slos = _slo_names(slo for service in services for slo in service.slos)
    words = {"Owner"} | ({"Service"} if services else set()) | ({"Gateway", "Direction"} if gateways else set())
    words |= {word for slo in slos for word in _slo_words(slo)}
    words |= {_rate(service.volume)[1] for service in services if service.volume}
    words |= {"DataPlane"} if any(service.dataplane is DataPlane.WAYPOINT for service in services) else set()
    blocks = ["owner: Owner | None = None  # who runs it?"]
    if slos:
        blocks[0] += "\n"
        blocks.append("\n".join(_slo(slo, name) for slo, name in slos.items()) + "\n")
    values = [_gateway(gateway, layout) for gateway in gateways]
    values += [_service(service, slos, layout, found.remarks.get(service.identity)) for service in services]
    blocks += values
    head = [*_namespace_docstring(namespace, services, found), "", _import("meshscope", words), ""]
    return "\n".join([*head, *blocks]) + "\n"


def _namespace_docstring(namespace: str, services: Sequence[Service], found: Discovered) -> list[str]:
    lines = [f'"""What runs in namespace {namespace}.', "", found.origin]
    if any(service.volume for service in services):
        lines[-1] += " A volume is its average."
    if any(service.slos for service in services):
        lines += [
            "Nobody has promised these objectives yet: they are the round figures that this time",
            "would have kept with half of the error budget to spare. Put in what users need.",
        ]
    return [*lines, '"""']


def _outside_file(nodes: Sequence[Callee], layout: _Layout) -> str:
    externals = [node for node in nodes if isinstance(node, External)]
    head = ['"""What services of the mesh call outside it."""', "", _import("meshscope", {"External", "Owner"}), ""]
    body = ["owner: Owner | None = None  # who answers for it?", ""]
    for external in externals:
        arguments = [f"name={_text(external.name)}", f"host={_text(external.host)}", "owner=owner"]
        body.append(_value(layout.names[external.identity], "External", arguments))
    return "\n".join([*head, *body]) + "\n"


def _slo_names(slos: Iterable[SLO]) -> Mapping[SLO, str]:
    """What a file calls each of its SLOs: by the indicator alone where there is one of it, else by its figures."""
    distinct = sorted(set(slos), key=lambda slo: (slo.name, _latency(slo), slo.objective))
    kinds: dict[str, list[SLO]] = defaultdict(list)
    for slo in distinct:
        kinds[slo.name].append(slo)
    return {slo: slo.name if len(kinds[slo.name]) == 1 else _figured(slo) for slo in distinct}


def _figured(slo: SLO) -> str:
    if isinstance(slo.of, Latency):
        return f"{slo.name}_{slo.of.under}"
    return f"{slo.name}_{plain(slo.objective.value * 100).replace('.', '_')}"


def _latency(slo: SLO) -> Decimal:
    return slo.of.under.seconds if isinstance(slo.of, Latency) else Decimal(0)


def _slo(slo: SLO, name: str) -> str:
    of = f"Latency(under={_duration(slo.of.under)})" if isinstance(slo.of, Latency) else "Availability()"
    arguments = [f"name={_text(slo.name)}", f"of={of}", f"objective={plain(slo.objective.value * 100)} * percent"]
    return _value(name, "SLO", [*arguments, f"over={_duration(slo.over)}"])


def _slo_words(slo: SLO) -> set[str]:
    of = {"Availability"} if isinstance(slo.of, Availability) else {"Latency"} | _unit_words((slo.of.under,))
    return {"SLO", "percent"} | of | _unit_words((slo.over,))


def _service(service: Service, slos: Mapping[SLO, str], layout: _Layout, remark: str | None) -> str:
    arguments = [f"name={_text(service.name)}", f"namespace={_text(service.namespace)}"]
    if service.cluster:
        arguments.append(f"cluster={_text(service.cluster)}")
    arguments += _clusters(service.clusters)
    if service.workload:
        arguments.append(f"workload={_text(service.workload)}")
    arguments.append("owner=owner")
    if service.dataplane is DataPlane.WAYPOINT:
        arguments.append("dataplane=DataPlane.WAYPOINT")
    if service.replicas != Service(name="any", namespace="any").replicas:
        arguments.append(f"replicas={service.replicas}")
    if service.slos:
        arguments.append(f"slos={_tuple([slos[slo] for slo in service.slos])}")
    if service.volume is not None:
        number, unit = _rate(service.volume)
        arguments.append(f"volume={number} * {unit}")
    if not service.expects_traffic:
        arguments.append("expects_traffic=False")
    if service.stateful:
        arguments.append("stateful=True")
    text = _value(layout.names[service.identity], "Service", arguments)
    return f"# {remark}\n{text}" if remark else text


def _gateway(gateway: Gateway, layout: _Layout) -> str:
    arguments = [f"name={_text(gateway.name)}", f"namespace={_text(gateway.namespace)}"]
    if gateway.cluster:
        arguments.append(f"cluster={_text(gateway.cluster)}")
    arguments += _clusters(gateway.clusters)
    arguments += [f"direction=Direction.{gateway.direction.name}", "owner=owner"]
    return _value(layout.names[gateway.identity], "Gateway", arguments)


def _value(name: str, kind: str, arguments: Sequence[str]) -> str:
    return "\n".join([f"{name} = {kind}(", *(f"    {argument}," for argument in arguments), ")"])


def _import(module: str, words: Iterable[str]) -> str:
    ordered = sorted(words, key=_import_order)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {word}," for word in ordered), ")"])


def _import_order(word: str) -> tuple[object, ...]:
    """Constants, then classes, then the rest, numbers in them by their size, as import sorters have it."""
    kind = 0 if word.isupper() and len(word) > 1 else 1 if word[0].isupper() else 2
    return kind, *map(_natural, re.findall(r"\d+|\D", word))


def _natural(part: str) -> tuple[int, int, str]:
    """Digits before letters; a longer number is larger, unless it begins with a zero."""
    if not part.isdigit():
        return 2, 0, part
    return (0, 0, part) if part.startswith("0") else (1, len(part), part)


def _tuple(items: Sequence[str]) -> str:
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def _duration(length: Duration) -> str:
    for word, size in _UNITS:
        if length.seconds and length.seconds % size == 0:
            return f"{int(length.seconds // size)} * {word}"
    return f"{plain(length.milliseconds)} * ms"


def _unit_words(lengths: Iterable[Duration]) -> set[str]:
    return {_duration(length).rpartition(" ")[2] for length in lengths}


def _rate(rate: Rate) -> tuple[str, str]:
    """A number and a unit in which it can be read."""
    if rate.value >= SELDOM:
        return plain(rate.value), "per_second"
    # A sixtieth has no end as a decimal; two digits were written.
    return plain(rounded(rate.value * 60)), "per_minute"


def _text(value: str) -> str:
    return json.dumps(value)
