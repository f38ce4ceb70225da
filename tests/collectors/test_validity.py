"""The real collectors accept what is built, and what none of them has is named, counted, and checked by its schema."""

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from time import monotonic
from typing import Any

import jsonschema
import pytest
from collecting_lab import house, tiers, write

from meshscope.adapters.engines.otelcol import Otelcol
from meshscope.adapters.engines.program import version_of
from meshscope.artefacts.yaml import dump
from meshscope.build.options import Options
from meshscope.model.versions import OLDEST

EVERY = [(environment, name) for environment in (None, "staging") for name in ("istio", "opentelemetry")]

# In no build of the collector that can be had: see engines/otelcol/manifest.yaml. No collector has judged these.
UNPROVEN = ["exporters/loadbalancing/gateway", "receivers/host_metrics", "receivers/kubelet_stats"]

# Components that have a documented schema of ours, by each name that they have had.
DOCUMENTED = {
    "file_log": "file_log",
    "host_metrics": "host_metrics",
    "kubelet_stats": "kubelet_stats",
    "loadbalancing": "load_balancing",
    "load_balancing": "load_balancing",
}


@pytest.fixture(params=EVERY, ids=[f"{environment or 'plain'}-{name}" for environment, name in EVERY])
def built(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Mapping[str, Mapping[str, Any]]]:
    """Both tiers for one environment and one provider, as files of a tree and as documents."""
    environment, name = request.param
    configs = tiers(house(environment), name, Options())
    for config in configs.values():
        write(config, tmp_path / "collectors")
    return tmp_path, {name: config.document for name, config in configs.items()}


@pytest.mark.engines("otelcol", "otelcol-logs")
def test_both_tiers_are_accepted_by_the_collectors_and_what_none_has_is_this_list(
    built, engine: Callable[[str], Path], capsys
):
    tree, documents = built
    programs = (engine("otelcol"), engine("otelcol-logs"))
    verdict = Otelcol(programs=programs, version="0.155.0").judge(
        tree, [f"collectors/{name}.yaml" for name in documents]
    )
    assert verdict.complaints == ()
    unproven = sorted(part for one in verdict.passed_over for part in one.partition(" in ")[0].split(", "))
    with capsys.disabled():
        sys.stdout.write(f"\n  no collector has judged {len(unproven)}: {', '.join(unproven)}\n")
    assert unproven == UNPROVEN


@pytest.mark.engines("otelcol-logs")
@pytest.mark.parametrize("name", ["istio", "opentelemetry"])
def test_what_is_built_for_the_oldest_collector_that_is_supported_is_accepted_by_it(
    engine: Callable[[str], Path], tmp_path, name
):
    oldest = OLDEST["otelcol"][0]
    assert version_of(engine("otelcol-logs")) == oldest
    for config in tiers(house(otelcol=oldest), name, Options()).values():
        write(config, tmp_path / "collectors")
    verdict = Otelcol(programs=(engine("otelcol-logs"),), version=oldest).judge(
        tmp_path, ["collectors/gateway.yaml", "collectors/node.yaml"]
    )
    assert verdict.complaints == ()


@pytest.mark.engines("otelcol")
def test_a_fault_in_a_configuration_would_be_seen(built, engine: Callable[[str], Path]):
    tree, _ = built
    path = tree / "collectors" / "gateway.yaml"
    path.write_text(path.read_text().replace("decision_wait:", "decide_after:"))
    verdict = Otelcol(programs=(engine("otelcol"),), version="0.155.0").judge(tree, ["collectors/gateway.yaml"])
    assert len(verdict.complaints) == 1
    assert "decide_after" in verdict.complaints[0].message


@pytest.mark.engines("otelcol")
def test_both_halves_of_the_balancing_exporter_are_accepted_as_the_otlp_exporters_that_they_are(
    built, engine: Callable[[str], Path], tmp_path
):
    _, documents = built
    balanced = documents["node"]["exporters"]["loadbalancing/gateway"]
    halves = {
        "otlp_grpc/each": {"endpoint": "127.0.0.1:4317", **balanced["protocol"]["otlp"]},
        "otlp_grpc/all": {
            "endpoint": "127.0.0.1:4317",
            **{name: balanced[name] for name in ("timeout", "sending_queue", "retry_on_failure")},
        },
    }
    document = {
        "extensions": {"file_storage": {"directory": str(tmp_path), "create_directory": True}},
        "receivers": {"otlp": documents["gateway"]["receivers"]["otlp"]},
        "exporters": halves,
        "service": {
            "extensions": ["file_storage"],
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": list(halves)}},
        },
    }
    (tmp_path / "collectors" / "halves.yaml").write_text(dump(document))
    verdict = Otelcol(programs=(engine("otelcol"),), version="0.155.0").judge(tmp_path, ["collectors/halves.yaml"])
    assert (verdict.complaints, verdict.passed_over) == ((), ())


def test_what_no_collector_has_judged_fits_its_documented_schema(built):
    _, documents = built
    judged = set()
    for document in documents.values():
        for kind in ("receivers", "exporters"):
            for name, settings in document[kind].items():
                schema = DOCUMENTED.get(name.partition("/")[0])
                if schema is not None:
                    judged.add(f"{kind}/{name}")
                    text = files("meshscope.check").joinpath(f"schemas/otelcol-{schema}.json").read_text()
                    jsonschema.validate(json.loads(json.dumps(settings)), json.loads(text))
    assert judged == {*UNPROVEN, "receivers/file_log"}


def test_a_fault_in_what_no_collector_has_judged_would_be_seen(built):
    _, documents = built
    for name, schema in (("host_metrics", "host_metrics"), ("kubelet_stats", "kubelet_stats")):
        settings = json.loads(json.dumps(documents["node"]["receivers"][name]))
        settings["collection_intervall"] = settings.pop("collection_interval")
        text = files("meshscope.check").joinpath(f"schemas/otelcol-{schema}.json").read_text()
        with pytest.raises(jsonschema.ValidationError, match="collection_intervall"):
            jsonschema.validate(settings, json.loads(text))


@pytest.mark.engines("otelcol")
def test_ten_thousand_services_of_two_hundred_owners_are_accepted(
    boutique, engine: Callable[[str], Path], tmp_path, capsys
):
    ledger = next(service for service in boutique.services if service.name == "ledger")
    services = tuple(
        replace(
            ledger,
            name=f"service-with-a-name-{number}",
            namespace=f"namespace-{number % 300}",
            owner=replace(ledger.owner, name=f"team-{number * 7 % 200}"),
        )
        for number in range(10_000)
    )
    config = tiers(replace(boutique, services=services))["gateway"]
    path = write(config, tmp_path / "collectors")
    assert path.stat().st_size < 1 << 20, "a ConfigMap holds 1 MiB"
    began = monotonic()
    verdict = Otelcol(programs=(engine("otelcol"),), version="0.155.0").judge(tmp_path, ["collectors/gateway.yaml"])
    took = monotonic() - began
    assert verdict.complaints == ()
    statements = re.findall(r"IsMatch\(resource.cache", path.read_text())
    with capsys.disabled():
        size = path.stat().st_size >> 10
        sys.stdout.write(f"\n  10,000 services: {size} KiB, {len(statements)} statements, {took:.1f} s\n")
    assert len(statements) == 2 * 200
