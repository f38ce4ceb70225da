"""``--emit operator``: objects for the Prometheus and OpenTelemetry operators, and what to merge where those end.

`operator_objects` are to be applied as they are, but for the AlertmanagerConfig, which is one of two ways; `operator`
is the tree of files that holds them and the guide to it.
"""

from __future__ import annotations

from collections.abc import Iterable

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.files import File, text_file
from meshscope.artefacts.objects import KubernetesObject
from meshscope.build.fragment import fragment_text
from meshscope.build.layout import runbook_files
from meshscope.build.operator.alerting import alertmanager_object
from meshscope.build.operator.collectors import collector_objects
from meshscope.build.operator.dashboards import dashboard_objects
from meshscope.build.operator.guide import operator_guide
from meshscope.build.operator.rules import rule_objects, too_large
from meshscope.build.operator.scraping import access, monitors
from meshscope.build.operator.telemetry import mesh_config, telemetry_objects
from meshscope.build.options import Options
from meshscope.build.prometheus import query_offset
from meshscope.findings import Finding, Level
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider

_ISTIO = "istio"


def operator_objects(
    model: Model, provider: MeshProvider, artefacts: Artefacts, options: Options
) -> tuple[KubernetesObject, ...]:
    """Every object, sorted by the file that it stands in."""
    mesh = model.mesh
    objects = [
        *rule_objects(artefacts.rules, mesh, query_offset(provider, options)),
        *(() if options.everywhere else (*monitors(model, provider, options), *access(model, provider))),
        *dashboard_objects(artefacts.dashboards, mesh),
        *collector_objects(artefacts.collectors, mesh),
        *(telemetry_objects(artefacts.collectors, mesh) if provider.name == _ISTIO else ()),
        alertmanager_object(model, options),
    ]
    return tuple(sorted(objects, key=lambda thing: thing.path))


def operator(
    model: Model,
    provider: MeshProvider,
    artefacts: Artefacts,
    options: Options,
    objects: tuple[KubernetesObject, ...] | None = None,
) -> tuple[File, ...]:
    """Every file of the tree but its manifest, sorted by path; ``objects`` where they are made already."""
    mesh = model.mesh
    if objects is None:
        objects = operator_objects(model, provider, artefacts, options)
    places = tuple(owner.place for owner in model.owners)
    files = [
        text_file("README.md", operator_guide(model, provider, artefacts, options, objects)),
        text_file("alertmanager/fragment.yaml", fragment_text(model, options), places),
        *object_files(objects),
        *runbook_files(),
    ]
    config = mesh_config(artefacts.collectors, mesh) if provider.name == _ISTIO else ""
    if config:
        files.append(text_file("mesh/meshconfig.yaml", config, (mesh.place,)))
    return tuple(sorted(files, key=lambda file: file.path))


def object_files(objects: Iterable[KubernetesObject]) -> tuple[File, ...]:
    """The files in which the objects stand, those of one path in one file."""
    found: dict[str, list[KubernetesObject]] = {}
    for thing in objects:
        found.setdefault(thing.path, []).append(thing)
    return tuple(
        text_file(
            path,
            "---\n".join(thing.text for thing in things),
            tuple(origin for thing in things for origin in thing.origins),
        )
        for path, things in found.items()
    )


def operator_findings(objects: Iterable[KubernetesObject], mesh: Mesh) -> tuple[Finding, ...]:
    """What an operator would refuse, and the settings of a Prometheus that would break the rules unseen."""
    namespace = mesh.monitoring_namespace
    enforced = Finding(
        code="operator/enforced-namespace",
        title="rules over all namespaces don't survive enforcedNamespaceLabel",
        place=mesh.place,
        why="a Prometheus that enforces it adds namespace="
        f'"{namespace}" to each selector of each rule: no rule would find a service, and no alert would say so',
        help="leave it out, or say excludedFromEnforcement: [{group: monitoring.coreos.com, resource: prometheusrules, "
        f"namespace: {namespace}}}]",
        level=Level.NOTE,
    )
    return (*too_large(objects, mesh), enforced)
