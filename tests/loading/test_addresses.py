"""Addresses of IPv6 in definitions, and in what Prometheus scrapes and tells."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshscope import Environment, Mesh
from meshscope.adapters.engines.promtool import PromtoolConfig
from meshscope.artefacts.yaml import dump
from meshscope.build.options import Options
from meshscope.build.prometheus import prometheus
from meshscope.findings import DefinitionError
from meshscope.wiring.load import load
from meshscope.wiring.providers import provider

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("argument", "address", "right"),
    [
        ("prometheus", "http://fd00::1:9090", "http://[fd00::1]:9090"),
        ("agent", "https://fd00::5:6:8443", "https://[fd00::5:6]:8443"),
        ("smarthost", "2001:db8::25:587", "[2001:db8::25]:587"),
        ("traces", "http://fd00::a", "http://[fd00::a]"),
        ("grafana", "https://user@fd00::a/path?x=1:2:3", "https://user@[fd00::a]/path?x=1:2:3"),
    ],
)
def test_an_address_of_ipv6_without_brackets_is_refused_and_written_right(argument, address, right):
    for make in (lambda **given: Mesh(name="shop", provider="istio", **given), lambda **g: Environment(name="x", **g)):
        with pytest.raises(DefinitionError) as caught:
            make(**{argument: address})
        assert (caught.value.finding.code, caught.value.finding.argument) == ("mesh/bare-address", argument)
        assert f'"{right}"' in str(caught.value.finding.help)
        assert make(**{argument: right})


def test_one_of_several_alertmanagers_is_seen_and_names_and_ipv4_are_fine():
    with pytest.raises(DefinitionError):
        Mesh(name="shop", provider="istio", alertmanagers=("alertmanager-0:9093", "fd00::1:9093"))
    assert Mesh(name="shop", provider="istio", alertmanagers=("alertmanager-0:9093", "10.0.0.1:9093", "[fd00::1]:9093"))


@pytest.mark.engines("promtool")
@pytest.mark.parametrize("discovery", ["kubernetes", "files"])
def test_prometheus_takes_every_address_of_ipv6_as_a_target(engine: Callable[[str], Path], tmp_path, discovery):
    model = load(ROOT, None).model
    chosen, _ = provider("istio", None)
    assert model is not None
    assert chosen is not None
    mesh = replace(
        model.mesh,
        discovery=discovery,
        prometheus="http://[fd00::1]:9090",
        alertmanagers=("[fd00::2]:9093", "http://[fd00::3]:9093"),
        agent="https://[fd00::4]:8443/prefix",
    )
    path = tmp_path / "prometheus" / "prometheus.yaml"
    path.parent.mkdir()
    path.write_text(dump(prometheus(replace(model, mesh=mesh), chosen, Options()).document))
    told = set(_targets(yaml.safe_load(path.read_text())))
    assert {"[fd00::2]:9093", "[fd00::3]:9093"} <= told
    assert ("[fd00::1]:9090" in told) == (discovery == "files")
    verdict = PromtoolConfig(program=engine("promtool"), version="3.16.0").judge(
        tmp_path, ["prometheus/prometheus.yaml"]
    )
    assert verdict.complaints == ()


def _targets(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        yield from part.get("targets", [])
        for one in part.values():
            yield from _targets(one)
    elif isinstance(part, list):
        for one in part:
            yield from _targets(one)
