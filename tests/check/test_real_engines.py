"""The port of engines: one suite for the twin in memory and for each real program, and how complaints come home."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from meshscope.adapters.engines.amtool import Amtool
from meshscope.adapters.engines.otelcol import Otelcol
from meshscope.adapters.engines.program import version_of
from meshscope.adapters.engines.promtool import PromtoolConfig, PromtoolRules, PromtoolTests
from meshscope.adapters.memory.engine import MemoryEngine
from meshscope.artefacts.artefacts import Artefacts
from meshscope.build.layout import layout
from meshscope.build.options import Options
from meshscope.check.engine import MINIMUM, Complaint, Engine
from meshscope.check.judge import by_engines
from meshscope.check.origins import Origins
from meshscope.findings import Finding, MeshscopeError
from meshscope.wiring.assembly import Assembly, assembled
from meshscope.wiring.engines import at_least
from tests.houses import small

ROOT = Path(__file__).parents[2]
Find = Callable[[str], Path]

RULES = "groups: [{name: g, rules: [{record: a:b:c, expr: 'sum by (a) (b)'}]}]\n"
RULE_TEST = """\
rule_files: [../rules/own.yaml]
tests:
  - name: it is recorded
    input_series: [{series: 'b{a="x"}', values: 1+0x5}]
    promql_expr_test: [{expr: 'a:b:c', eval_time: 2m, exp_samples: [{labels: 'a:b:c{a="x"}', value: 1}]}]
"""
ROUTES = "route: {receiver: people}\nreceivers: [{name: people}]\n"
TIER = """\
receivers: {otlp: {protocols: {grpc: {endpoint: "${env:MY_POD_IP}:4317"}}}}
exporters: {debug: {}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}
"""


@dataclass(frozen=True)
class Bench:
    """An engine, a tree that it accepts, the file that it judges, and how to spoil that file."""

    engine: Engine
    tree: Mapping[str, str]
    path: str
    spoil: tuple[str, str]


def benches(name: str, find: Find) -> Bench:
    """The bench of an engine by its name."""
    rules = {"prometheus/rules/own.yaml": RULES}
    tests = {**rules, "prometheus/tests/own.yaml": RULE_TEST}
    match name:
        case "memory":
            engine: Engine = MemoryEngine(prefix="notes/", refused={"wrong": "it is wrong"})
            return Bench(engine, {"notes/a.txt": "right\n"}, "notes/a.txt", ("right", "wrong"))
        case "promtool check rules":
            engine = PromtoolRules(program=find("promtool"), version=version_of(find("promtool")))
            return Bench(engine, rules, "prometheus/rules/own.yaml", ("sum by (a) (b)", "sum by (a) ("))
        case "promtool test rules":
            engine = PromtoolTests(program=find("promtool"), version=version_of(find("promtool")))
            return Bench(engine, tests, "prometheus/tests/own.yaml", ("value: 1}", "value: 2}"))
        case "promtool check config":
            engine = PromtoolConfig(program=find("promtool"), version=version_of(find("promtool")))
            path = "prometheus/prometheus.yaml"
            return Bench(engine, {path: "global: {scrape_interval: 15s}\n"}, path, ("15s", "often"))
        case "amtool check-config":
            engine = Amtool(program=find("amtool"), version=version_of(find("amtool")))
            path = "alertmanager/alertmanager.yaml"
            return Bench(engine, {path: ROUTES}, path, ("{name: people}", "{name: nobody}"))
    engine = Otelcol(programs=(find("otelcol"),), version=version_of(find("otelcol")))
    return Bench(engine, {"collectors/gateway.yaml": TIER}, "collectors/gateway.yaml", ("grpc", "grcp"))


NAMES = (
    "memory",
    "promtool check rules",
    "promtool test rules",
    "promtool check config",
    "amtool check-config",
    "otelcol validate",
)


@pytest.fixture(params=NAMES)
def bench(request: pytest.FixtureRequest, engine: Find) -> Bench:
    return benches(request.param, engine)


def put(folder: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_an_engine_says_who_it_is(bench: Bench) -> None:
    assert bench.engine.name in NAMES
    assert bench.engine.version[0].isdigit()


def test_an_engine_judges_its_own_files_and_no_others(bench: Bench) -> None:
    assert bench.engine.judges(bench.path)
    for path in ("README.md", "manifest.json", "model.json", "grafana/dashboards/slo.json"):
        assert not bench.engine.judges(path)


def test_an_engine_has_a_case_and_no_complaint_for_what_is_right(bench: Bench, tmp_path: Path) -> None:
    verdict = bench.engine.judge(put(tmp_path, bench.tree), [bench.path])
    assert verdict.complaints == ()
    assert verdict.passed_over == ()
    assert {case.path for case in verdict.cases} == {bench.path}
    assert all(not case.failed for case in verdict.cases)


def test_an_engine_complains_of_the_file_that_is_wrong_and_leaves_it_alone(bench: Bench, tmp_path: Path) -> None:
    folder = put(tmp_path, bench.tree)
    spoilt = bench.tree[bench.path].replace(*bench.spoil)
    assert spoilt != bench.tree[bench.path]
    (folder / bench.path).write_text(spoilt)
    verdict = bench.engine.judge(folder, [bench.path])
    assert {complaint.path for complaint in verdict.complaints} == {bench.path}
    assert all(complaint.message.strip() for complaint in verdict.complaints)
    assert [case.path for case in verdict.cases if case.failed] == [bench.path]
    assert (folder / bench.path).read_text() == spoilt
    assert bench.engine.judge(folder, [bench.path]) == verdict, "the same file is judged alike"


def test_a_file_that_is_no_yaml_is_a_complaint_too(bench: Bench, tmp_path: Path) -> None:
    if bench.engine.name == "memory":
        return
    folder = put(tmp_path, {**bench.tree, bench.path: "a: [\n"})
    verdict = bench.engine.judge(folder, [bench.path])
    assert {complaint.path for complaint in verdict.complaints} == {bench.path}


def test_a_program_that_can_not_be_run_is_said_to_be_broken(tmp_path: Path) -> None:
    gone = Amtool(program=tmp_path / "amtool", version="0.34.2")
    with pytest.raises(MeshscopeError) as raised:
        gone.judge(tmp_path, ["alertmanager/alertmanager.yaml"])
    assert raised.value.finding.code == "engine/broken"


@pytest.mark.engines("otelcol")
def test_what_no_build_of_the_collector_knows_is_passed_over_by_name(engine: Find, tmp_path: Path) -> None:
    text = TIER.replace("receivers: {", "receivers: {made_up: {}, ").replace("[otlp]", "[otlp, made_up]")
    otelcol = Otelcol(programs=(engine("otelcol"),), version="0.155.0")
    verdict = otelcol.judge(put(tmp_path, {"collectors/node.yaml": text}), ["collectors/node.yaml"])
    assert verdict.complaints == ()
    assert verdict.passed_over == ("receivers/made_up in collectors/node.yaml",)


@pytest.mark.engines("otelcol", "otelcol-logs")
def test_what_one_build_lacks_is_judged_by_the_other(engine: Find, tmp_path: Path) -> None:
    text = TIER.replace("receivers: {", "receivers: {file_log: {include: [/var/log/x], operators: 7}, ")
    logs = "logs: {receivers: [file_log], exporters: [debug]}, "
    text = text.replace("pipelines: {", "pipelines: {" + logs)
    folder = put(tmp_path, {"collectors/node.yaml": text})
    alone = Otelcol(programs=(engine("otelcol"),), version="")
    assert alone.judge(folder, ["collectors/node.yaml"]).complaints == ()
    both = Otelcol(programs=(engine("otelcol"), engine("otelcol-logs")), version="")
    verdict = both.judge(folder, ["collectors/node.yaml"])
    assert verdict.passed_over == ()
    assert ["operators" in complaint.message for complaint in verdict.complaints] == [True]


ALERT = '''\
from meshscope import AnyService, Condition, Severity, alert, minutes, percent


@alert(severity=Severity.TICKET, pending=5 * minutes)
def many_failures(service: AnyService) -> Condition:
    """One request in a hundred fails."""
    return service.failure_ratio > 1 * percent
'''


def said_of(made: Assembly, artefacts: Artefacts, engine: Engine, folder: Path) -> list[Finding]:
    """What an engine says of other artefacts in place of those that were built."""
    assert made.house.model is not None
    assert made.provider is not None
    files = layout(made.house.model, made.provider, artefacts, Options())
    put(folder, {file.path: file.content.decode() for file in files})
    paths = [file.path for file in files]
    return by_engines(folder, paths, [engine], Origins(made.house.model, artefacts, files), lambda _: None)[0]


@pytest.fixture
def made(tmp_path: Path) -> Assembly:
    return assembled(small(tmp_path / "house", alerts__many=ALERT).root, None, Options())


@pytest.mark.engines("promtool")
def test_a_complaint_about_a_rule_comes_back_to_the_line_of_its_alert(
    made: Assembly, engine: Find, tmp_path: Path
) -> None:
    assert made.built is not None
    spoilt = tuple(
        replace(
            file,
            groups=tuple(
                replace(
                    group,
                    rules=tuple(
                        replace(rule, expr="sum(") if rule.alert == "ManyFailures" else rule for rule in group.rules
                    ),
                )
                for group in file.groups
            ),
        )
        for file in made.built.artefacts.rules
    )
    promtool = PromtoolRules(program=engine("promtool"), version="3")
    (finding,) = said_of(made, replace(made.built.artefacts, rules=spoilt), promtool, tmp_path / "tree")
    assert str(finding.place) == "alerts/many.py:4"
    assert finding.title.startswith("`promtool check rules` refuses prometheus/rules/alerts.yaml:")
    assert finding.why.startswith("could not parse expression: ")


@pytest.mark.engines("promtool")
def test_a_unit_test_that_fails_comes_back_to_the_line_of_its_alert(
    made: Assembly, engine: Find, tmp_path: Path
) -> None:
    assert made.built is not None
    tamed = tuple(
        replace(
            file,
            groups=tuple(
                replace(
                    group,
                    rules=tuple(
                        replace(rule, pending="3h") if rule.alert == "ManyFailures" else rule for rule in group.rules
                    ),
                )
                for group in file.groups
            ),
        )
        for file in made.built.artefacts.rules
    )
    promtool = PromtoolTests(program=engine("promtool"), version="3")
    found = said_of(made, replace(made.built.artefacts, rules=tamed), promtool, tmp_path / "tree")
    assert found, "an alert that waits three hours doesn't fire when it should"
    assert {str(finding.place) for finding in found} == {"alerts/many.py:4"}
    assert all("refuses unit test `" in finding.title for finding in found)
    assert all("exp:[" in finding.why for finding in found)


def test_the_versions_that_are_asked_for_are_those_that_the_recipes_pin() -> None:
    pins = tomllib.loads((ROOT / "engines" / "versions.toml").read_text())["engines"]
    programs = {
        program: pins[recipe.parent.name]["minimum"]
        for recipe in (ROOT / "engines").glob("*/recipe.toml")
        for program in tomllib.loads(recipe.read_text())["programs"]
    }
    wanted = {name: MINIMUM[name] for name in MINIMUM if name in programs}
    assert wanted == {name: programs[name] for name in wanted}
    assert set(MINIMUM) <= set(programs)


@pytest.mark.parametrize(
    ("version", "minimum", "fits"),
    [
        ("3.0.0", "3.0.0", True),
        ("3.16.0", "3.2.0", True),
        ("2.53.1", "3.0.0", False),
        ("0.34.0", "0.34.0", True),
        ("0.9.9", "0.34.0", False),
        ("3.0.0-rc.1", "3.0.0", True),
        ("", "3.0.0", False),
        ("4", "3.0.0", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, minimum: str, fits: bool) -> None:
    assert at_least(version, minimum) is fits


@pytest.mark.parametrize(
    ("complaint", "place"),
    [
        (Complaint(path="alertmanager/alertmanager.yaml", message='undefined receiver "payments-page" used in route'),
         "services/people.py:5"),
        (Complaint(path="alertmanager/alertmanager.yaml", message="no route provided in config"),
         "services/people.py:5"),
        (Complaint(path="prometheus/rules/alerts.yaml", message="2 duplicate rules found. Metric: ManyFailures"),
         "alerts/many.py:4"),
        (Complaint(path="prometheus/rules/slo.yaml", message="a word that means nothing"), "mesh.py:6"),
        (Complaint(path="prometheus/tests/many_failures.yaml", case="it fires", message="exp: got:"),
         "alerts/many.py:4"),
    ],
)  # fmt: skip
def test_a_complaint_without_a_rules_number_comes_back_by_the_names_in_it(
    complaint: Complaint, place: str, made: Assembly
) -> None:
    assert made.built is not None
    assert made.house.model is not None
    origins = Origins(made.house.model, made.built.artefacts, made.built.files)
    assert str(origins.of(complaint)) == place
