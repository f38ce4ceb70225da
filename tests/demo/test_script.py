"""Who plays: everybody whom the model names, and enough visitors for the alerts that count events."""

from pathlib import Path

import pytest
from conftest import ROOT

from meshscope.demo.script import NEEDED, pod_name, script
from meshscope.findings import MeshscopeError
from meshscope.model.model import Model
from meshscope.model.services import Identity
from meshscope.wiring.load import load


@pytest.fixture(scope="module")
def boutique() -> Model:
    model = load(ROOT).model
    assert model is not None
    return model


def ledger(name: str, namespace: str = "shop") -> Identity:
    return Identity("eu-1", namespace, name)


def test_everybody_of_the_model_plays_with_as_many_pods_as_it_has_replicas(boutique: Model) -> None:
    cast = script(boutique, 1 / 20).cast
    for service in boutique.services:
        assert len(cast[service.identity].pods) == service.replicas
        assert len(set(cast[service.identity].pods)) == service.replicas
    played = set(cast) - {service.identity for service in boutique.services}
    outside = {gateway.identity for gateway in boutique.gateways} | {each.identity for each in boutique.externals}
    assert played == outside | {Identity("eu-1", "web", "waypoint")}


def test_every_call_of_the_model_is_made_also_those_of_a_cycle(boutique: Model) -> None:
    made = {(caller, callee) for caller, callee, _ in script(boutique, 1 / 20).visits()}
    assert made == set(boutique.calls)


def test_the_deepest_service_that_matters_most_fails_and_what_leads_to_it_is_needed(boutique: Model) -> None:
    played = script(boutique, 1 / 20)
    assert played.target == Identity("eu-1", "shop", "ledger")
    checkout, frontend = Identity("eu-1", "shop", "checkout"), Identity("eu-1", "web", "frontend")
    assert played.calls[frontend][checkout] == NEEDED
    assert played.calls[frontend][Identity("eu-1", "shop", "cart")] < NEEDED


@pytest.mark.parametrize("scale", [1 / 10, 1 / 20, 1 / 30])
def test_each_instance_of_the_target_sees_twice_what_its_alert_counts(boutique: Model, scale: float) -> None:
    played = script(boutique, scale)
    assert played.target is not None
    visits = sum(often for _, callee, often in played.visits() if callee == played.target)
    each = visits * played.rate / len(played.cast[played.target].pods)
    assert each * 300 * scale == pytest.approx(2 * 50)


def test_a_house_of_one_gateway_and_two_services_plays(tiny: Path) -> None:
    model = load(tiny).model
    assert model is not None
    played = script(model, 1 / 20)
    assert played.entry == Identity("", "edge", "door")
    assert played.target == Identity("", "shop", "back")


def test_a_mesh_that_nothing_enters_is_refused_with_what_to_do(tiny: Path) -> None:
    text = (tiny / "mesh.py").read_text()
    (tiny / "mesh.py").write_text(text.replace("calls = Calls({door: (front,), front: (back,)})", ""))
    model = load(tiny).model
    assert model is not None
    with pytest.raises(MeshscopeError) as refused:
        script(model, 1 / 20)
    assert refused.value.finding.code == "demo/unplayable"
    assert "--no-live" in refused.value.finding.help


def test_pods_are_named_as_a_replica_set_names_them() -> None:
    first, second = pod_name("cart", 0), pod_name("cart", 1)
    assert first.rsplit("-", 1)[0] == second.rsplit("-", 1)[0]
    assert first != second
    assert first == pod_name("cart", 0)
