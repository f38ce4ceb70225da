"""The platform's own failures, made in a Prometheus that runs: its own words for them are those that rules read."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from alerting_lab import FAST, Exposed, Prometheus, at_home, tree

from meshscope.adapters.meshes import istio
from meshscope.build.assemble import assemble
from meshscope.build.options import Emit, Options
from meshscope.build.rules.files import rule_files
from meshscope.findings import DefinitionError
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from tests.ports import free_port

GATEWAY = {"namespace": "istio-system", "pod": "istio-ingressgateway-6c8d9f7b5c-bx2kz"}


def alerts(model: Model, emit: Emit = Emit.FILES) -> dict[str, str]:
    files = rule_files(model, istio.PROVIDER, Options(emit=emit))
    return {rule.alert: rule.expr for file in files for group in file.groups for rule in group.rules if rule.alert}


def firing(running: Prometheus, name: str, matchers: str = "") -> dict[str, str]:
    (found, *_) = running.wait(f'ALERTS{{alertname="{name}",alertstate="firing"{matchers}}}', 40)
    return found["metric"]


@pytest.mark.engines("prometheus")
def test_a_front_door_that_is_cut_whole_at_the_sample_limit_is_told(
    boutique: Model, prometheus: Callable[..., Prometheus], target: Exposed, tmp_path: Path
) -> None:
    port = free_port()
    folder = tree(at_home(boutique, port), istio.PROVIDER, tmp_path / "tree", FAST)
    config = folder / "prometheus.yaml"
    config.write_text(config.read_text().replace("sample_limit: 100000", "sample_limit: 50"))
    target.text = "".join(f'istio_requests_total{{reporter="source",to="{number}"}} 1\n' for number in range(60))
    (folder / "targets").mkdir()
    others = [{"targets": [f"127.0.0.1:{port}"], "labels": {"namespace": "shop", "pod": "cart-0"}}]
    listed = [{"targets": [target.address], "labels": GATEWAY}, *others]
    (folder / "targets/mesh-proxies.json").write_text(json.dumps(listed))
    running = prometheus(folder, port)
    refused = firing(running, "ScrapeFailing", ',job="mesh-proxies",reason="refused"')
    assert refused["workload"] == "istio-system/istio-ingressgateway"
    told = firing(running, "GatewayTelemetryAbsent")
    assert (told["workload"], told["severity"]) == ("istio-system/istio-ingressgateway", "page")


@pytest.mark.engines("prometheus")
def test_a_configuration_that_prometheus_refuses_and_an_alertmanager_that_it_does_not_find_are_told(
    boutique: Model, prometheus: Callable[..., Prometheus], tmp_path: Path
) -> None:
    port = free_port()
    folder = tree(at_home(boutique, port), istio.PROVIDER, tmp_path / "tree", FAST)
    config = folder / "prometheus.yaml"
    (folder / "managers.json").write_text("[]")
    document = yaml.safe_load(config.read_text())
    document["alerting"]["alertmanagers"] = [{"file_sd_configs": [{"files": ["managers.json"]}]}]
    config.write_text(yaml.safe_dump(document))
    (folder / "flags").write_text((folder / "flags").read_text() + "--web.enable-lifecycle\n")
    running = prometheus(folder, port)
    assert running.wait(f'up{{job="prometheus",instance="127.0.0.1:{port}"}} == 1')
    config.write_text(config.read_text() + "\nscrape_config: []\n")
    request = urllib.request.Request(f"{running.url}/-/reload", method="POST")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=5)
    assert firing(running, "ReloadFailed")["program"] == "prometheus"
    assert firing(running, "AlertingFailing", ',part="discovery"')["severity"] == "page"


def test_a_stack_that_watches_its_own_programs_is_left_to_it_and_what_it_tells_is_listed(boutique: Model) -> None:
    model = replace(boutique, mesh=replace(boutique.mesh, stack="kube-prometheus"))
    alone, within = alerts(boutique), alerts(model)
    assert set(alone) - set(within) == {"ReloadFailed"}
    for metric in ("alertmanager_", "prometheus_notifications_", "prometheus_config_"):
        assert metric in "".join(alone.values())
        assert metric not in "".join(within.values())
    (about,) = [file.about for file in rule_files(model, istio.PROVIDER, Options()) if file.name == "platform"]
    built = [assemble(model, istio.PROVIDER, Options(emit=emit)).files for emit in Emit]
    guides = [file.content.decode() for files in built for file in files if file.path == "README.md"]
    for name in ("PrometheusBadConfig", "AlertmanagerFailedReload", "PrometheusNotConnectedToAlertmanagers"):
        assert all(name in text for text in (about, *guides))


def test_a_stack_that_is_not_known_is_said() -> None:
    with pytest.raises(DefinitionError) as told:
        Mesh(name="shop", provider="istio", stack="kube-promethues")
    assert told.value.finding.code == "mesh/unknown-stack"
    assert "kube-prometheus" in told.value.finding.help


@pytest.mark.parametrize("emit", Emit)
def test_no_neighbour_in_the_same_prometheus_is_told_of(boutique: Model, emit: Emit) -> None:
    told = {name: expression.replace("\\", "") for name, expression in alerts(boutique, emit).items()}
    # prometheus-operator 0.85 sets the label job to namespace/name of a PodMonitor (pkg/prometheus/promcfg.go).
    ours = "monitoring/boutique-mesh-proxies" if emit is Emit.OPERATOR else "mesh-proxies"
    for name in ("ScrapeFailing", "GatewayTelemetryAbsent"):
        assert ours in told[name], name
        assert "up{" in told[name]
        assert "up)" not in told[name], "a scrape of anybody"
    for name in ("AlertingFailing", "RuleEvaluationMissed"):
        assert 'rule_group=~".*;(?:boutique:.*)"' in told[name], name
