"""The five dashboards of the reference mesh, on both providers and in both environments."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from meshscope.artefacts.documents import GrafanaDashboard, canonical_json
from meshscope.artefacts.yaml import dump
from meshscope.build.rules.burn import BURNS
from meshscope.check.grafana import link_errors, query_errors, schema_errors
from meshscope.check.panel_queries import panel_queries, panels
from tests.conftest import ROOT
from tests.dashboards.conftest import built

PROVIDERS = ("istio", "opentelemetry")
NAMES = ("collectors", "instances", "mesh-overview", "service", "slo")
EVERY = pytest.mark.parametrize(
    ("provider", "name"), [(provider, name) for provider in PROVIDERS for name in NAMES], ids="-".join
)


def board(provider: str, name: str) -> GrafanaDashboard:
    return next(each for each in built(provider) if each.name == name)


def found(provider: str, name: str) -> list[dict[str, Any]]:
    return [dict(panel) for _, panel in panels(board(provider, name).document)]


def panel(name: str, title: str) -> dict[str, Any]:
    return next(each for each in found("istio", name) if each["title"] == title)


def steps(panel: dict[str, Any]) -> list[float | None]:
    return [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]


def test_there_are_five_and_each_has_a_question_as_its_description() -> None:
    for provider in PROVIDERS:
        assert tuple(each.name for each in built(provider)) == NAMES
        assert all(len(str(each.document["description"])) > 40 for each in built(provider))


@EVERY
def test_every_panel_has_title_description_unit_source_by_variable_query_and_link(provider: str, name: str) -> None:
    for each in found(provider, name):
        assert each["title"]
        assert len(each["description"]) > 20, each["title"]
        assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, each["title"]
        assert each["targets"], each["title"]
        assert all(target["datasource"] == each["datasource"] for target in each["targets"])
        changes = [change for override in each["fieldConfig"]["overrides"] for change in override["properties"]]
        columns = [change["value"] for change in changes if change["id"] == "unit"]
        if each["type"] == "table":
            assert len(columns) == len(each["targets"]), each["title"]
        else:
            assert each["fieldConfig"]["defaults"]["unit"], each["title"]
        links = each["fieldConfig"]["defaults"].get("links") or [c["value"] for c in changes if c["id"] == "links"]
        assert links, each["title"]


@EVERY
@pytest.mark.parametrize("environment", [None, "staging"])
def test_the_strict_schema_accepts_every_dashboard(provider: str, name: str, environment: str | None) -> None:
    dashboard = next(each for each in built(provider, environment) if each.name == name)
    assert list(schema_errors(dashboard)) == []


@EVERY
def test_every_query_is_promql(provider: str, name: str) -> None:
    dashboard = board(provider, name)
    assert list(query_errors(dashboard)) == []
    for query in panel_queries(dashboard):
        assert promql_parser.parse(query.expr)


@EVERY
def test_every_variable_and_annotation_asks_in_promql(provider: str, name: str) -> None:
    document: Any = board(provider, name).document
    asked = [each["query"]["query"] for each in document["templating"]["list"] if each["type"] == "query"]
    selectors = [re.fullmatch(r"label_values\((.+), \w+\)", query) for query in asked]
    notes = [each["target"]["expr"] for each in document.get("annotations", {}).get("list", [])]
    assert all(selectors)
    assert len(notes) == (2 if name in ("service", "instances") else 0)
    for text in [found[1] for found in selectors if found] + notes:
        assert promql_parser.parse(text)


@EVERY
def test_every_link_leads_to_a_dashboard_that_is_there(provider: str, name: str) -> None:
    dashboards = built(provider)
    dashboard = board(provider, name)
    assert list(link_errors(dashboard, [each.uid for each in dashboards], dashboards)) == []
    addresses = re.findall(r'"/d/([^/?"]+)', json.dumps(dashboard.document))
    assert len(addresses) >= len(NAMES) - 1


@pytest.mark.engines("promtool")
@pytest.mark.parametrize("provider", PROVIDERS)
def test_promtool_reads_every_query(provider: str, engine: Callable[[str], Path], tmp_path: Path) -> None:
    queries = [query for dashboard in built(provider) for query in panel_queries(dashboard)]
    rules = [{"record": f"drawn:query:n{index}", "expr": query.expr} for index, query in enumerate(queries)]
    file = tmp_path / "queries.yaml"
    file.write_text(dump({"groups": [{"name": "drawn", "rules": rules}]}))
    judged = subprocess.run([engine("promtool"), "check", "rules", file], capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert f"{len(rules)} rules found" in judged.stdout


def test_burn_rate_panels_have_the_factors_of_the_alerts() -> None:
    factors = [None, *sorted(float(burn.factor) for burn in BURNS)]
    for name, title in (("service", "Burn rate"), ("mesh-overview", "Highest burn rate"),
                        ("slo", "Budgets that burn fastest")):  # fmt: skip
        assert steps(panel(name, title)) == factors


def test_an_instance_is_red_from_where_its_alert_can_fire() -> None:
    assert steps(panel("instances", "Worst instance")) == [None, 0.05]
    limit = panel("instances", "Failed requests of ${service}, by instance")["targets"][1]
    assert limit["legendFormat"] == "limit"
    assert re.search(r"\+\s+0\.05\b", limit["expr"])
    assert re.search(r"\b5\s+\*", limit["expr"])


def test_a_queue_is_coloured_from_where_its_alert_fires() -> None:
    assert steps(panel("collectors", "Fullest queue")) == [None, 0.8]
    lost = steps(panel("collectors", "Not delivered"))
    assert lost[0] is None
    assert lost[1] is not None
    assert 0 < lost[1] < 0.001


def test_the_line_of_a_promise_comes_from_the_objective() -> None:
    targets = panel("service", "Failed requests of ${service}")["targets"]
    assert [target["legendFormat"] for target in targets] == ["failed", "limit"]
    assert "slo:objective:ratio" in targets[1]["expr"]


def test_no_dashboard_names_a_metric_of_one_mesh() -> None:
    for path in sorted((ROOT / "dashboards").glob("*.py")):
        assert not re.search(r"istio_|traces_span|destination_|span_kind|envoy_|linkerd", path.read_text()), path.name


def test_the_same_dashboards_ask_each_mesh_for_latency_in_its_own_words() -> None:
    texts = {name: json.dumps(board(name, "service").document) for name in PROVIDERS}
    assert "istio_request_duration_milliseconds_bucket" in texts["istio"]
    assert "traces_span_metrics_duration_milliseconds_bucket" in texts["opentelemetry"]
    assert "istio" not in texts["opentelemetry"]
    quantiles = [each["targets"][0]["expr"] for each in found("istio", "service") if each["title"] == "Latency p99"]
    assert [quantile.split()[-1] for quantile in quantiles] == ["0.001"], "milliseconds are shown as seconds"


def test_a_service_leads_to_its_traces_and_logs_at_the_same_time() -> None:
    links = panel("service", "Failed requests of ${service}")["fieldConfig"]["defaults"]["links"]
    assert [link["title"] for link in links] == ["Failed traces", "Logs"]
    for link in links:
        assert link["url"].startswith("/explore?schemaVersion=1&panes=%7B")
        assert all(name in link["url"] for name in ("${service}", "${namespace}", "${__from}", "${__to}"))
        assert " " not in link["url"]
        assert '"' not in link["url"]


def test_a_row_of_the_overview_leads_to_its_own_service() -> None:
    overrides = panel("mesh-overview", "Services by owner")["fieldConfig"]["overrides"]
    service = next(each for each in overrides if each["matcher"]["options"] == "Service")
    links = next(change["value"] for change in service["properties"] if change["id"] == "links")
    assert links[0]["url"].startswith("/d/boutique-service?")
    assert "var-service=${__data.fields.service}" in links[0]["url"]
    # A link needs the cluster even where no column shows it.
    cluster = next(each for each in overrides if each["matcher"]["options"] == "Cluster")
    assert cluster["properties"] == [{"id": "custom.hideFrom.viz", "value": True}]
    assert "var-cluster=${__data.fields.cluster}" in links[0]["url"]


def test_uids_and_ids_are_unique_and_short_enough() -> None:
    uids = [each.uid for each in built("istio")]
    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 40 and uid.startswith("boutique-") for uid in uids)
    for name in NAMES:
        numbers = [each["id"] for each in board("istio", name).document["panels"]]  # type: ignore[attr-defined]
        assert len(set(numbers)) == len(numbers)


def test_panels_do_not_overlap_and_fill_the_width() -> None:
    for name in NAMES:
        cells: set[tuple[int, int]] = set()
        for each in board("istio", name).document["panels"]:  # type: ignore[attr-defined]
            spot = each["gridPos"]
            own = {(x, y) for x in range(spot["x"], spot["x"] + spot["w"])
                   for y in range(spot["y"], spot["y"] + spot["h"])}  # fmt: skip
            assert not own & cells, (name, each["title"])
            cells |= own
        height = max(y for _, y in cells) + 1
        assert len(cells) == 24 * height, name


def test_only_used_variables_are_offered_and_each_used_one_is() -> None:
    for name, expected in (
        ("service", ["datasource", "cluster", "namespace", "service", "reporter", "traces", "logs"]),
        ("mesh-overview", ["datasource", "cluster", "namespace", "owner", "service", "traces", "logs"]),
        ("collectors", ["datasource", "logs"]),
    ):
        document = board("istio", name).document
        assert [each["name"] for each in document["templating"]["list"]] == expected  # type: ignore[index]


def test_nobody_can_change_a_built_dashboard_in_place() -> None:
    for each in built("istio"):
        assert each.document["editable"] is False
        assert set(each.document["tags"]) >= {"meshscope", "boutique"}  # type: ignore[call-overload]
        assert each.document["schemaVersion"] == 42


def test_a_dashboard_comes_from_its_function() -> None:
    for each in built("istio"):
        assert each.origin is not None
        assert each.origin.path == f"dashboards/{each.name.replace('-', '_')}.py"
        line = (ROOT / each.origin.path).read_text().splitlines()[each.origin.line - 1]
        assert line == "@dashboard"


@pytest.mark.parametrize("seed", ["1", "4711"])
def test_another_hash_seed_gives_the_same_bytes(seed: str) -> None:
    code = (
        "import sys; from tests.dashboards.conftest import built\n"
        "from meshscope.artefacts.documents import canonical_json\n"
        "sys.stdout.write(''.join(canonical_json(each.document) for each in built('istio')))"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert made.stdout == "".join(canonical_json(each.document) for each in built("istio"))


def test_panels_that_a_mesh_s_first_hour_leaves_empty_say_why() -> None:
    said = {
        (board.name, panel["title"]): panel["fieldConfig"]["defaults"].get("noValue", "")
        for board in built("istio")
        for panel in board.document["panels"]
        if "fieldConfig" in panel
    }
    # The period's ratio is recorded once an hour; burn rates come with the first requests.
    for board, title in (
        ("mesh-overview", "Least budget left"),
        ("service", "Budget left"),
        ("slo", "Exhausted budgets"),
    ):
        assert "hour" in said[board, title], title
    for board, title in (("mesh-overview", "Highest burn rate"), ("service", "Burn rate")):
        assert "requests" in said[board, title], title
