"""Objects for operators: what their definitions allow, in sizes that are accepted, and all of what was built."""

import copy
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.documents import GrafanaDashboard
from meshscope.artefacts.objects import KubernetesObject
from meshscope.artefacts.rules import RuleFile
from meshscope.artefacts.yaml import dump
from meshscope.build.assemble import assemble
from meshscope.build.fragment import fragment
from meshscope.build.operator import object_files, operator, operator_findings, operator_objects
from meshscope.build.options import Emit, Options
from meshscope.build.rules.statics import static_groups
from meshscope.check.crds import schema_errors, unproven
from meshscope.findings import Level
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider
from meshscope.model.services import Service

OPTIONS = Options(emit=Emit.OPERATOR)


@pytest.fixture(scope="module")
def objects(boutique: Model, provider: MeshProvider, artefacts: Artefacts) -> tuple[KubernetesObject, ...]:
    return operator_objects(boutique, provider, artefacts, OPTIONS)


def of_kind(objects: tuple[KubernetesObject, ...], kind: str) -> list[KubernetesObject]:
    return [thing for thing in objects if thing.kind == kind]


def test_every_object_is_what_its_definition_allows(objects: tuple[KubernetesObject, ...]) -> None:
    assert [finding.title for finding in schema_errors(objects)] == []


def test_every_object_of_the_other_environment_is_too(staging: Model, provider: MeshProvider) -> None:
    built = assemble(staging, provider, OPTIONS)
    assert schema_errors(operator_objects(staging, provider, built.artefacts, OPTIONS)) == ()


@pytest.mark.parametrize(
    "kind", ["AlertmanagerConfig", "PodMonitor", "ScrapeConfig", "PrometheusRule", "OpenTelemetryCollector"]
)
def test_a_misspelt_key_is_found_and_named(objects: tuple[KubernetesObject, ...], kind: str) -> None:
    thing = of_kind(objects, kind)[0]
    document = copy.deepcopy(dict(thing.document))
    document["spec"] = {**thing.document["spec"], "misspelt": 1}
    (finding,) = schema_errors([replace(thing, document=document)])
    assert finding.code == "operator/bad-object"
    assert "misspelt" in finding.title
    assert str(thing) in finding.title
    assert finding.place is not None


def test_what_no_real_definition_has_judged_is_named(objects: tuple[KubernetesObject, ...]) -> None:
    named = unproven(objects)
    assert "opentelemetry.io/v1beta1 OpenTelemetryCollector" in named
    assert not any("monitoring.coreos.com" in kind or "telemetry.istio.io" in kind for kind in named)


def test_what_is_written_is_what_was_judged(objects: tuple[KubernetesObject, ...]) -> None:
    for file in object_files(objects):
        written = [document for document in yaml.safe_load_all(file.content) if document]
        meant = [yaml.safe_load(dump(thing.document)) for thing in objects if thing.path == file.path]
        assert written == meant, file.path


@pytest.mark.engines("promtool")
def test_promtool_accepts_every_rule_object_as_the_operator_hands_it_on(
    objects: tuple[KubernetesObject, ...], engine: Callable[[str], Path], tmp_path: Path
) -> None:
    paths = []
    for thing in of_kind(objects, "PrometheusRule"):
        paths.append(tmp_path / f"{thing.name}.yaml")
        paths[-1].write_text(yaml.safe_dump(yaml.safe_load(thing.text)["spec"]))
    answer = subprocess.run([engine("promtool"), "check", "rules", *paths], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_rule_is_in_one_object_and_every_object_looks_as_far_back_as_the_provider_asks(
    objects: tuple[KubernetesObject, ...], artefacts: Artefacts, provider: MeshProvider
) -> None:
    groups = [group for thing in of_kind(objects, "PrometheusRule") for group in thing.document["spec"]["groups"]]
    built = [group for file in artefacts.rules for group in file.groups]
    assert sorted(group["name"] for group in groups) == sorted(group.name for group in built)
    assert sum(len(group["rules"]) for group in groups) == sum(len(group.rules) for group in built)
    assert {group.get("query_offset") for group in groups} == ({"30s"} if provider.promoted else {None})


def test_a_new_service_changes_one_object_of_constants_and_moves_no_other(
    boutique: Model, provider: MeshProvider, artefacts: Artefacts
) -> None:
    new = Service(name="returns", namespace="shop", cluster="eu-1", owner=boutique.owners[0])
    grown = replace(boutique, services=tuple(sorted((*boutique.services, new), key=lambda service: service.identity)))

    def texts(model: Model) -> dict[str, str]:
        statics = RuleFile(name="objectives", about="", groups=static_groups(model, provider, OPTIONS))
        built = replace(artefacts, rules=(statics,))
        found = of_kind(operator_objects(model, provider, built, OPTIONS), "PrometheusRule")
        return {thing.name: thing.text for thing in found}

    before, after = texts(boutique), texts(grown)
    assert len([name for name in after if after[name] != before.get(name)]) == 1
    assert set(before) <= set(after)


def test_an_object_too_large_for_an_annotation_is_applied_by_the_server(
    boutique: Model, provider: MeshProvider, artefacts: Artefacts
) -> None:
    large = GrafanaDashboard(name="large", uid="large", document={"panels": ["x" * 100] * 3000})
    built = replace(artefacts, dashboards=(*artefacts.dashboards, large))
    objects = operator_objects(boutique, provider, built, OPTIONS)
    asked = {
        thing.name: thing.document["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-options")
        for thing in of_kind(objects, "ConfigMap")
    }
    assert asked.pop("boutique-dashboard-large") == "ServerSideApply=true"
    assert set(asked.values()) == {None}


def test_an_object_that_would_be_refused_for_its_size_is_a_finding_that_says_what_to_do(
    boutique: Model, provider: MeshProvider, artefacts: Artefacts
) -> None:
    (statics, *rest) = artefacts.rules
    rules = statics.groups[1].rules
    thick = replace(statics, groups=(replace(statics.groups[1], rules=rules * (500_000 // 200 // len(rules) + 1)),))
    huge = GrafanaDashboard(name="huge", uid="huge", document={"panels": ["x" * 100] * 10_000})
    built = replace(artefacts, rules=(thick, *rest), dashboards=(huge,))
    findings = operator_findings(operator_objects(boutique, provider, built, OPTIONS), boutique.mesh)
    errors = {finding.title.split(" has ")[0]: finding for finding in findings if finding.level is Level.ERROR}
    rule = errors.pop(f"PrometheusRule monitoring/{statics.groups[1].name.replace(':', '-')}")
    assert "group_count=128" in rule.help
    assert list(errors) == ["ConfigMap monitoring/boutique-dashboard-huge"]


def test_prometheus_may_find_pods_where_it_scrapes_and_nowhere_else(
    objects: tuple[KubernetesObject, ...], boutique: Model, provider: MeshProvider
) -> None:
    scraped = {thing.namespace for thing in (*boutique.services, *boutique.gateways)} if provider.scrape else set()
    assert {thing.namespace for thing in of_kind(objects, "RoleBinding")} == {*scraped, "monitoring"}
    watched = [thing.document["spec"]["namespaceSelector"]["matchNames"] for thing in of_kind(objects, "PodMonitor")]
    assert {namespace for names in watched for namespace in names} == {*scraped, "monitoring"}
    for role in of_kind(objects, "Role"):
        assert role.document["rules"] == [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
        ]


def test_selectors_find_what_prometheus_and_alertmanager_read(boutique: Model, provider: MeshProvider) -> None:
    model = replace(boutique, mesh=replace(boutique.mesh, monitoring_labels={"prometheus": "k8s", "role": "rules"}))
    built = assemble(model, provider, OPTIONS).artefacts
    for thing in operator_objects(model, provider, built, OPTIONS):
        labels = thing.document["metadata"]["labels"]
        assert (labels.get("prometheus") == "k8s") == thing.api.startswith("monitoring.coreos.com/")


def test_every_receiver_of_the_alertmanager_object_is_there_and_its_credentials_are_keys_of_one_secret(
    objects: tuple[KubernetesObject, ...],
) -> None:
    (config,) = of_kind(objects, "AlertmanagerConfig")
    spec = config.document["spec"]
    assert {route["receiver"] for route in spec["route"]["routes"]} <= {found["name"] for found in spec["receivers"]}
    assert set(re.findall(r"name: (boutique-\S+)\n\s+key: ", config.text)) == {"boutique-alerting"}
    assert "_file" not in config.text
    assert '{{ template "meshscope' not in config.text, "no template file comes along"


KUBE_PROMETHEUS = {
    "global": {"resolve_timeout": "5m"},
    "inhibit_rules": [
        {
            "equal": ["namespace", "alertname"],
            "source_matchers": ["severity = critical"],
            "target_matchers": ["severity =~ warning|info"],
        }
    ],
    "receivers": [{"name": "Default"}, {"name": "Watchdog"}, {"name": "Critical"}, {"name": "null"}],
    "route": {
        "group_by": ["namespace"],
        "receiver": "Default",
        "routes": [
            {"matchers": ["alertname = Watchdog"], "receiver": "Watchdog"},
            {"matchers": ["alertname = InfoInhibitor"], "receiver": "null"},
            {"matchers": ["severity = critical"], "receiver": "Critical"},
        ],
    },
}


@pytest.mark.engines("amtool")
def test_the_fragment_merged_into_a_stock_alertmanager_takes_our_alerts_and_leaves_all_others(
    boutique: Model, engine: Callable[[str], Path], tmp_path: Path
) -> None:
    part = yaml.safe_load(dump(fragment(boutique, OPTIONS)))
    merged = copy.deepcopy(KUBE_PROMETHEUS)
    merged["route"]["routes"] = part["route"]["routes"] + merged["route"]["routes"]
    merged["inhibit_rules"] += part["inhibit_rules"]
    merged["receivers"] += part["receivers"]
    path = tmp_path / "alertmanager.yaml"
    path.write_text(yaml.safe_dump(merged))
    answer = subprocess.run([engine("amtool"), "check-config", path], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout

    def told(**labels: str) -> str:
        pairs = [f"{name}={value}" for name, value in labels.items()]
        command = [engine("amtool"), "config", "routes", "test", f"--config.file={path}", *pairs]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def ours(**labels: str) -> str:
        return told(meshscope="boutique", environment="production", **labels).replace("boutique-production-", "")

    assert told(alertname="Watchdog", severity="none") == "Watchdog"
    assert told(alertname="KubePodCrashLooping", severity="critical") == "Critical"
    assert told(alertname="TheirTeam", owner="payments", severity="critical") == "Critical", (
        "an owner makes it not ours"
    )
    assert told(alertname="TheirTeam", owner="payments", severity="page") == "Default"
    assert told(meshscope="boutique", environment="staging", owner="payments", severity="page") == "Default"
    assert ours(alertname="Watchdog", severity="none", owner="platform") == "deadman"
    assert ours(alertname="DependencyPaging", severity="none", service="cart") == "nobody"
    assert ours(owner="payments", severity="page") == "agent,payments-page"
    assert ours(owner="payments", severity="page", stage="agent") == "agent,nobody"
    assert ours(owner="unowned", severity="ticket") == "agent,default"


def test_each_tier_has_its_disk_its_view_of_the_node_and_only_the_rights_that_it_uses(
    objects: tuple[KubernetesObject, ...],
) -> None:
    tiers = {thing.name: thing.document["spec"] for thing in of_kind(objects, "OpenTelemetryCollector")}
    gateway, node = tiers["boutique-gateway"], tiers["boutique-node"]
    assert gateway["mode"] == "statefulset"
    assert gateway["volumeClaimTemplates"][0]["metadata"]["name"] == "storage"
    assert gateway["podSecurityContext"]["runAsNonRoot"] is True
    assert node["mode"] == "daemonset"
    assert "replicas" not in node
    mounted = {mount["mountPath"]: mount.get("readOnly", False) for mount in node["volumeMounts"]}
    assert mounted == {"/var/lib/otelcol": False, "/var/log/pods": True, "/hostfs": True}
    names = {variable["name"]: variable for variable in node["env"]}
    assert names["MY_POD_IP"]["valueFrom"] == {"fieldRef": {"fieldPath": "status.podIP"}}
    assert names["GATEWAY_HOST"]["value"] == "boutique-gateway-collector-headless.monitoring.svc.cluster.local"
    (role,) = of_kind(objects, "ClusterRole")
    asked = {resource for rule in role.document["rules"] for resource in rule["resources"]}
    assert (role.name, asked) == ("boutique-node", {"pods", "namespaces", "replicasets", "nodes/stats"})


def test_istio_is_told_once_for_the_whole_mesh_and_other_providers_nothing(
    objects: tuple[KubernetesObject, ...], boutique: Model, provider: MeshProvider, artefacts: Artefacts
) -> None:
    found = of_kind(objects, "Telemetry")
    assert [str(thing) for thing in found] == (
        ["Telemetry istio-system/mesh-default"] if provider.name == "istio" else []
    )
    files = {file.path: file for file in operator(boutique, provider, artefacts, OPTIONS)}
    assert ("mesh/meshconfig.yaml" in files) == bool(found)
    if found:
        config = yaml.safe_load(files["mesh/meshconfig.yaml"].content)
        offered = {entry["name"] for entry in config["extensionProviders"]} | {"prometheus"}
        spec = found[0].document["spec"]
        named = {entry["name"] for part in spec.values() for item in part for entry in item["providers"]}
        assert named == offered


def test_a_prometheus_that_enforces_namespaces_is_warned_of(objects: tuple[KubernetesObject, ...], boutique: Model):
    (note,) = operator_findings(objects, boutique.mesh)
    assert (note.code, note.level) == ("operator/enforced-namespace", Level.NOTE)
    assert "excludedFromEnforcement" in note.help


def test_the_guide_names_every_secret_that_the_objects_need(
    objects: tuple[KubernetesObject, ...], boutique: Model, provider: MeshProvider, artefacts: Artefacts
) -> None:
    (guide,) = [f for f in operator(boutique, provider, artefacts, OPTIONS) if f.path == "README.md"]
    text = guide.content.decode()
    for thing in objects:
        for secret, key in re.findall(r"name: (boutique-\S+)\n\s+key: (\S+)", thing.text):
            assert f"`{secret}`" in text
            assert f"`{key}`" in text
    for name in ("prometheus-token", "traces-token", "logs-token", "enforcedNamespaceLabel"):
        assert name in text


def test_the_tree_can_be_applied_as_one_folder(boutique: Model, provider: MeshProvider, artefacts: Artefacts) -> None:
    for file in operator(boutique, provider, artefacts, OPTIONS):
        if file.path.startswith("objects/"):
            for document in yaml.safe_load_all(file.content):
                assert {"apiVersion", "kind", "metadata"} <= set(document), file.path


def test_the_guide_tells_of_what_stays_of_what_is_replaced_and_of_what_is_no_object(
    boutique: Model, provider: MeshProvider, artefacts: Artefacts
) -> None:
    files = {file.path: file for file in operator(boutique, provider, artefacts, OPTIONS)}
    text = files["README.md"].content.decode()
    documents = [
        document
        for path, file in files.items()
        if path.startswith("objects/")
        for document in yaml.safe_load_all(file.content)
    ]
    (listed,) = [line.split()[2] for line in text.splitlines() if line.startswith("    kubectl get ")]
    kinds = {name.partition(".")[0] for name in listed.split(",")}
    assert {document["kind"].lower() for document in documents} <= kinds, "whatever is applied is listed for deletion"
    for document in documents:
        labels = document["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "meshscope"
        assert f"app.kubernetes.io/part-of={labels['app.kubernetes.io/part-of']}" in text
    telemetry = [document["metadata"] for document in documents if document["kind"] == "Telemetry"]
    for metadata in telemetry:
        assert f"Telemetry `{metadata['namespace']}/{metadata['name']}`" in text
    assert ("replaces the mesh's own" in text) is bool(telemetry)
    assert ("MeshConfig" in text) is ("mesh/meshconfig.yaml" in files)
