"""Which calls may silence, judged by what must never happen: that nobody is told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshscope.build.graph import components, inhibiting_edges
from meshscope.model.mesh import Mesh
from meshscope.model.model import Definitions, Model, resolve
from meshscope.model.people import Owner
from meshscope.model.services import Calls, Direction, Gateway, Identity, Service

WOKEN = Owner(name="woken", issues="github:a/b", pager="pagerduty:woken")
UNTOLD = Owner(name="untold", issues="github:a/b")


def mesh_of(tiers: list[int], calls: set[tuple[int, int]], owner: Owner | None = WOKEN) -> Model:
    services = [Service(name=f"s{number}", namespace="n", tier=tier, owner=owner) for number, tier in enumerate(tiers)]
    edges: dict[Service, tuple[Service, ...]] = {}
    for caller, callee in sorted(calls):
        edges[services[caller]] = (*edges.get(services[caller], ()), services[callee])
    mesh = Mesh(name="m", provider="istio")
    model, findings = resolve(Definitions(meshes=(mesh,), services=tuple(services), calls=(Calls(edges),)), None)
    assert model is not None
    assert not findings
    return model


@st.composite
def graphs(draw: st.DrawFn) -> Model:
    count = draw(st.integers(1, 9))
    tiers = draw(st.lists(st.sampled_from([1, 2, 3]), min_size=count, max_size=count))
    nodes = st.integers(0, count - 1)
    return mesh_of(tiers, draw(st.sets(st.tuples(nodes, nodes), max_size=25)))


def reachable(edges: set[tuple[Identity, Identity]], start: Identity) -> set[Identity]:
    found, waiting = set(), [start]
    while waiting:
        node = waiting.pop()
        for caller, callee in edges:
            if caller == node and callee not in found:
                found.add(callee)
                waiting.append(callee)
    return found


@given(graphs())
def test_no_cycle_is_left_in_what_may_silence(model: Model) -> None:
    edges = set(inhibiting_edges(model))
    assert all(service.identity not in reachable(edges, service.identity) for service in model.services)


@given(graphs())
def test_no_call_within_a_cycle_silences_and_every_other_to_a_service_as_important_does(model: Model) -> None:
    tiers = {service.identity: service.tier for service in model.services}
    calls = set(model.calls)
    expected = {
        (caller, callee)
        for caller, callee in calls
        if caller not in reachable(calls, callee) and caller != callee and tiers[callee] <= tiers[caller]
    }
    assert set(inhibiting_edges(model)) == expected


@given(graphs(), st.data())
def test_whoever_pages_is_told_or_has_a_cause_at_least_as_important_that_is(model: Model, data: st.DataObject) -> None:
    tiers = {service.identity: service.tier for service in model.services}
    paging = data.draw(st.sets(st.sampled_from(sorted(tiers)), min_size=1))
    edges = {(caller, callee) for caller, callee in inhibiting_edges(model) if {caller, callee} <= paging}
    silenced = {caller for caller, _ in edges}
    assert paging - silenced, "somebody is told"
    for service in silenced:
        assert any(tiers[cause] <= tiers[service] for cause in reachable(edges, service) - silenced)


def test_a_less_important_service_silences_none_of_its_callers() -> None:
    model = mesh_of([1, 3], {(0, 1)})
    assert inhibiting_edges(model) == ()
    assert len(inhibiting_edges(mesh_of([3, 1], {(0, 1)}))) == 1


def test_the_boutique_loop_of_checkout_and_ledger_silences_neither(boutique: Model) -> None:
    names = {(caller.name, callee.name) for caller, callee in inhibiting_edges(boutique)}
    assert ("checkout", "ledger") not in names
    assert ("ledger", "checkout") not in names
    assert ("search", "catalog") in names
    assert "frontend" not in {caller for caller, _ in names}, "a gateway calls it: users feel what it does"


@pytest.mark.parametrize("owner", [None, UNTOLD])
def test_a_service_of_whose_page_nobody_is_told_silences_nobody(owner: Owner | None) -> None:
    assert inhibiting_edges(mesh_of([2, 1], {(0, 1)}, owner)) == ()


def test_a_service_that_a_gateway_calls_is_silenced_by_nothing() -> None:
    model = mesh_of([1, 1, 1], {(0, 1), (1, 2)})
    door = Gateway(name="door", namespace="n", direction=Direction.INGRESS)
    first = model.services[0].identity
    opened = replace(model, gateways=(door,), calls=tuple(sorted({*model.calls, (door.identity, first)})))
    assert {caller.name for caller, _ in inhibiting_edges(opened)} == {"s1"}


def test_a_cycle_through_a_gateway_counts_as_one(boutique: Model) -> None:
    ingress = boutique.gateways[-1].identity
    names = {service.name: service.identity for service in boutique.services}
    back = replace(boutique, calls=tuple(sorted({*boutique.calls, (names["catalog"], ingress)})))
    assert ingress.name == "istio-ingressgateway"
    assert (names["search"], names["catalog"]) in inhibiting_edges(boutique)
    assert (names["search"], names["catalog"]) not in inhibiting_edges(back)


@pytest.mark.parametrize("closed", [False, True])
def test_of_a_chain_of_ten_thousand_services_each_is_asked_once_whom_it_calls(closed: bool) -> None:
    asked: list[int] = []

    class Calls(dict[int, list[int]]):
        def __getitem__(self, number: int) -> list[int]:
            asked.append(number)
            return super().__getitem__(number)

        def get(self, number: int, default: object = None) -> object:
            asked.append(number)
            return super().get(number, default)

    count = 10_000
    found = components(Calls({number: [number + 1] for number in range(count)} | {count: [0] if closed else []}))
    assert sorted(asked) == list(range(count + 1))
    assert len(set(found.values())) == (1 if closed else count + 1)
