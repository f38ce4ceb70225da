"""Prometheus's configuration, judged by promtool and by a Prometheus that runs on it."""

import json
import subprocess
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from alerting_lab import FAST, Exposed, Prometheus, at_home, tree

from meshscope.adapters.meshes import istio, opentelemetry
from meshscope.artefacts.yaml import dump
from meshscope.build.assemble import assemble
from meshscope.build.options import Options
from meshscope.build.prometheus import external_labels, flags, query_offset
from meshscope.build.prometheus import prometheus as configuration
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider
from tests.ports import free_port

PROVIDERS = pytest.mark.parametrize("provider", [istio.PROVIDER, opentelemetry.PROVIDER], ids=lambda found: found.name)
PROTOBUF = "application/x-protobuf"
REQUESTS = 'istio_requests_total{reporter="source",destination_service_name="cart",response_code="200"} 7'


@PROVIDERS
@pytest.mark.parametrize("environment", ["boutique", "staging"])
@pytest.mark.parametrize("discovery", ["kubernetes", "files"])
@pytest.mark.engines("promtool")
def test_promtool_accepts_it_with_every_rule_that_it_names(
    environment: str,
    discovery: str,
    provider: MeshProvider,
    engine: Callable[[str], Path],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    model = request.getfixturevalue(environment)
    model = replace(model, mesh=replace(model.mesh, discovery=discovery))
    folder = tree(model, provider, tmp_path)
    answer = subprocess.run(
        [engine("promtool"), "check", "config", folder / "prometheus.yaml"], capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    assert f"{len(list((folder / 'rules').iterdir()))} rule files found" in answer.stdout


@PROVIDERS
@pytest.mark.engines("prometheus")
def test_a_prometheus_that_is_started_as_the_guide_says_has_all_rules_the_retention_and_takes_what_is_pushed(
    boutique: Model, provider: MeshProvider, prometheus: Callable[..., Prometheus], tmp_path: Path
) -> None:
    port = free_port()
    model = at_home(boutique, port)
    running = prometheus(tree(model, provider, tmp_path / "tree", FAST), port)
    built = assemble(model, provider, FAST).artefacts
    groups = {group["name"] for group in running.ask("/api/v1/rules")["groups"]}
    assert groups == {group.name for file in built.rules for group in file.groups}
    kept = running.ask("/api/v1/status/runtimeinfo")["storageRetention"]
    assert kept == FAST.duration(boutique.mesh.retention) == "16h"
    empty = urllib.request.Request(f"{running.url}/api/v1/otlp/v1/metrics", b"", {"Content-Type": PROTOBUF})
    with urllib.request.urlopen(empty, timeout=5) as answer:
        assert answer.status == 200
    assert running.wait('up{job="prometheus"} == 1')


@pytest.mark.engines("prometheus")
def test_a_scrape_keeps_what_rules_read_says_where_from_and_fails_beyond_its_limits(
    boutique: Model, prometheus: Callable[..., Prometheus], target: Exposed, tmp_path: Path
) -> None:
    port = free_port()
    folder = tree(at_home(boutique, port), istio.PROVIDER, tmp_path / "tree", FAST)
    target.text = f"{REQUESTS}\nenvoy_cluster_upstream_cx_total 3\n"
    labels = {"namespace": "shop", "pod": "cart-0"}
    (folder / "targets").mkdir()
    listed = [{"targets": [target.address], "labels": labels}]
    (folder / "targets/mesh-proxies.json").write_text(json.dumps(listed))
    running = prometheus(folder, port)
    (found,) = running.wait("istio_requests_total")
    assert found["metric"] == {
        "__name__": "istio_requests_total",
        "cluster": "eu-1",
        "destination_service_name": "cart",
        "instance": target.address,
        "job": "mesh-proxies",
        "namespace": "shop",
        "pod": "cart-0",
        "reporter": "source",
        "response_code": "200",
    }
    assert running.ask("/api/v1/query?query=envoy_cluster_upstream_cx_total")["result"] == []
    many = ",".join(f'l{number}="x"' for number in range(80))
    target.text = f"istio_requests_total{{{many}}} 1\n"
    assert running.wait('up{job="mesh-proxies"} == 0')
    (state,) = [found for found in running.ask("/api/v1/targets")["activeTargets"] if "mesh" in found["labels"]["job"]]
    assert "label_limit exceeded" in state["lastError"]


def test_each_alertmanager_is_told_by_its_own_address_and_two_replicas_tell_one_alert(boutique: Model) -> None:
    alerting = yaml.safe_load(dump(configuration(boutique, istio.PROVIDER, Options()).document))["alerting"]
    (managers,) = alerting["alertmanagers"]
    assert managers["static_configs"] == [{"targets": ["alertmanager-0:9093", "alertmanager-1:9093"]}]
    assert {"action": "labeldrop", "regex": "replica|prometheus_replica"} in alerting["alert_relabel_configs"]
    secure = replace(boutique, mesh=replace(boutique.mesh, alertmanagers=("https://am-0:9093",)))
    document = configuration(secure, istio.PROVIDER, Options()).document
    (managers,) = yaml.safe_load(dump(document))["alerting"]["alertmanagers"]
    assert managers == {"scheme": "https", "static_configs": [{"targets": ["am-0:9093"]}]}


def test_every_alert_says_of_which_mesh_environment_and_cluster_it_is(boutique: Model, staging: Model) -> None:
    assert external_labels(boutique) == {"mesh": "boutique", "cluster": "eu-1"}
    assert external_labels(staging) == {"mesh": "boutique", "environment": "staging", "cluster": "eu-staging"}


def test_rules_look_back_only_where_what_they_read_is_pushed(boutique: Model) -> None:
    assert query_offset(istio.PROVIDER, Options()) == ""
    assert query_offset(opentelemetry.PROVIDER, Options()) == "30s"
    document = configuration(boutique, opentelemetry.PROVIDER, Options()).document
    assert document["global"]["rule_query_offset"] == "30s"
    assert "rule_query_offset" not in configuration(boutique, istio.PROVIDER, Options()).document["global"]


def test_every_label_that_rules_read_of_pushed_metrics_is_promoted(boutique: Model) -> None:
    document = configuration(boutique, opentelemetry.PROVIDER, Options()).document
    promoted = {name.replace(".", "_") for name in document["otlp"]["promote_resource_attributes"]}
    labels = opentelemetry.PROVIDER.labels
    named = {labels.cluster, labels.namespace, labels.service, labels.workload, labels.version, labels.pod}
    assert named <= promoted


def test_a_prometheus_that_reads_no_retention_from_its_file_is_told_by_a_flag(boutique: Model) -> None:
    versions = replace(boutique.mesh.versions, prometheus="3.5.0")
    old = replace(boutique, mesh=replace(boutique.mesh, versions=versions))
    assert "--storage.tsdb.retention.time=40d" in flags(old, istio.PROVIDER, Options())
    assert "retention" not in configuration(old, istio.PROVIDER, Options()).document["storage"]["tsdb"]
    assert not any("retention" in flag for flag in flags(boutique, istio.PROVIDER, Options()))


def test_prometheus_looks_for_pods_in_the_namespaces_of_the_model_alone(boutique: Model) -> None:
    document = yaml.safe_load(dump(configuration(boutique, istio.PROVIDER, Options()).document))
    found = {
        name
        for job in document["scrape_configs"]
        for search in job.get("kubernetes_sd_configs", [])
        for name in search["namespaces"]["names"]
    }
    assert found == {"shop", "web", "platform", "istio-system", "monitoring"}
