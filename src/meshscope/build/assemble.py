"""Everything that is built from one model."""

from __future__ import annotations

from dataclasses import dataclass

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.files import File
from meshscope.artefacts.rules import RuleTest
from meshscope.build.alertmanager import alertmanager
from meshscope.build.collectors import collector_findings, collectors
from meshscope.build.dashboards import dashboards
from meshscope.build.detection import Detection, detection_file, detections, measured
from meshscope.build.foreign import foreign_rules, foreign_tests
from meshscope.build.layout import layout
from meshscope.build.operator import operator, operator_findings, operator_objects
from meshscope.build.options import Emit, Options
from meshscope.build.prometheus import prometheus
from meshscope.build.proofs.cases import SYNTHETIC
from meshscope.build.proofs.every import every_test
from meshscope.build.proofs.synthetic import Bench, bench
from meshscope.build.rules.dashboard_links import linked_files, linked_tests
from meshscope.build.rules.files import rule_files
from meshscope.build.rules.statics import static_groups
from meshscope.build.standing_alone import left_out
from meshscope.findings import Finding
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider


@dataclass(frozen=True, kw_only=True)
class Built:
    """The artefacts, the files that they become, what was noticed on the way, and when each SLO's trouble is told."""

    artefacts: Artefacts
    files: tuple[File, ...]
    findings: tuple[Finding, ...]
    detections: tuple[Detection, ...]


def assemble(model: Model, provider: MeshProvider, options: Options) -> Built:
    """Build everything for ``model`` as ``provider`` reports it."""
    proved = bench(model, provider, options)
    artefacts = Artefacts(
        rules=(*linked_files(rule_files(model, provider, options), model), *foreign_rules(model)),
        tests=(_synthetic(proved), *linked_tests(every_test(proved), model), *foreign_tests(model)),
        prometheus=prometheus(model, provider, options),
        alertmanager=alertmanager(model, options),
        # Collectors run in a cluster, and belong to the build for that one.
        collectors=() if options.everywhere else collectors(model, provider, options),
        dashboards=dashboards(model, provider, options),
    )
    files, more = _emitted(model, provider, artefacts, options)
    found = measured(detections(model), model, provider)
    return Built(
        artefacts=artefacts,
        files=(*files, detection_file(found, tuple(slo.place for _, slo in model.slos))),
        findings=(*collector_findings(model, provider), *left_out(model, options), *more),
        detections=found,
    )


def _emitted(
    model: Model, provider: MeshProvider, artefacts: Artefacts, options: Options
) -> tuple[tuple[File, ...], tuple[Finding, ...]]:
    if options.emit is Emit.FILES:
        return layout(model, provider, artefacts, options), ()
    objects = operator_objects(model, provider, artefacts, options)
    files = operator(model, provider, artefacts, options, objects)
    return files, operator_findings(objects, model.mesh)


def _synthetic(proved: Bench) -> RuleTest:
    groups = static_groups(proved.model, proved.provider, proved.options)
    document = {
        "groups": [
            {"name": group.name, "interval": group.interval, "rules": [rule.document() for rule in group.rules]}
            for group in groups
        ]
    }
    return RuleTest(name=SYNTHETIC, document=document)
