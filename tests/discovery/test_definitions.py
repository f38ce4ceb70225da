"""Whatever a store answers: the definitions are safe, laid out, and read back as what was meant."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from meshscope.adapters.memory.metric_store import Counter, MemoryMetricStore
from meshscope.artefacts.files import File
from meshscope.build.discovery.interpret import Discovered, interpret
from meshscope.build.discovery.names import identifier, identifiers, is_host, is_name, labels_of_hosts, shown
from meshscope.build.discovery.survey import survey
from meshscope.build.discovery.write import definitions
from meshscope.findings import MeshscopeError
from meshscope.model.model import Definitions, resolve
from meshscope.model.services import Calls
from meshscope.wiring.assembly import providers
from meshscope.wiring.load import load
from tests.discovery.world import BUCKET, REQUESTS, World

names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?", fullmatch=True) | st.sampled_from(
    (
        *("import", "class", "2fa", "mesh", "calls", "owner", "days", "availability", "latency-250ms", "outside"),
        *(
            "services",
            "n" * 63,
            "9" * 63,
            "match",
            "print",
            "a-b",
            "n2fa",
            "self",
            "kill-instance",
            "none",
            "true",
            "l",
        ),
    )
)
hosts = st.from_regex(r"([a-z0-9]{1,8}\.){1,3}[a-z]{2,5}", fullmatch=True)
anything = st.text(max_size=80) | st.sampled_from(
    [
        '"',
        "'",
        "\\",
        "a\nb",
        '"""',
        "${x}",
        "{{x}}",
        "#",
        "../up",
        "/abs",
        "x" * 300,
        "__init__",
        "mesh.py",
        "é",
        "\u202e",
        "",
    ]
)
clusters = st.sampled_from(["", "eu-1", "eu-2", "arn:aws:eks:eu-1:1:cluster/a", 'a"b'])


@st.composite
def counters(draw: st.DrawFn, services: st.SearchStrategy[str], namespaces: st.SearchStrategy[str]) -> list[Counter]:
    """Requests of services, told by either side, of which some fail; histograms beside some of them."""
    pool = draw(st.lists(st.tuples(namespaces, services), min_size=1, max_size=8))
    found: list[Counter] = []
    for _ in range(draw(st.integers(1, 20))):
        caller, callee = draw(st.sampled_from(pool)), draw(st.sampled_from(pool))
        labels = {
            "cluster": draw(clusters),
            "reporter": draw(st.sampled_from(["source", "destination", "waypoint"])),
            "source_workload_namespace": caller[0],
            "source_canonical_service": caller[1],
            "destination_service_namespace": callee[0],
            "destination_service_name": draw(st.just(callee[1]) | hosts),
            "destination_workload_namespace": callee[0],
            "destination_canonical_service": callee[1],
            "destination_workload": draw(st.just(callee[1]) | services),
            "request_protocol": draw(st.sampled_from(["http", "grpc"])),
            "response_code": draw(st.sampled_from(["200", "503"])),
            "pod": draw(st.sampled_from(["a", "b", ""])),
        }
        rate, until = draw(st.sampled_from([0.0, 0.0003, 0.004, 0.7, 12.0])), draw(st.sampled_from([0.0, 7200.0]))
        found.append(Counter(metric=REQUESTS, labels=labels, rate=rate, until=until))
        bounds = draw(st.lists(st.sampled_from(["50", "100.0", "1000", "2500.0", "+Inf"]), unique=True))
        found += [Counter(metric=BUCKET, labels={**labels, "le": le}, rate=rate, until=until) for le in bounds]
    return found


def discovered(found: Sequence[Counter]) -> Discovered:
    istio = providers()["istio"]
    return interpret(survey(MemoryMetricStore(counters=found), (istio,), lambda _: None), "acme")


def attempted(found: Sequence[Counter]) -> Discovered | None:
    """What is found, or None where nothing can be."""
    refused = ""
    try:
        return discovered(found)
    except MeshscopeError as error:
        refused = error.finding.code
    assert refused in ("discover/no-service", "discover/stale")
    return None


def written(files: Sequence[File], root: Path) -> None:
    for file in files:
        path = root / file.path
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(file.content)


def ruff(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "."]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return "" if ended.returncode == 0 else ended.stdout + ended.stderr


# Everything that a definition file may consist of; no name is looked up, nothing is called but our own words.
_NODES = (
    ast.Module, ast.Expr, ast.Constant, ast.ImportFrom, ast.alias, ast.Assign, ast.AnnAssign, ast.Name, ast.Load,
    ast.Store, ast.BinOp, ast.BitOr, ast.Mult, ast.Call, ast.keyword, ast.Attribute, ast.Tuple, ast.Dict,
)  # fmt: skip
_CALLED = {"Mesh", "Calls", "Owner", "Service", "Gateway", "External", "SLO", "Availability", "Latency"}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(counters(anything | names, anything | names))
def test_no_label_becomes_code_or_a_path(found: list[Counter]) -> None:
    meant = attempted(found)
    files = definitions(meant) if meant else ()
    for file in files:
        assert re.fullmatch(r"mesh\.py|services/[a-z][a-z0-9_]*\.py", file.path)
        for node in ast.walk(ast.parse(file.content)):
            assert isinstance(node, _NODES), ast.dump(node)
            if isinstance(node, ast.Call):
                assert isinstance(node.func, ast.Name)
                assert node.func.id in _CALLED
            if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
                assert re.fullmatch(r"[\w.:/@-]+|", str(node.value.value), re.ASCII)
    assert len({file.path for file in files}) == len(files)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(counters(names, names))
def test_what_is_written_is_laid_out_and_reads_back_as_what_was_meant(found: list[Counter]) -> None:
    meant = attempted(found)
    assume(meant is not None)
    assert meant is not None
    with TemporaryDirectory() as folder:
        written(definitions(meant), Path(folder))
        assert ruff(Path(folder), "format", "--check", "--diff") == ""
        assert ruff(Path(folder), "check", "--select", "A,E4,E7,E9,F,I,N,PIE,W") == ""
        house = load(Path(folder))
    assert house.findings == ()
    edges: dict[object, tuple[object, ...]] = {}
    for caller, callee in meant.calls:
        edges[caller] = (*edges.get(caller, ()), callee)
    expected, wrong = resolve(
        Definitions(
            meshes=(meant.mesh,),
            services=meant.services,
            gateways=meant.gateways,
            externals=meant.externals,
            calls=(Calls(edges),),  # type: ignore[arg-type]
        ),
        None,
    )
    assert wrong == []
    assert house.model == expected


@settings(max_examples=50, deadline=None)
@given(counters(anything | names, names), st.randoms())
def test_the_order_of_answers_changes_nothing(found: list[Counter], random: object) -> None:
    meant = attempted(found)
    assume(meant is not None)
    assert meant is not None
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert definitions(discovered(shuffled)) == definitions(meant)


@given(st.lists(names, max_size=20), st.sets(st.sampled_from(["api", "n2fa", "class_"])))
def test_each_name_gets_an_identifier_of_its_own(some: list[str], reserved: set[str]) -> None:
    given_ = identifiers(some, reserved)
    assert set(given_) == set(some)
    assert len(set(given_.values())) == len(given_)
    assert not set(given_.values()) & reserved
    for word in given_.values():
        assert word.isidentifier()
        assert not word.startswith("_")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("checkout", "checkout"),
        ("card-processor", "card_processor"),
        ("2fa", "n2fa"),
        ("class", "class_"),
        ("match", "match_"),
        ("list", "list_"),
        ("days", "days_"),
        ("mesh", "mesh_"),
        ("latency-250ms", "latency_250ms_"),
        ("availability-99", "availability_99_"),
        ("latency-probe", "latency_probe"),
    ],
)
def test_an_identifier_is_the_name_as_far_as_python_can_say_it(name: str, word: str) -> None:
    assert identifier(name) == word


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a.b", "a" * 64, "a\n", "é", "a b", "../a", 'a"'])
def test_what_kubernetes_would_refuse_is_no_name(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("name", ["*.example", "a..b", ".a", "a.", "a b.c", 'a".b', "a.b\n", "x" * 250 + ".com"])
def test_what_no_resolver_knows_is_no_host(name: str) -> None:
    assert not is_host(name)


@given(st.lists(hosts | st.just("a" * 60 + ".example") | st.just("a" * 60 + ".examples"), max_size=12))
def test_each_host_gets_a_valid_name_of_its_own(some: list[str]) -> None:
    labels = labels_of_hosts(some)
    assert len(set(labels.values())) == len(set(some))
    assert all(is_name(label) for label in labels.values())


@given(st.text())
def test_what_is_shown_is_one_short_line_that_steers_no_terminal(value: str) -> None:
    assert len(shown(value)) <= 61
    assert shown(value).isprintable()


def test_imports_are_sorted_as_sorters_have_it(tmp_path: Path) -> None:
    awkward = [
        "team-2",
        "team-10",
        "team-02",
        "team-010",
        "team-1a",
        "team-1-a",
        "team",
        "0a",
        "00",
        "0aq",
        "9",
        "t-9-b",
    ]
    pairs = [(caller, callee) for caller in awkward for callee in awkward]
    calls = [
        Counter(
            metric=REQUESTS,
            labels={
                "reporter": reporter,
                "source_workload_namespace": caller,
                "source_canonical_service": "api",
                "destination_service_namespace": callee,
                "destination_service_name": "api",
            },
        )
        for caller, callee in pairs
        for reporter in ("source", "destination")
    ]
    written(definitions(discovered(calls)), tmp_path)
    assert ruff(tmp_path, "check", "--select", "I") == ""
    assert ruff(tmp_path, "format", "--check", "--diff") == ""


def test_the_same_answers_give_the_same_bytes(the_world: World) -> None:
    assert definitions(discovered(the_world.counters)) == definitions(discovered(list(reversed(the_world.counters))))
