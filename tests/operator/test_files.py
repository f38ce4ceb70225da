"""The tree of plain files: laid out as its programs expect, said from where it came, and written fast."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.documents import canonical_json
from meshscope.artefacts.files import File
from meshscope.artefacts.rules import Rule, RuleFile, RuleGroup
from meshscope.artefacts.yaml import dump
from meshscope.build.heading import heading, made_from
from meshscope.build.layout import layout, rule_file
from meshscope.build.options import Options
from meshscope.build.runbooks import FOLDER, runbooks
from meshscope.findings import Place
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider

OPTIONS = Options()


@pytest.fixture(scope="module")
def files(boutique: Model, provider: MeshProvider, artefacts: Artefacts) -> dict[str, File]:
    return {file.path: file for file in layout(boutique, provider, artefacts, OPTIONS)}


def test_each_artefact_is_where_its_program_looks_for_it(files: dict[str, File], artefacts: Artefacts) -> None:
    expected = {
        "README.md",
        "prometheus/prometheus.yaml",
        "prometheus/flags",
        "alertmanager/alertmanager.yaml",
        "alertmanager/fragment.yaml",
        "alertmanager/templates/meshscope.tmpl",
        "grafana/provisioning/dashboards/boutique.yaml",
        "grafana/provisioning/datasources/boutique.yaml",
        *(f"prometheus/rules/{rules.name}.yaml" for rules in artefacts.rules),
        *(f"prometheus/tests/{test.name}.yaml" for test in artefacts.tests),
        *(f"collectors/{collector.name}.yaml" for collector in artefacts.collectors),
        *(f"grafana/dashboards/{dashboard.name}.json" for dashboard in artefacts.dashboards),
        *(f"runbooks/{FOLDER}/{name}" for name in runbooks()),
    }
    assert set(files) == expected
    assert list(files) == sorted(files)


def test_what_is_written_is_what_was_built(files: dict[str, File], artefacts: Artefacts) -> None:
    documents = {
        "prometheus/prometheus.yaml": artefacts.prometheus.document,
        "alertmanager/alertmanager.yaml": artefacts.alertmanager.document,
        **{f"collectors/{collector.name}.yaml": collector.document for collector in artefacts.collectors},
        **{f"prometheus/tests/{test.name}.yaml": test.document for test in artefacts.tests},
    }
    for path, document in documents.items():
        assert yaml.safe_load(files[path].content) == yaml.safe_load(dump(document)), path
    for dashboard in artefacts.dashboards:
        written = json.loads(files[f"grafana/dashboards/{dashboard.name}.json"].content)
        assert written == json.loads(canonical_json(dashboard.document))
    for rules in artefacts.rules:
        written = yaml.safe_load(files[f"prometheus/rules/{rules.name}.yaml"].content)
        meant = [
            {"name": group.name, "interval": group.interval, "rules": [rule.document() for rule in group.rules]}
            for group in rules.groups
        ]
        assert written == {"groups": meant}


def test_each_file_says_on_top_what_it_is_and_which_definitions_it_came_from(files: dict[str, File]) -> None:
    for path, file in files.items():
        if path.endswith(".yaml"):
            head = [line for line in file.content.decode().splitlines() if line.startswith("#")]
            assert len(head) >= 2, path
            assert "`meshscope build`" in " ".join(head), path
            assert max(map(len, head)) <= 120, path
    assert "services/payments.py" in files["alertmanager/alertmanager.yaml"].content.decode()
    assert {origin.path for origin in files["collectors/node.yaml"].origins} == {"collectors/node.py"}


def test_the_guide_names_every_folder_every_credential_and_how_prometheus_is_started(files: dict[str, File]) -> None:
    guide = files["README.md"].content.decode()
    for folder in {path.rpartition("/")[0].split("/")[0] for path in files} - {""}:
        assert f"`{folder}/" in guide
    config = files["alertmanager/alertmanager.yaml"].content.decode()
    for path in re.findall(r"_file: (\S+)", config):
        assert f"`{path}`" in guide
    assert "--config.file=prometheus/prometheus.yaml @prometheus/flags" in guide


def test_the_same_artefacts_give_the_same_bytes(boutique: Model, provider: MeshProvider, artefacts: Artefacts) -> None:
    first, second = (layout(boutique, provider, artefacts, OPTIONS) for _ in range(2))
    assert [(file.path, file.digest) for file in first] == [(file.path, file.digest) for file in second]


@pytest.mark.engines("amtool")
def test_amtool_accepts_the_tree_where_it_lies(
    files: dict[str, File], engine: Callable[[str], Path], tmp_path: Path
) -> None:
    for file in files.values():
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).write_bytes(file.content)
    config = tmp_path / "alertmanager/alertmanager.yaml"
    answer = subprocess.run([engine("amtool"), "check-config", config], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout
    assert "1 templates" in answer.stdout


def constants(count: int) -> RuleFile:
    rules = tuple(
        Rule(
            record="service:info",
            expr="vector(1)",
            labels={"cluster": "eu-1", "namespace": "shop", "service": f"s{number}", "owner": "payments", "tier": "1"},
            origin=Place("services/payments.py", 12),
        )
        for number in range(count)
    )
    group = RuleGroup(name="static:000", interval="2m", rules=rules, static=True)
    return RuleFile(name="objectives", about="Constants.", groups=(group,))


def test_sixty_thousand_constants_are_written_one_a_line() -> None:
    written = rule_file(constants(60_000))
    lines = written.content.decode().splitlines()
    assert len([line for line in lines if line.startswith('      - {"record": "service:info"')]) == 60_000


def test_an_expression_keeps_its_lines_and_what_a_block_cannot_hold_is_quoted() -> None:
    expressions = [
        "  sum(a)\nor\n  b",
        "up == 0",
        'label_replace(a, "x", "\t", "y", "(.*)")',
        "a\n\nor b",
        "a # trailing \nor b",
        "b\n",
        'a{x="\u0007"}',
    ]
    rules = tuple(Rule(record=f"r:{number}", expr=expr) for number, expr in enumerate(expressions))
    group = RuleGroup(name="g", interval="30s", rules=rules)
    text = rule_file(RuleFile(name="f", about="Odd ones.", groups=(group,))).content.decode()
    assert [rule["expr"] for rule in yaml.safe_load(text)["groups"][0]["rules"]] == expressions
    assert "        expr: |-\n          up == 0\n" in text


def test_many_definitions_are_named_in_part_and_the_rest_counted() -> None:
    places = [Place(f"services/team{number:03d}.py", number + 1) for number in range(200)]
    said = made_from([*places, None])
    assert "services/team000.py, services/team001.py, services/team002.py, services/team003.py and 196 more" in said
    assert made_from([]).startswith("Made by `meshscope build`;")


def test_a_heading_keeps_paragraphs_and_what_is_indented() -> None:
    text = heading("What it is.\n\nIt needs:\n  one thing: " + "and that is explained " * 8, ())
    lines = text.splitlines()
    assert lines[:3] == ["# What it is.", "#", "# It needs:"]
    assert lines[3].startswith("#   one thing: and")
    assert lines[4].startswith("#     ")
    assert all(line.startswith("#") and len(line) <= 118 for line in lines)
