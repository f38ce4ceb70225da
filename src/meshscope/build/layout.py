"""``--emit files``: a tree for programs that read files, each folder laid out as its program expects it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.documents import CollectorConfig, GrafanaDashboard, canonical_json
from meshscope.artefacts.files import File, text_file
from meshscope.artefacts.rules import RuleFile, RuleTest
from meshscope.artefacts.yaml import dump
from meshscope.build.boards import folder_path
from meshscope.build.fragment import fragment_text
from meshscope.build.guide import files_guide
from meshscope.build.heading import heading
from meshscope.build.options import Options
from meshscope.build.prometheus import flags
from meshscope.build.ruletext import groups_text
from meshscope.build.runbooks import FOLDER, runbooks
from meshscope.findings import Place
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider

# Where Grafana sees the dashboards; the file that names it stands beside them.
DASHBOARDS = "/etc/grafana/dashboards"
FOLDERS = "/etc/grafana/folders"


def layout(model: Model, provider: MeshProvider, artefacts: Artefacts, options: Options) -> tuple[File, ...]:
    """Every file of the tree but its manifest, sorted by path."""
    mesh = model.mesh
    wanted = flags(model, provider, options)
    files = [
        text_file("README.md", files_guide(model, artefacts, wanted)),
        *runbook_files(),
        *(rule_file(rules) for rules in artefacts.rules),
        *(unit_test_file(test) for test in artefacts.tests),
        *_prometheus(artefacts, wanted, mesh),
        *_alertmanager(artefacts),
        text_file("alertmanager/fragment.yaml", fragment_text(model, options), artefacts.alertmanager.origins),
        *(collector_file(collector) for collector in artefacts.collectors),
        *(dashboard_file(dashboard) for dashboard in artefacts.dashboards),
        *_grafana(mesh, artefacts.dashboards, options),
    ]
    return tuple(sorted(files, key=lambda file: file.path))


def runbook_files() -> tuple[File, ...]:
    """The pages of the library alerts, for the folder of all runbooks."""
    return tuple(text_file(f"runbooks/{FOLDER}/{name}", text) for name, text in runbooks().items())


def rule_file(rules: RuleFile) -> File:
    """One rule file as Prometheus reads it."""
    origins = tuple(rule.origin for group in rules.groups for rule in group.rules)
    text = heading(rules.about, origins) + groups_text(rules.groups)
    return text_file(f"prometheus/rules/{rules.name}.yaml", text, origins)


def unit_test_file(test: RuleTest) -> File:
    """One file of unit tests as promtool reads it, or the constants that they share."""
    path = f"prometheus/tests/{test.name}.yaml"
    if test.text:
        return text_file(
            path, heading("Unit tests of foreign rules, as they are.", (test.origin,)) + test.text, (test.origin,)
        )
    if "groups" in test.document:
        return _document(
            path, "What the unit tests are about: rules that only they load.", test.document, (test.origin,)
        )
    return _document(path, f"Unit tests: promtool test rules {path}", test.document, (test.origin,))


def collector_file(collector: CollectorConfig) -> File:
    """The configuration of one tier of collectors."""
    about = collector.about or f"The {collector.name} tier of collectors, a {collector.mode}."
    return _document(f"collectors/{collector.name}.yaml", about, collector.document, (collector.origin,))


def dashboard_file(dashboard: GrafanaDashboard) -> File:
    """One dashboard as Grafana imports it."""
    text = canonical_json(dashboard.document)
    folder = f"folders/{folder_path(dashboard.folder)}" if dashboard.folder else "dashboards"
    return text_file(f"grafana/{folder}/{dashboard.name}.json", text, (dashboard.origin,))


def data_sources(mesh: Mesh, options: Options) -> dict[str, object]:
    """Grafana's provisioning of what the dashboards ask and lead to: numbers, then traces, then their logs and back."""
    common = {"access": "proxy", "editable": False}
    numbers = {"httpMethod": "POST", "timeInterval": options.duration(mesh.scrape_interval)}
    to_logs = {
        "datasourceUid": "loki",
        "spanStartTimeShift": "-5m",
        "spanEndTimeShift": "5m",
        "filterByTraceID": True,
        "tags": [{"key": "service.name", "value": "service_name"}],
    }
    # Two dollars: Grafana fills in environment variables while it reads this file, and the value when it shows a log.
    to_trace = {
        "name": "trace",
        "matcherType": "label",
        "matcherRegex": "trace_id",
        "datasourceUid": "tempo",
        "url": "$${__value.raw}",
    }
    own = {"prometheus": numbers, "tempo": {"tracesToLogsV2": to_logs}, "loki": {"derivedFields": [to_trace]}}
    return {
        "apiVersion": 1,
        "datasources": [
            {"name": source.name, "uid": source.uid, "type": source.kind, "url": source.url}
            | {"isDefault": source.uid == "prometheus", **common}
            | {"jsonData": own.get(source.uid) or dict(source.settings)}
            for source in mesh.every_data_source
            # One without an address is there already.
            if source.url
        ],
    }


def _prometheus(artefacts: Artefacts, wanted: tuple[str, ...], mesh: Mesh) -> Iterable[File]:
    config = artefacts.prometheus
    about = "Prometheus: what it scrapes and is pushed, how long it keeps it, and whom it tells."
    yield _document("prometheus/prometheus.yaml", about, config.document, (config.origin,))
    if wanted:
        text = "# What Prometheus must be told on its command line: prometheus @flags\n"
        yield text_file("prometheus/flags", text + "".join(f"{flag}\n" for flag in wanted), (mesh.place,))


def _alertmanager(artefacts: Artefacts) -> Iterable[File]:
    config = artefacts.alertmanager
    about = "Alertmanager: who is told of what, and which alert makes which other one needless."
    yield _document("alertmanager/alertmanager.yaml", about, config.document, config.origins)
    for name, text in config.templates.items():
        yield text_file(f"alertmanager/templates/{name}", text, config.origins)


def _grafana(mesh: Mesh, dashboards: Iterable[GrafanaDashboard], options: Options) -> Iterable[File]:
    folder = "grafana/provisioning"
    # A provider reads every folder below its own, so those of other folders stand beside it.
    inner = sorted({dashboard.folder for dashboard in dashboards} - {""})
    listed = [_provider(mesh.name, mesh.name, DASHBOARDS)]
    listed += [_provider(f"{mesh.name}/{name}", name, f"{FOLDERS}/{folder_path(name)}") for name in inner]
    providers = {"apiVersion": 1, "providers": listed}
    yield _document(f"{folder}/dashboards/{mesh.name}.yaml", "Where Grafana finds the dashboards.", providers, ())
    about = "What the dashboards ask, and what they lead to."
    yield _document(f"{folder}/datasources/{mesh.name}.yaml", about, data_sources(mesh, options), (mesh.place,))


def _provider(name: str, folder: str, path: str) -> dict[str, object]:
    return {
        "name": name,
        "folder": folder,
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "options": {"path": path},
    }


def _document(path: str, about: str, document: Mapping[str, object], origins: tuple[Place | None, ...]) -> File:
    return text_file(path, heading(about, origins) + dump(document), origins)
