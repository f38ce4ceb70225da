"""Rule files, PrometheusRules and unit tests in YAML: taken as Go reads them, each with its line."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshscope.adapters.engines.promtool import PromtoolRules, PromtoolTests
from meshscope.adapters.engines.proved import proved_at
from meshscope.build.options import Options
from meshscope.check.engine import Engine
from meshscope.check.judge import by_engines
from meshscope.check.origins import Origins
from meshscope.check.report import Judged
from meshscope.findings import Finding, Level, Place
from meshscope.wiring.assembly import assembled
from meshscope.wiring.checking import judged
from meshscope.wiring.load import load
from meshscope.wiring.rules import rules
from tests.houses import small

RULES = """\
# Rules of team disks.
groups:
  - name: disks
    limit: 10
    labels: {team: infra}
    rules:
      - alert: DiskFull
        expr: |
          disk_free_ratio
            < 0.1
        for: 10m
        labels: {severity: page, owner: payments, on: yes, version: 1.10, octal: 0777, none: ~}
        annotations:
          summary: "{{ $labels.instance }} is full"
      # meshscope: allow rule/unowned until 2027-01-31 theirs for now
      - alert: DiskFull
        expr: disk_free_ratio < 0.05
        keep_firing_for: 5m
        labels: {severity: page}
  - name: disks.rules
    interval: 30s
    query_offset: 1m
    rules:
      - {record: "job:up:sum", expr: sum by (job) (up)}
"""
TESTS = """\
rule_files:
  - rules/disks.yml

evaluation_interval: 1m
tests:
  - name: a full disk
    interval: 1m
    input_series:
      - {series: 'disk_free_ratio{instance="a"}', values: 0.07x30}
    alert_rule_test:
      - eval_time: 15m
        alertname: DiskFull
        exp_alerts:
          - exp_labels: {severity: page, owner: payments, on: yes, version: 1.10, octal: 0777, instance: a, team: infra}
            exp_annotations: {summary: "a is full"}
    promql_expr_test:
      - {expr: job:up:sum, eval_time: 1m, exp_samples: []}
"""
FILES = {"alerts/rules/disks.yml": RULES, "alerts/disks_test.yml": TESTS}
OBJECT = """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {{name: {name}, labels: {{release: prometheus}}}}
spec:
  groups:
    - name: {name}
      rules:
        - alert: {name}
          expr: up == 0
          labels: {{severity: page, owner: payments}}
"""


def said(folder: Path) -> list[Finding]:
    """What the rules of the check find in the house."""
    made = assembled(folder, None, Options())
    found = judged(made, rules()[0], list(made.findings), date(2026, 12, 1))[0]
    return [one for one in found if one.code != "mesh/placeholder"]


def told(folder: Path) -> list[tuple[str, str]]:
    """The codes of what is wrong with the definitions, each with its place."""
    return [(one.code, str(one.place)) for one in load(folder).findings]


def texts(path: Path) -> Any:
    """A YAML file with every scalar as it is written, by a reader that types nothing."""
    return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)


def test_rules_are_built_as_they_are_written_groups_without_interval_too(tmp_path: Path) -> None:
    house = small(tmp_path).write(FILES)
    house.run("build", "--emit", "files", status=0)
    made, wanted = texts(tmp_path / "build/mesh/prometheus/rules/carried-disks.yaml"), yaml.load(RULES, yaml.BaseLoader)
    first = wanted["groups"][0]["rules"][0]
    # The end of a block is no part of an expression, and Go reads null into a text as nothing.
    first["expr"] = first["expr"].rstrip("\n")
    first["labels"]["none"] = ""
    assert made == wanted
    assert "interval" not in made["groups"][0]


def test_the_operators_object_holds_the_same_and_nothing_of_ours(tmp_path: Path) -> None:
    house = small(tmp_path).write(FILES)
    house.write({"mesh.py": (tmp_path / "mesh.py").read_text().replace('"istio"', '"opentelemetry"')})
    house.run("build", "--emit", "operator", "-o", "objects", status=0)
    house.run("build", "--emit", "files", status=0)
    made = texts(tmp_path / "objects/objects/rules/shop-carried-disks.yaml")
    assert made["kind"] == "PrometheusRule"
    assert made["spec"] == texts(tmp_path / "build/mesh/prometheus/rules/carried-disks.yaml")


def test_each_rule_knows_its_own_lines_two_of_one_name_too(tmp_path: Path) -> None:
    small(tmp_path).write(FILES)
    model = load(tmp_path).model
    assert model is not None
    [own] = model.foreign
    places = [own.places[0, 0], own.places[0, 1], own.places[1, 0]]
    assert [(place.path, place.line, place.end_line) for place in places] == [
        ("alerts/rules/disks.yml", 7, 14),
        ("alerts/rules/disks.yml", 16, 19),
        ("alerts/rules/disks.yml", 24, 24),
    ]


def test_a_comment_in_the_file_allows_what_is_said_of_the_rule_below_it(tmp_path: Path) -> None:
    small(tmp_path).write(FILES)
    about = {"rule/unowned", "suppression/unused"}
    assert [one.code for one in said(tmp_path) if one.code in about] == []
    (tmp_path / "alerts/rules/disks.yml").write_text(RULES.replace("rule/unowned", "rule/unknown-severity"))
    assert {one.code for one in said(tmp_path) if one.code in about} == about


def asked(folder: Path, engine: Engine) -> tuple[list[Finding], Judged]:
    """What a real program says of what is carried in the built house, and all that it looked at."""
    made = assembled(folder, None, Options())
    assert made.built is not None, made.findings
    model = made.house.model
    assert model is not None
    files = [file for file in made.built.files if "/carried-" in file.path]
    for file in files:
        (folder / "tree" / file.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "tree" / file.path).write_bytes(file.content)
    origins = Origins(model, made.built.artefacts, made.built.files)
    paths = [file.path for file in files]
    found, [judgement], _ = by_engines(folder / "tree", paths, [engine], origins, lambda _: None)
    return found, judgement


@pytest.mark.engines("promtool")
def test_their_unit_tests_run_and_one_that_fails_is_a_finding_at_its_file(
    tmp_path: Path, engine: Callable[[str], Path]
) -> None:
    promtool = PromtoolTests(program=engine("promtool"), version="")
    house = small(tmp_path).write(FILES)
    found, judgement = asked(tmp_path, promtool)
    assert found == []
    assert [case.name for case in judgement.cases] == ["a full disk"]
    house.write({"alerts/disks_test.yml": TESTS.replace("a is full", "b is full")})
    [finding], _ = asked(tmp_path, promtool)
    assert (finding.code, str(finding.place)) == ("engine/promtool", "alerts/disks_test.yml:1")
    assert "unit test `a full disk`" in finding.title


@pytest.mark.engines("promtool")
def test_what_promtool_only_lints_is_a_warning_at_the_rule(tmp_path: Path, engine: Callable[[str], Path]) -> None:
    twice = RULES + '      - {record: "job:up:sum", expr: sum by (job) (up)}\n'
    small(tmp_path).write({"alerts/rules/disks.yml": twice})
    [finding], judgement = asked(tmp_path, PromtoolRules(program=engine("promtool"), version=""))
    assert (finding.code, finding.level) == ("engine/promtool-lint", Level.WARNING)
    assert str(finding.place) == "alerts/rules/disks.yml:24"
    assert "duplicate rule(s)" in finding.why
    assert judgement.failed == ()


@pytest.mark.engines("promtool")
def test_what_promtool_refuses_is_an_error_at_the_rule(tmp_path: Path, engine: Callable[[str], Path]) -> None:
    small(tmp_path).write({"alerts/rules/disks.yml": RULES.replace("sum by (job) (up)", '"sum("')})
    [finding], _ = asked(tmp_path, PromtoolRules(program=engine("promtool"), version=""))
    assert (finding.code, finding.level) == ("engine/promtool", Level.ERROR)
    assert str(finding.place) == "alerts/rules/disks.yml:24"


def test_unit_tests_of_rules_that_are_not_carried_are_an_error(tmp_path: Path) -> None:
    small(tmp_path).write({"alerts/disks_test.yml": TESTS})
    assert told(tmp_path) == [("rule/untested", "alerts/disks_test.yml:1")]


def test_objects_are_taken_alone_in_streams_in_lists_and_in_configmaps(tmp_path: Path) -> None:
    def inside(text: str, indent: str) -> str:
        return text.replace("\n", f"\n{indent}").rstrip()

    several = "---\n" + OBJECT.format(name="first") + "---\n# nothing\n---\n" + OBJECT.format(name="second")
    listed = f"apiVersion: v1\nkind: List\nitems:\n  - {inside(OBJECT.format(name='third'), '    ')}\n"
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  fourth.rules: |\n    "
    config += inside(RULES, "    ") + "\n"
    small(tmp_path).write({"alerts/a.yaml": several, "dashboards/b.yml": listed, "services/c.yaml": config})
    house = load(tmp_path)
    assert house.findings == ()
    assert house.model is not None
    where = {one.name: one.places[0, 0] for one in house.model.foreign}
    assert {name: (place.path, place.line) for name, place in where.items()} == {
        "carried-first": ("alerts/a.yaml", 9), "carried-second": ("alerts/a.yaml", 22),
        "carried-third": ("dashboards/b.yml", 11), "carried-fourth": ("services/c.yaml", 12)}  # fmt: skip


def test_equal_names_in_different_folders_are_two_rule_files(tmp_path: Path) -> None:
    small(tmp_path).write({"alerts/a/x.yaml": RULES, "alerts/b/x.yaml": RULES, "alerts/slo.yaml": RULES})
    model = load(tmp_path).model
    assert model is not None
    assert [one.name for one in model.foreign] == ["carried-a-x", "carried-b-x", "carried-slo"]


HELM = "groups:\n  - name: x\n    rules:\n      - alert: A\n        expr: up < {{ .Values.least }}\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (HELM, "load/helm-template", 5),
        ('{{- include "x.labels" . }}\nkind: PrometheusRule\n', "load/helm-template", 1),
        ("groups:\n\t- name: x\n", "yaml/no-yaml", 2),
        ("groups: []\ngroups: []\n", "yaml/no-yaml", 2),
        ("a: &a [*a]\n", "yaml/no-yaml", 1),
        (BOMB, "yaml/no-yaml", 1),
        ("groups:\n  - {name: x, rules: [{alert: A}]}\n", "rule/no-groups", 1),
        ("groups:\n  - name: x\n    intervall: 1m\n    rules: []\n", "rule/unknown-key", 3),
        ("groups:\n  - name: x\n    rules:\n      - {record: 'a:b', expr: up, four: 1m}\n", "rule/unknown-key", 4),
        ("apiVersion: v1\nkind: Secret\ndata: {}\n", "load/not-taken", 1),
        ("apiVersion: 1\ngroups: [{orgId: 1, name: x, folder: y, rules: []}]\n", "load/not-taken", 1),
        ("- a\n- b\n", "load/not-taken", 1),
        ("apiVersion: v1\nkind: ConfigMap\ndata:\n  x.txt: hello\n", "load/not-taken", 4),
        ("apiVersion: v1\nkind: ConfigMap\ndata:\n  ok: 1\n  x.yaml: 'a: ['\n", "yaml/no-yaml", 5),
    ],
)
def test_what_is_no_rule_is_said_at_its_line(text: str, code: str, line: int, tmp_path: Path) -> None:
    small(tmp_path).write({"alerts/x.yaml": text})
    assert (code, f"alerts/x.yaml:{line}") in told(tmp_path)


def test_a_file_that_is_no_utf_8_is_said(tmp_path: Path) -> None:
    small(tmp_path).write({"alerts/x.yaml": ""})
    (tmp_path / "alerts/x.yaml").write_bytes(b"groups: [\xff]\n")
    assert told(tmp_path) == [("load/unreadable", "alerts/x.yaml:1")]


def test_annotations_of_prometheus_are_no_template_of_helm(tmp_path: Path) -> None:
    text = RULES.replace("is full", '{{ with query "up" }}{{ . | first | value | humanize }}{{ end }} {{ $value }}')
    small(tmp_path).write({"alerts/rules/disks.yml": text.replace('"{{ $l', "'{{ $l").replace('}}"\n', "}}'\n")})
    assert told(tmp_path) == []


def test_a_template_in_another_object_leaves_the_rules_beside_it(tmp_path: Path) -> None:
    message = '{{ define "x" }}{{ template "y" . }}{{ end }}'
    other = f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{a.tmpl: '{message}'}}\n"
    helm = '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Values.a }}"}\n'
    small(tmp_path).write({"alerts/a.yaml": OBJECT.format(name="first") + other + helm})
    house = load(tmp_path)
    assert [(one.code, one.place and one.place.line) for one in house.findings] == [
        ("load/not-taken", 15), ("load/helm-template", 19)]  # fmt: skip
    assert house.model is not None
    assert [one.name for one in house.model.foreign] == ["carried-first"]


@pytest.mark.parametrize("said", ["!!bool maybe", "!!int ''", "2024-13-45", "!!timestamp x", "!vault x", "!!set [a]"])
def test_a_value_that_its_tag_does_not_fit_is_no_fault(said: str, tmp_path: Path) -> None:
    text = RULES.replace("version: 1.10", f"version: {said}")
    tests = f"rule_files: [x.yaml]\ntests: []\nfuzzy_compare: {said}\n"
    small(tmp_path).write({"alerts/x.yaml": text, "alerts/x_test.yaml": tests})
    assert load(tmp_path).model is not None
    assert proved_at(tmp_path, "1", tmp_path / "alerts/x_test.yaml") is not None


def test_whatever_is_not_read_is_said_and_what_never_is_a_definition_is_not(tmp_path: Path) -> None:
    small(tmp_path).write({
        "alerts/notes.txt": "", "dashboards/old.json.bak": "", "services/_lib.py": "", "collectors/x.toml": "",
        "alerts/README.md": "", "alerts/.hidden": "", "dashboards/__pycache__/x.pyc": "", "alerts/vendor/lib/x.py": "",
        "services/data.json": "{}", "services/read.py":
        "from meshscope import Owner\nOPEN = open('services/data.json')\n"
        "o = Owner(name='o', issues='github:a/b', pager='pagerduty:o', chat='slack:#o')\n",
    })  # fmt: skip
    assert sorted(told(tmp_path)) == [
        ("load/not-read", "alerts/notes.txt:1"), ("load/not-read", "collectors/x.toml:1"),
        ("load/not-read", "dashboards/old.json.bak:1"), ("load/not-read", "services/_lib.py:1")]  # fmt: skip


MIXIN = "{ prometheusAlerts+:: { groups: [{ name: 'm', rules: [{ alert: 'A', expr: 'up == 0' }] }] } }\n"
TRAP = "from pathlib import Path\nraise SystemExit('it was run')\n"


@pytest.mark.parametrize("where", ["scripts/trap.py", "vendor/lib/trap.py", "trap.py", "__init__.py"])
def test_python_within_a_mixin_or_what_it_vendors_is_never_run(where: str, tmp_path: Path) -> None:
    small(tmp_path).write({"alerts/m/mixin.libsonnet": MIXIN, f"alerts/m/{where}": TRAP})
    expected = [] if "vendor" in where else [("load/not-read", f"alerts/m/{where}:1")]
    assert told(tmp_path) == expected


@pytest.mark.parametrize("home", ["alerts/m", "alerts/vendor/m"])
def test_nor_does_a_definition_import_it(home: str, tmp_path: Path) -> None:
    mixin = {"alerts/m/mixin.libsonnet": MIXIN, f"{home}/trap.py": TRAP, f"{home}/__init__.py": ""}
    name = home.replace("/", ".")
    small(tmp_path).write({**mixin, "services/bad.py": f"from {name}.trap import x\n"})
    assert "it was run" not in str(load(tmp_path).findings)
    assert ("load/failed", "services/bad.py:1") in told(tmp_path)


def test_a_mixin_right_in_a_definition_folder_does_not_make_that_its_own(tmp_path: Path) -> None:
    small(tmp_path).write({"alerts/mixin.libsonnet": MIXIN, "alerts/x.yaml": RULES})
    model = load(tmp_path).model
    assert model is not None
    assert [one.name for one in model.foreign] == ["alerts-alerts", "carried-x"]


def test_two_rules_of_one_name_in_a_mixin_have_each_their_line(tmp_path: Path) -> None:
    text = MIXIN.replace("] }] }", ",\n  { alert: 'A', expr: 'up == 1' }] }] }")
    small(tmp_path).write({"alerts/m/mixin.libsonnet": text})
    model = load(tmp_path).model
    assert model is not None
    assert dict(model.foreign[0].places) == {
        (0, 0): Place("alerts/m/mixin.libsonnet", 1),
        (0, 1): Place("alerts/m/mixin.libsonnet", 2),
    }


def test_nothing_is_built_anew_until_a_carried_file_changes(tmp_path: Path) -> None:
    house = small(tmp_path).write(FILES)
    house.run("build", status=0)
    assert "nothing changed" in house.run("build", status=0).stdout
    house.write({"alerts/disks_test.yml": TESTS + "# more\n"})
    assert "nothing changed" not in house.run("build", status=0).stdout


def test_the_findings_of_ours_about_foreign_rules_name_their_line(tmp_path: Path) -> None:
    text = RULES.replace("severity: page}", "severity: critical}")
    small(tmp_path).write({"alerts/rules/disks.yml": text})
    [finding] = [one for one in said(tmp_path) if one.code == "rule/unknown-severity"]
    assert (str(finding.place), finding.level) == ("alerts/rules/disks.yml:16", Level.WARNING)
