"""Mixins, Grafana's JSON and finished objects as definitions."""

import json
import subprocess
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from meshscope.build.foreign import foreign_rules
from meshscope.build.layout import rule_file
from meshscope.build.options import Options
from meshscope.check.grafana import schema_errors
from meshscope.findings import Finding, Place
from meshscope.wiring.assembly import assembled
from meshscope.wiring.checking import judged
from meshscope.wiring.load import House
from meshscope.wiring.rules import rules
from tests.dashboards.conftest import drawn

Loaded = Callable[..., House]

MIXIN = """\
local panel = import 'github.com/acme/lib/panel.libsonnet';
{
  _config:: { selector: 'job="queue"' },
  grafanaDashboards+:: {
    'queue.json': {
      title: 'Queue',
      uid: 'queue-overview',
      templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }] },
      panels: [panel.curve('Depth', 'queue_depth{%s}' % $._config.selector)],
    },
  },
  prometheusAlerts+:: {
    groups+: [{
      name: 'queue',
      rules: [{
        alert: 'QueueDeep',
        expr: 'queue_depth{%(selector)s} > 100' % $._config,
        'for': '10m',
        labels: { severity: 'ticket' },
        annotations: { summary: 'The queue is deep.' },
      }],
    }],
  },
  prometheusRules+:: {
    groups+: [{
      name: 'queue.rules',
      interval: '30s',
      rules: [{ record: 'job:queue_depth:max', expr: 'max by (job) (queue_depth)' }],
    }],
  },
}
"""
PANEL = """\
{
  curve(title, expr): {
    type: 'timeseries', title: title, datasource: '$datasource', fill: null,
    targets: [{ expr: expr, refId: 'A', legendFormat: '{{job}}', intervalFactor: 2 }],
  },
}
"""
HOME = "dashboards/queue-mixin"
FILES = {f"{HOME}/mixin.libsonnet": MIXIN, f"{HOME}/vendor/github.com/acme/lib/panel.libsonnet": PANEL}


def only(house: House) -> Finding:
    assert len(house.findings) == 1, house.findings
    return house.findings[0]


def checks(house: House) -> list[Finding]:
    """What the rules of the check find in the built house."""
    assembly = assembled(house.root, None, Options())
    own, _ = rules()
    return judged(assembly, own, list(assembly.findings), date(2026, 11, 23))[0]


def mixin(text: str) -> Mapping[str, str]:
    return {"dashboards/m/mixin.libsonnet": text}


def test_a_mixin_with_a_vendored_import_gives_its_dashboard_as_it_is(house: Loaded) -> None:
    made = drawn(house(FILES))["queue"]
    assert made.uid == "queue-overview"
    assert made.origin == Place(f"{HOME}/mixin.libsonnet", 1)
    document: Any = made.document
    assert document["panels"][0] == {
        "type": "timeseries",
        "title": "Depth",
        "datasource": "$datasource",
        "fill": None,
        "targets": [{"refId": "A", "expr": 'queue_depth{job="queue"}', "legendFormat": "{{job}}", "intervalFactor": 2}],
    }


def test_its_rules_are_what_they_were_and_come_from_their_line(house: Loaded) -> None:
    model = house(FILES).model
    assert model is not None
    alerts, records = foreign_rules(model)
    assert (alerts.name, records.name) == ("queue-mixin-alerts", "queue-mixin-rules")
    [alert] = alerts.groups[0].rules
    assert alert.document() == {
        "alert": "QueueDeep",
        "expr": 'queue_depth{job="queue"} > 100',
        "for": "10m",
        "labels": {"severity": "ticket"},
        "annotations": {"summary": "The queue is deep."},
    }
    line = MIXIN.splitlines().index("        alert: 'QueueDeep',") + 1
    assert alert.origin == Place(f"{HOME}/mixin.libsonnet", line)
    assert alerts.groups[0].interval == ""
    assert records.groups[0].interval == "30s"


def test_whatever_a_mixin_reads_is_an_input_of_the_build(house: Loaded) -> None:
    read = {path for path, _ in house(FILES).inputs}
    assert set(FILES) <= read


@pytest.mark.engines("promtool")
def test_promtool_reads_a_mixins_rules(house: Loaded, engine: Callable[[str], Path], tmp_path: Path) -> None:
    model = house(FILES).model
    assert model is not None
    for file in foreign_rules(model):
        path = tmp_path / f"{file.name}.yaml"
        path.write_bytes(rule_file(file).content)
        judged = subprocess.run([engine("promtool"), "check", "rules", path], capture_output=True, text=True)
        assert judged.returncode == 0, judged.stdout + judged.stderr


def test_a_mixins_alert_passes_the_same_checks(house: Loaded) -> None:
    wrong = MIXIN.replace("'ticket'", "'warning'")
    found = {finding.code: finding for finding in checks(house({**FILES, f"{HOME}/mixin.libsonnet": wrong}))}
    assert {"rule/unknown-severity", "rule/unowned"} <= set(found)
    line = wrong.splitlines().index("        alert: 'QueueDeep',") + 1
    assert str(found["rule/unknown-severity"].place) == f"{HOME}/mixin.libsonnet:{line}"


@pytest.mark.parametrize(
    "name", ["../../mesh.py", "../../../etc/hostname", "/etc/hostname", "vendor/../../../services/people.py"]
)
@pytest.mark.parametrize("word", ["import", "importstr"])
def test_an_import_from_outside_its_folder_is_refused_where_it_stands(house: Loaded, name: str, word: str) -> None:
    finding = only(house(mixin(f"{{\n  a:: 1,\n  grafanaDashboards:: {word} '{name}',\n}}\n")))
    assert finding.code == "mixin/outside-import"
    assert finding.title == f"`{name}` lies outside of `dashboards/m`"
    assert finding.place is not None
    assert (finding.place.path, finding.place.line, finding.place.column) == ("dashboards/m/mixin.libsonnet", 3, 23)
    assert "dashboards/m/vendor" in finding.help


def test_a_link_that_leads_out_of_the_folder_is_refused_too(house: Loaded, tmp_path: Path) -> None:
    outside = tmp_path / "secret.libsonnet"
    outside.write_text("{}")
    (tmp_path / "dashboards/m").mkdir(parents=True)
    (tmp_path / "dashboards/m/inside.libsonnet").symlink_to(outside)
    finding = only(house(mixin("{ grafanaDashboards:: import 'inside.libsonnet' }")))
    assert finding.code == "mixin/outside-import"


def test_an_import_that_is_not_there_says_how_to_get_it(house: Loaded) -> None:
    finding = only(house(mixin("local g = import 'grafonnet/main.libsonnet';\n{ grafanaDashboards:: g }")))
    assert finding.code == "mixin/no-import"
    assert "jb install" in finding.help
    assert str(finding.place) == "dashboards/m/mixin.libsonnet:1"


@pytest.mark.parametrize(
    ("text", "said", "line", "column"),
    [
        ("{\n  grafanaDashboards:: nope,\n}", "Unknown variable: nope", 2, 23),
        ("{\n  grafanaDashboards: }", 'unexpected', 2, 22),
        ("{ grafanaDashboards:: error 'boom' }", "boom", 1, 23),
        ("local f(n) = f(n + 1);\n{ grafanaDashboards:: f(1) }", "max stack frames exceeded", 1, 14),
    ],
)  # fmt: skip
def test_what_jsonnet_says_points_at_the_line(house: Loaded, text: str, said: str, line: int, column: int) -> None:
    finding = only(house(mixin(text)))
    assert finding.code == "mixin/jsonnet"
    assert said.lower() in finding.title.lower()
    assert finding.place is not None
    assert (finding.place.path, finding.place.line) == ("dashboards/m/mixin.libsonnet", line)
    assert abs(finding.place.column - column) <= 1


def test_an_endless_mixin_is_killed_and_named(house: Loaded) -> None:
    endless = "{ grafanaDashboards:: std.length(std.foldl(function(a, b) a + b, std.range(1, 1e9), '')) }"
    made = house(mixin(endless), seconds=3)
    finding = only(made)
    assert finding.code in ("load/never-ends", "load/died")
    assert str(finding.place) == "dashboards/m/mixin.libsonnet:1"


def test_a_broken_mixin_leaves_the_others_alone(house: Loaded) -> None:
    made = house({**FILES, **mixin("{ grafanaDashboards:: nope }")})
    assert [finding.code for finding in made.findings] == ["mixin/jsonnet"]
    assert set(drawn(made)) == {"queue"}


def test_rules_that_are_no_groups_are_refused(house: Loaded) -> None:
    finding = only(house(mixin("{ prometheusAlerts:: [{ alert: 'X', expr: 'up' }] }")))
    assert finding.code == "rule/no-groups"


def test_a_plain_jsonnet_file_is_one_dashboard(house: Loaded) -> None:
    made = house({"dashboards/disks.jsonnet": "{ title: 'Disks', panels: [] }"})
    assert drawn(made)["disks"].document["title"] == "Disks"


NODES: Mapping[str, Any] = {
    "__inputs": [{"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus"}],
    "id": 12, "version": 4, "style": "dark", "title": "Nodes", "uid": "",
    "panels": [
        {"type": "stat", "title": "Up", "id": 7, "datasource": "${DS_PROM}",
         "targets": [{"expr": "up", "refId": "A", "interval": ""}]},
        {"type": "stat", "title": "Old", "datasource": None, "targets": [{"expr": "up", "refId": "A"}]},
    ],
}  # fmt: skip


def test_plain_json_is_what_it_was_but_for_its_id_and_the_inputs_of_its_export(house: Loaded) -> None:
    made = drawn(house({"dashboards/nodes.json": json.dumps(NODES)}))["nodes"]
    asked = {"expr": "up", "refId": "A"}
    assert made.document == {
        "version": 4, "style": "dark", "title": "Nodes", "uid": "",
        "panels": [
            {"type": "stat", "title": "Up", "id": 7, "datasource": "prometheus",
             "targets": [{**asked, "interval": ""}]},
            {"type": "stat", "title": "Old", "datasource": None, "targets": [asked]},
        ],
    }  # fmt: skip


def test_what_grafanas_api_gives_is_unwrapped(house: Loaded) -> None:
    made = house({"dashboards/nodes.json": json.dumps({"meta": {}, "dashboard": NODES})})
    assert drawn(made)["nodes"].document["title"] == "Nodes"


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ('{"title": "x",\n}', "dashboard/no-json", 2),
        ('{"title": NaN, "panels": []}', "dashboard/no-json", 1),
        ('{"title": "x", "title": "y", "panels": []}', "dashboard/key-twice", 1),
        ('{"title": 1e999, "panels": []}', "dashboard/no-json", 1),
        ('{"title": ' + "[" * 100_000, "dashboard/no-json", 1),
        ("[]", "load/not-taken", 1),
        ('{"title": "no panels"}', "load/not-taken", 1),
        ('{"apiVersion": "v1", "kind": "Secret", "data": {}}', "load/not-taken", 1),
    ],
)
def test_json_that_is_no_dashboard_is_said_where(house: Loaded, text: str, code: str, line: int) -> None:
    finding = only(house({"dashboards/nodes.json": text}))
    assert finding.code == code
    assert finding.place is not None
    assert (finding.place.path, finding.place.line) == ("dashboards/nodes.json", line)


def test_a_finished_object_of_grafanalib_is_a_dashboard(house: Loaded) -> None:
    text = (
        "from grafanalib.core import Dashboard, Stat, Target\n\n"
        'disk_space = Dashboard(title="Disks", panels=[Stat(title="Free", targets=[Target(expr="up")])])\n'
    )
    made = drawn(house({"dashboards/disks.py": text}))["disk-space"]
    assert made.origin == Place("dashboards/disks.py", 3)
    assert list(schema_errors(made)) == []


def test_equal_names_in_different_folders_are_two_dashboards_in_two_folders(house: Loaded) -> None:
    made = house({"dashboards/a/nodes.json": json.dumps(NODES), "dashboards/b/nodes.json": json.dumps(NODES)})
    assert made.findings == ()
    assert {name: each.folder for name, each in drawn(made).items()} == {"a-nodes": "a", "b-nodes": "b"}
    assert [finding.code for finding in checks(made) if "same" in finding.code] == []


def test_foreign_dashboards_pass_the_same_checks(house: Loaded) -> None:
    panels = [
        {"type": "graph", "title": "CPU", "targets": [{"expr": "rate(", "refId": "A"}]},
        {"type": "text", "title": "Hello", "options": {"mode": "html", "content": "<script>steal()</script>"}},
        {"type": "stat", "title": "Fixed", "datasource": {"type": "prometheus", "uid": "abc"}, "optoins": {}},
    ]
    found = checks(house({"dashboards/bad.json": json.dumps({"title": "Bad", "panels": panels})}))
    assert sorted(finding.code for finding in found) == [
        "dashboard/active-content",
        "dashboard/bad-query",
        "dashboard/removed-panel",
        "dashboard/unknown-data-source",
        "dashboard/unknown-option",
    ]
