"""The generated mesh: of a plausible shape, the same on every machine, and a house that loads."""

from collections import Counter
from pathlib import Path

import pytest

from bench.mesh import TEAM_SIZE, shape, write_house
from meshscope.build.graph import components
from tests.houses import House

LARGE = shape(10_000)


def test_a_mesh_is_the_same_every_time() -> None:
    assert shape(500) == shape(500)


def test_most_services_call_none_or_one_and_a_few_call_dozens() -> None:
    calls = Counter(caller for caller, _ in LARGE.calls)
    few = sum(1 for number in range(len(LARGE.services)) if calls[number] <= 1)
    many = sum(1 for count in calls.values() if count >= 24)
    assert few > 5_000
    assert 100 < many < 500
    assert max(calls.values()) >= 100


def test_a_few_services_are_called_by_dozens_and_a_few_by_nobody() -> None:
    called = Counter(callee for _, callee in LARGE.calls)
    assert max(called.values()) >= 50
    assert 10 < len(LARGE.services) - len(called) < 500


@pytest.mark.parametrize("size", [10, 50, 1_000, 10_000])
def test_services_call_each_other_in_cycles_that_stay_small(size: int) -> None:
    graph: dict[int, list[int]] = {}
    for caller, callee in shape(size).calls:
        graph.setdefault(caller, []).append(callee)
    cycles = [count for count in Counter(components(graph).values()).values() if count > 1]
    assert cycles
    assert max(cycles) <= max(5, size // 2, 1) if size < 100 else max(cycles) <= 50


def test_nobody_calls_itself() -> None:
    assert all(caller != callee for caller, callee in LARGE.calls)


def test_ten_thousand_services_have_two_hundred_owners_and_names_of_their_own() -> None:
    assert len(LARGE.teams) == 200
    assert set(Counter(node.team for node in LARGE.services).values()) == {TEAM_SIZE}
    assert len({(node.namespace, node.name) for node in LARGE.services}) == 10_000


@pytest.mark.parametrize("size", [3, 100, 1_000])
def test_a_mesh_with_two_callers_for_each_has_exactly_those(size: int) -> None:
    called = Counter(callee for _, callee in shape(size, callers=2).calls)
    assert [called[number] for number in range(size)] == [2] * size


def test_a_house_builds_without_a_finding(tmp_path: Path) -> None:
    root = tmp_path / "house"
    write_house(root, shape(60))
    result = House(root).run("build", "--strict", "-o", str(tmp_path / "tree"), status=0)
    assert "60 services" in result.stdout
    assert "120 SLOs, 2 owners" in result.stdout
