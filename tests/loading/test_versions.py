"""Declared versions: what suits them is generated, and what nothing would suit is refused."""

import re
from dataclasses import replace

import pytest

from meshscope import Mesh, Versions
from meshscope.check.judge import undeclared
from meshscope.check.report import Judged
from meshscope.findings import DefinitionError, Level
from meshscope.model.versions import numbers


@pytest.mark.parametrize(
    ("program", "version", "oldest"),
    [
        ("prometheus", "2.53.0", "3.0.0"),
        ("prometheus", "2.55.1", "3.0.0"),
        ("alertmanager", "0.28.0", "0.30.0"),
        ("otelcol", "0.140.0", "0.149.0"),
        ("otelcol", "0.99.0", "0.149.0"),
    ],
)
def test_a_version_that_would_refuse_what_is_generated_is_refused_with_the_oldest_that_would_not(
    program, version, oldest
):
    with pytest.raises(DefinitionError) as caught:
        Versions(**{program: version})
    finding = caught.value.finding
    assert (finding.code, finding.argument) == ("mesh/unsupported-version", program)
    assert finding.title == f"{program} {version} is too old: the oldest that is supported is {oldest}"
    assert finding.place is not None
    assert finding.place.path == __file__
    assert numbers(getattr(Versions(**{program: oldest}), program)) == numbers(oldest)


@pytest.mark.parametrize("version", ["", "latest", "v0.155.0", "0", "0.155.x", "0.155.0 ", "3,16"])
def test_what_is_no_version_is_refused(version):
    with pytest.raises(DefinitionError) as caught:
        Versions(otelcol=version)
    assert caught.value.finding.code == "mesh/bad-version"


def test_a_candidate_of_a_release_counts_as_the_release():
    assert Versions(prometheus="3.0.0-rc.1").prometheus == "3.0.0-rc.1"
    assert numbers("3.0.0-rc.1") == numbers("3.0.0") < numbers("3.0.1") < numbers("3.11")


def _mesh(**declared: str) -> Mesh:
    return Mesh(name="shop", provider="istio", versions=Versions(**declared))


def test_an_engine_that_is_not_of_the_declared_version_is_named_with_both_versions():
    judged = [
        Judged(name="promtool check rules", version="3.16.0", cases=()),
        Judged(name="promtool test rules", version="3.16.0", cases=()),
        Judged(name="amtool check-config", version="0.34.2", cases=()),
    ]
    [found] = undeclared(judged, _mesh(prometheus="3.5.0"))
    assert found.code == "engine/other-version"
    assert found.level is Level.NOTE
    assert re.search(r"promtool 3\.16\.0 .* prometheus 3\.5\.0", found.title)
    assert undeclared(judged, _mesh(prometheus="3.16.0", alertmanager="0.34.2")) == []


def test_one_of_several_builds_of_the_collector_may_be_the_declared_one():
    judged = [Judged(name="otelcol validate", version="0.155.0 and 0.149.0", cases=())]
    assert undeclared(judged, _mesh(otelcol="0.155.0")) == []
    assert undeclared(judged, _mesh(otelcol="0.149.0")) == []
    assert len(undeclared(judged, _mesh(otelcol="0.160.0"))) == 1


def test_an_engine_of_somebody_else_is_nobody_s_version():
    assert undeclared([Judged(name="memory", version="1.0", cases=())], _mesh()) == []


def test_versions_travel_and_compare_without_the_place_where_they_stand():
    assert replace(Versions(), place=None) == Versions()
    assert "place" not in Versions().by_program()
