"""Dashboards that people wrote: carried as they are, and judged in the order of harm."""

import base64
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.carrying import BOARDS, boards_of, built, same, title, write_house
from meshscope.artefacts.documents import GrafanaDashboard, canonical_json
from meshscope.build.options import Options
from meshscope.check.carried import carried_findings
from meshscope.check.references import filled_in, prometheus_queries, undefined
from meshscope.findings import Finding, Level
from meshscope.model.grafana import DataSource
from meshscope.wiring.assembly import assembled
from meshscope.wiring.checking import judged
from meshscope.wiring.rules import rules
from tests.houses import House, small

OWN = (
    DataSource(name="Prometheus", kind="prometheus"),
    DataSource(name="Traces", kind="tempo", uid="tempo"),
    DataSource(name="Logs", kind="loki", uid="loki"),
)
DAY = date(2026, 12, 1)


def found(document: Mapping[str, Any], *more: DataSource) -> list[Finding]:
    """What is said of one carried dashboard."""
    uid = str(document.get("uid") or "")
    board = GrafanaDashboard(name="own", uid=uid, document=document, carried=True)
    return list(carried_findings(board, (*OWN, *more)))


def codes(document: Mapping[str, Any], *more: DataSource) -> list[str]:
    return [finding.code.removeprefix("dashboard/") for finding in found(document, *more)]


def panel(**more: object) -> dict[str, Any]:
    return {"id": 1, "type": "timeseries", "title": "p", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}, **more}


def board(*panels: object, **more: object) -> dict[str, Any]:
    return {"title": "Own", "uid": "own", "schemaVersion": 42, "panels": list(panels), **more}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_house(tmp_path_factory.mktemp("carried") / "house")


@pytest.mark.parametrize("emit", ["files", "operator"])
def test_every_shape_of_dashboard_comes_out_as_it_went_in(house: Path, emit: str) -> None:
    made = {title(one): one for one in built(house, emit)}
    wanted = {title(one): one for path in sorted(BOARDS.rglob("*.*")) for one in boards_of(path)}
    assert len(wanted) >= 40
    assert made.keys() == wanted.keys()
    for name, one in wanted.items():
        assert same(one, made[name]), name


def test_none_of_them_is_an_error_and_alike_findings_are_told_once(house: Path) -> None:
    made = assembled(house, None, Options())
    said = judged(made, rules()[0], list(made.findings), DAY)[0]
    assert [finding for finding in said if finding.level is Level.ERROR] == []
    assert len([finding for finding in said if finding.place and finding.place.path.startswith("dashboards/")]) < 60
    printed = House(house, {"MESHSCOPE_CACHE": "/nowhere", "PATH": "/usr/bin:/bin"}).run("check", status=0).stdout
    assert printed.count("[dashboard/") < 40


def test_a_comparison_to_the_leaves_sees_each_kind_of_change() -> None:
    whole = board(panel(a=[1, {"b": ""}]))
    for change in (
        board(panel(a=[1.0, {"b": ""}])),
        board(panel(a=[True, {"b": ""}])),
        board(panel(a=[1, {"b": None}])),
        board(panel(a=[1, {}])),
        board(panel(a=[{"b": ""}, 1])),
        board(panel(a=[1, {"b": ""}]), tags=[]),
    ):
        assert not same(whole, change)
    assert same(whole, json.loads(json.dumps(whole)))


FINE = [
    board(panel(targets=[{"refId": "A", "expr": "up"}, {"refId": "B", "expr": ""}], transformations=[{"id": "merge"}])),
    board({"id": 2, "gridPos": {"y": 1, "w": 6, "h": 4}, "libraryPanel": {"uid": "a", "name": "lib"}}),
    board(panel(fieldConfig={"defaults": {}, "overrides": [{"matcher": {"id": "byName", "options": "a"}, "properties": [
        {"id": "custom.stacking", "value": {"group": False, "mode": "normal"}}, {"id": "custom.hidden"}]}]})),
    board(links=[{"type": "dashboards", "title": "L", "tags": ["x"]}]),
    board(panel(datasource=None, targets=None, title=None, id=None, options=None, fieldConfig=None, links=None)),
    board(panel(targets=[{"refId": "A", "expr": "sum by (app) (rate({a=~`.+`} |= `x` [5m]))",
                          "datasource": {"type": "loki", "uid": "loki"}}])),
    board(panel(type="text", options={"content": "online = 3, cost: $5, <b onsite>ok</b>", "mode": "html"})),
    board(panel(type="acme-dynamictext-panel", options={"afterRender": "`${value}`"})),
    board(panel(targets=[{"expr": 'a{x=~"$x"}[$__range] offset $y'}]), templating={"list": [
        {"name": "x"}, {"name": "y"}]}),
    board(panel(targets=[{"expr": "rate(a[${__rate_interval}]) / $__range_s"}, {"expr": "$anything(goes[here"}])),
    board(panel(targets=[{"expr": "info(up) + new_function(up)"}])),
    board(panel(title="${__field.name} ${__data.fields[0]}", links=[{"url": "/x?${__url_time_range}&y=${z:raw}"}]),
          templating={"list": [{"name": "z", "type": "custom"}]}),
    board(panel(repeat="h", scopedVars={"h": {"value": "a"}}, targets=[{"expr": 'up{h="${h}"}'}])),
    {"title": "No schema", "panels": [panel(nullPointMode="null", renderer="flot", legendFormat="x")]},
]  # fmt: skip


@pytest.mark.parametrize("document", FINE, ids=range(len(FINE)))
def test_what_is_fine_in_grafana_is_fine_here(document: Mapping[str, Any]) -> None:
    assert found(document) == []


@pytest.mark.parametrize(
    ("document", "code", "level"),
    [
        ({"panels": []}, "no-title", Level.ERROR),
        ({"title": 7, "panels": []}, "no-title", Level.ERROR),
        (board(uid="a" * 41), "bad-uid", Level.ERROR),
        (board(uid="a b"), "bad-uid", Level.ERROR),
        (board(panel(datasource={"type": "prometheus", "uid": "${DS_PROM}"})), "undefined-variable", Level.WARNING),
        (board(panel(datasource="$ds")), "undefined-variable", Level.WARNING),
        (board(annotations={"list": [{"datasource": {"uid": "${DS_X}"}}]}), "undefined-variable", Level.WARNING),
        (board(templating={"list": [{"name": "a", "query": "label_values(${b})"}]}), "undefined-variable",
         Level.WARNING),
        (board(panel(datasource={"type": "loki", "uid": "other"})), "unknown-data-source", Level.WARNING),
        (board(panel(datasource="Elastic")), "unknown-data-source", Level.WARNING),
        (board(panel(datasource={"type": "mssql"})), "unknown-data-source", Level.WARNING),
        (board(templating={"list": [{"name": "d", "type": "datasource", "query": "mysql"}]}), "unknown-data-source",
         Level.WARNING),
        (board(panel(targets=[{"expr": "rate("}])), "bad-query", Level.WARNING),
        (board(panel(targets=[{"expr": 'a{x="$x"'}]), templating={"list": [{"name": "x"}]}), "bad-query",
         Level.WARNING),
        (board(panel(type="text", options={"content": "<p onclick='x()'>"})), "active-content", Level.WARNING),
        (board(panel(optoins={})), "unknown-option", Level.WARNING),
        (board(panel(gridPos={"w": "half"})), "wrong-value", Level.WARNING),
        (board(panel(targets={"expr": "up"})), "wrong-value", Level.WARNING),
        (board(panel(type="graph"), panel(type="graph")), "removed-panel", Level.NOTE),
        ({"title": "Old", "rows": [{"panels": [panel(type="singlestat")]}]}, "removed-panel", Level.NOTE),
    ],
)  # fmt: skip
def test_what_harms_is_said_once_in_the_order_of_harm(document: Mapping[str, Any], code: str, level: Level) -> None:
    assert [(one.code, one.level) for one in found(document)] == [(f"dashboard/{code}", level)]


@pytest.mark.parametrize("odd", [None, 1, "text", [], {}, [None], {"list": 3}, [[{"panels": "x"}]], {"uid": [1]}])
@pytest.mark.parametrize(
    "key", ["title", "uid", "panels", "rows", "templating", "annotations", "links", "schemaVersion", "spec", "elements"]
)
def test_whatever_a_dashboard_holds_is_judged_without_a_fault(key: str, odd: object) -> None:
    found({**board(panel()), key: odd})
    found(board(panel(**{key: odd})))
    found(board(panel(targets=[{"datasource": odd, "expr": "up"}, odd], options={"content": odd}, datasource=odd)))


def test_a_source_that_is_declared_or_that_a_variable_chooses_is_known() -> None:
    document = board(panel(datasource={"type": "mssql", "uid": "orders"}), panel(datasource={"uid": "${d}"}),
                     templating={"list": [{"name": "d", "type": "datasource", "query": "mssql"}]})  # fmt: skip
    assert codes(document) == ["unknown-data-source", "unknown-data-source"]
    assert codes(document, DataSource(name="Orders", kind="mssql")) == []


def test_the_second_schema_is_judged_as_the_first_is() -> None:
    query = {"kind": "DataQuery", "group": "prometheus", "datasource": {"name": "other"}, "spec": {"expr": "rate("}}
    document = {"apiVersion": "dashboard.grafana.app/v2", "kind": "Dashboard", "metadata": {"name": "x"}, "spec": {
        "title": "Own", "variables": [{"kind": "CustomVariable", "spec": {"name": "known"}}],
        "elements": {"a": {"kind": "Panel", "spec": {"title": "${known} ${unknown}", "data": {"spec": {"queries": [
            {"kind": "PanelQuery", "spec": {"query": query}}]}}}}}, "layout": {}}}  # fmt: skip
    assert codes(document) == ["undefined-variable", "unknown-data-source", "bad-query", "second-schema"]
    assert undefined(document) == ["unknown"]
    assert list(prometheus_queries(document, {})) == [("${known} ${unknown}", "rate(")]


@pytest.mark.parametrize(
    ("expr", "first"),
    [
        ("rate(a[$iv])", "rate(a[5m])"),
        ('a{b=~"[[x]]", c="\\"$y"} offset ${o}', 'a{b=~"x", c="\\"x"} offset 5m'),
        ("a[${__range_s}s:$__interval]", "a[1s:5m]"),
        ("a{b='it]s[$x'}", "a{b='it]s[x'}"),
    ],
)
def test_variables_are_filled_in_by_where_they_stand(expr: str, first: str) -> None:
    assert filled_in(expr)[0] == first


def test_where_a_variable_may_be_anything_nobody_guesses() -> None:
    assert filled_in("$metric > 1") == []


def test_half_a_pair_of_surrogates_is_written_so_that_it_can_be_read() -> None:
    text = canonical_json({"a": "\ud83d é"})
    assert json.loads(text.encode()) == {"a": "\ud83d é"}


def said(house: House) -> list[Finding]:
    made = assembled(house.root, None, Options())
    found = judged(made, rules()[0], list(made.findings), DAY)[0]
    return [one for one in found if one.code != "mesh/placeholder"]


def test_two_dashboards_of_one_uid_or_one_title_in_a_folder_are_errors_over_the_whole_house(tmp_path: Path) -> None:
    one = json.dumps(board(uid="a", title="T"))
    house = small(tmp_path).write({
        "dashboards/x.json": one, "dashboards/y.json": json.dumps(board(uid="b", title="T")),
        "dashboards/team/z.json": json.dumps(board(uid="c", title="T")),
        "dashboards/team/w.json": json.dumps(board(uid="a", title="W")),
    })  # fmt: skip
    errors = [(one.code, one.place and one.place.path) for one in said(house) if one.level is Level.ERROR]
    assert sorted(errors) == [  # type: ignore[type-var]
        ("dashboard/same-title", "dashboards/y.json"),
        ("dashboard/same-uid", "dashboards/x.json"),
    ]


MESH = """\
from meshscope import Allow, DataSource, Mesh
from services.people import payments

mesh = Mesh(name="shop", provider="istio", owner=payments, data_sources=(
    DataSource(name="Orders", kind="grafana-postgresql-datasource", url="orders:5432", settings={"sslmode": "require"}),
    DataSource(name="Search", kind="elasticsearch", uid="es"),
))
waiting = Allow(code="dashboard/unknown-data-source", file="dashboards/*.json", until="2027-01-31", reason="moving")
"""
LOGS = json.dumps(board(panel(datasource={"type": "loki", "uid": "other"})))


def test_a_file_without_comments_is_excused_in_mesh_py_through_its_day(tmp_path: Path) -> None:
    house = small(tmp_path).write({"mesh.py": MESH, "dashboards/logs.json": LOGS})
    assert said(house) == []
    (tmp_path / "mesh.py").write_text(MESH.replace("2027-01-31", "2026-11-30"))
    assert [one.code for one in said(house)] == ["dashboard/unknown-data-source", "suppression/expired"]
    (tmp_path / "mesh.py").write_text(MESH.replace("dashboards/*.json", "dashboards/x.json"))
    assert [one.code for one in said(house)] == ["dashboard/unknown-data-source", "suppression/unused"]
    (tmp_path / "mesh.py").write_text(MESH.replace("unknown-data-source", "unknown-data-sauce"))
    assert [one.code for one in said(house)] == ["dashboard/unknown-data-source", "suppression/not-understood"]


def test_a_data_source_of_any_kind_is_declared_and_provisioned_where_it_has_an_address(tmp_path: Path) -> None:
    house = small(tmp_path).write({"mesh.py": MESH, "dashboards/logs.json": LOGS})
    house.run("build", "--emit", "files", status=0)
    text = (tmp_path / "build/mesh/grafana/provisioning/datasources/shop.yaml").read_text()
    made = {one["uid"]: one for one in yaml.safe_load(text)["datasources"]}
    assert list(made) == ["prometheus", "tempo", "loki", "orders"]
    assert (made["orders"]["type"], made["orders"]["url"]) == ("grafana-postgresql-datasource", "orders:5432")
    assert made["orders"]["jsonData"] == {"sslmode": "require"}
    assert [one["isDefault"] for one in made.values()] == [True, False, False, False]


def test_an_input_that_nothing_answers_is_named_wherever_it_is_left(tmp_path: Path) -> None:
    inputs = [{"name": "DS_ES", "type": "datasource", "pluginId": "elasticsearch", "label": "es"},
              {"name": "VAR_X", "type": "constant", "value": "v"}]  # fmt: skip
    document = board(panel(datasource="${DS_ES}", title="${VAR_X}"), __inputs=inputs)
    house = small(tmp_path).write({"dashboards/logs.json": json.dumps(document)})
    [finding] = said(house)
    assert (finding.code, "`${DS_ES}`" in finding.title) == ("dashboard/undefined-variable", True)
    assert "data_sources" in finding.help
    house.write({"mesh.py": MESH.replace("waiting", "_unused = 0  #")})
    house.run("build", "--emit", "files", status=0)
    made = json.loads((tmp_path / "build/mesh/grafana/dashboards/logs.json").read_text())
    assert (made["panels"][0]["datasource"], made["panels"][0]["title"]) == ("es", "v")


def test_folders_are_those_of_the_definitions_and_of_the_sidecars_annotation(tmp_path: Path) -> None:
    metadata = {"name": "c", "annotations": {"grafana_folder": "Ops"}}
    entries = {"c.json": json.dumps(board(uid="c", title="C"))}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": entries}
    house = small(tmp_path).write({
        "dashboards/a.json": json.dumps(board(uid="a", title="A")),
        "dashboards/Ärger/b.json": json.dumps(board(uid="b", title="B")), "dashboards/c.json": json.dumps(config),
    })  # fmt: skip
    house.run("build", "--emit", "files", status=0)
    grafana = tmp_path / "build/mesh/grafana"
    providers = yaml.safe_load((grafana / "provisioning/dashboards/shop.yaml").read_text())["providers"]
    assert [(one["folder"], one["options"]["path"].rpartition("/")[0]) for one in providers] == [
        ("shop", "/etc/grafana"), ("Ops", "/etc/grafana/folders"), ("Ärger", "/etc/grafana/folders")]  # fmt: skip
    for one in providers:
        assert list((grafana / one["options"]["path"].removeprefix("/etc/grafana/")).glob("*.json"))
    house.run("build", "--emit", "operator", "-o", "objects", status=0)
    notes = {
        one["metadata"]["name"]: one["metadata"]["annotations"]["grafana_folder"]
        for one in map(yaml.safe_load, (p.read_text() for p in (tmp_path / "objects/objects/dashboards").glob("*")))
    }
    assert sorted(notes.values()) == ["Ops", "shop", "Ärger"]


@pytest.mark.parametrize(
    "entry", ["!!", base64.b64encode(b"\x1f\x8b broken").decode(), base64.b64encode(b"\xff").decode()]
)
def test_what_can_not_be_unpacked_is_said_at_its_key(entry: str, tmp_path: Path) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\nbinaryData:\n  a.json: {entry!r}\n"
    house = small(tmp_path).write({"dashboards/c.yaml": text})
    [finding] = said(house)
    assert (finding.code, str(finding.place)) == ("dashboard/no-json", "dashboards/c.yaml:5")
