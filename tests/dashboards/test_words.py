"""What a dashboard's function may write, and what becomes of it."""

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from meshscope.artefacts.documents import GrafanaDashboard, canonical_json
from meshscope.build.dashboards import rule_steps
from meshscope.build.options import Options
from meshscope.check.grafana import schema_errors
from meshscope.model import panels
from meshscope.wiring.load import House
from tests.dashboards.conftest import boutique, drawn

Loaded = Callable[..., House]

TRAFFIC = '''\
"""Traffic."""

from grafanalib.core import Dashboard, Target, TimeSeries
from meshscope import AnyService, dashboard, panels, percent, queries


@dashboard
def traffic(service: AnyService) -> Dashboard:
    """How many requests of one service fail."""
    return Dashboard(
        title="Traffic",
        panels=[
            TimeSeries(
                title=f"Failed requests of {service}",
                description="The share of requests that failed.",
                unit="percentunit",
                targets=[Target(expr=service.failures / service.requests, legendFormat="failed")],
                thresholds=panels.steps("green", (0.05, "red")),
            ),
        ],
    )
'''


def board(body: str, about: str = "service: AnyService", before: str = "") -> Mapping[str, str]:
    text = (
        "from grafanalib.core import *\nfrom meshscope import *\n"
        f'{before}\n@dashboard\ndef board({about}) -> Dashboard:\n    """A question."""\n    return {body}\n'
    )
    return {"dashboards/board.py": text}


def query(house: House) -> str:
    document: Any = drawn(house)["board"].document
    text: str = document["panels"][0]["targets"][0]["expr"]
    return text


def same(text: str) -> str:
    """PromQL in the one form that all its spellings share."""
    return promql_parser.parse(text).prettify()


def one(expr: str, about: str = "service: AnyService") -> Mapping[str, str]:
    return board(f'Dashboard(title="B", panels=[TimeSeries(title="T", targets=[Target(expr={expr})])])', about)


def test_a_small_dashboard_is_what_it_was(house: Loaded, golden: Callable[[Path, str], None]) -> None:
    made = drawn(house({"dashboards/traffic.py": TRAFFIC}))["traffic"]
    golden(Path(__file__).parent / "traffic.json", canonical_json(made.document))


@pytest.mark.parametrize(
    ("expr", "promql"),
    [
        ("service.requests", 'service:requests:rate5m{PICK}'),
        ("service.failures / service.requests", 'service:failures:rate5m{PICK} / (service:requests:rate5m{PICK} > 0)'),
        ("1 - service.failure_ratio", '1 - service:failures:rate5m{PICK} / (service:requests:rate5m{PICK} > 0)'),
        ("(service.requests - service.failures) * 2",
         '(service:requests:rate5m{PICK} - service:failures:rate5m{PICK}) * 2'),
        ("service.requests - (service.failures - 1)",
         'service:requests:rate5m{PICK} - (service:failures:rate5m{PICK} - 1)'),
        ("queries.top(3, service.requests)", 'topk(3, service:requests:rate5m{PICK})'),
        ("queries.or_zero(queries.count(queries.firing(Severity.PAGE)))",
         'count( ALERTS{alertstate="firing",PICK,severity="page",stage!="agent"} ) or vector(0)'),
        ("queries.promql('rate(slo:errors:ratio_rate5m{slo=\"a:b:c\"}[5m])')",
         'rate(slo:errors:ratio_rate5m{slo="a:b:c",PICK}[5m])'),
        ("'up{job=\"x\"}'", 'up{job="x"}'),
    ],
)  # fmt: skip
def test_a_query_about_one_service_asks_for_what_the_variables_choose(house: Loaded, expr: str, promql: str) -> None:
    pick = 'cluster="$cluster",namespace="$namespace",service="$service"'
    assert same(query(house(one(expr)))) == same(promql.replace("PICK", pick))


def test_a_query_about_the_mesh_asks_for_what_the_variables_let_through(house: Loaded) -> None:
    assert same(query(house(one("queries.total(queries.requests)", "mesh: Mesh")))) == same(
        'sum((service:requests:rate5m{cluster=~"$cluster",namespace=~"$namespace",service=~"$service"} '
        'and on (cluster, namespace, service) service:info{owner=~"$owner"}))'
    )


def test_without_clusters_nobody_is_asked_for_one(house: Loaded) -> None:
    files = dict(one("service.requests"))
    files["mesh.py"] = (
        "from meshscope import Mesh\nfrom services.people import payments\n"
        'mesh = Mesh(name="shop", provider="istio", owner=payments)\n'
    )
    made = house(files)
    assert query(made) == 'service:requests:rate5m{namespace="$namespace",service="$service"}'
    document: Any = drawn(made)["board"].document
    assert [each["name"] for each in document["templating"]["list"]][:3] == ["datasource", "namespace", "service"]
    assert "cluster" not in json.dumps(document)


def test_a_text_names_the_service_by_its_variable(house: Loaded) -> None:
    document: Any = drawn(house({"dashboards/traffic.py": TRAFFIC}))["traffic"].document
    assert document["panels"][0]["title"] == "Failed requests of ${service}"


def test_the_same_text_in_an_alert_is_refused(house: Loaded) -> None:
    found = house(
        {
            "alerts/named.py": "from meshscope import *\n"
            "@alert(severity=Severity.PAGE, pending=2 * minutes)\n"
            'def named(service: AnyService) -> Condition:\n    """Named."""\n    f"{service}"\n'
            "    return service.failures > 1\n"
        }
    ).findings
    assert [(each.code, each.place and each.place.line) for each in found] == [("alert/decided-in-python", 5)]


def test_a_query_is_not_decided_in_python(house: Loaded) -> None:
    found = house(one("max(queries.budget_left(), 0)")).findings
    assert [each.code for each in found] == ["load/failed"] or [each.code for each in found] == [
        "dashboard/decided-in-python"
    ]
    assert all(each.place and each.place.path == "dashboards/board.py" for each in found)


def test_an_if_on_a_query_is_said_where_it_stands(house: Loaded) -> None:
    found = house(one("1 if queries.budget_left() else 2")).findings
    assert [each.code for each in found] == ["dashboard/decided-in-python"]
    assert found[0].place is not None
    assert found[0].place.path == "dashboards/board.py"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        (board("Dashboard(title='B', panels=[])", "service"), "dashboard/no-stand-in"),
        (board("Dashboard(title='B', panels=[])", "service: AnyInstance"), "dashboard/no-stand-in"),
        (board("3"), "dashboard/not-drawn"),
        (board("1 / 0"), "load/failed"),
        (board('Dashboard(title="B", panels=[Stat(title="S", decimals={1, 2})])'), "dashboard/not-json"),
        (board('Dashboard(title="B", panels=[Stat(title="S", decimals=float("nan"))])'), "dashboard/not-json"),
        (board("__import__('socket').create_connection(('127.0.0.1', 9))"), "load/not-pure"),
        ({"dashboards/b.py": "from meshscope import *\n@dashboard\ndef b(mesh: Mesh) -> object:\n    return {}\n"},
         "dashboard/no-description"),
    ],
)  # fmt: skip
def test_a_function_that_draws_nothing_is_a_finding(house: Loaded, files: Mapping[str, str], code: str) -> None:
    made = house(files)
    assert [each.code for each in made.findings] == [code]
    assert made.findings[0].place is not None
    assert made.findings[0].place.path.startswith("dashboards/")
    assert made.model is not None
    assert made.model.dashboards == ()


def test_a_faster_clock_shortens_the_time_that_is_shown(house: Loaded) -> None:
    made = house({"dashboards/traffic.py": TRAFFIC})
    usual: Any = drawn(made)["traffic"].document
    fast: Any = drawn(made, Options(time_scale=Fraction(1, 20)))["traffic"].document
    assert (usual["time"]["from"], fast["time"]["from"]) == ("now-1h", "now-180s")
    assert fast["refresh"] == "10s"


PANELS = {
    "Gauge": 'panels.Gauge(title="T", description="D", targets=(Target(expr="up"),), unit="s", low=0, high=1)',
    "BarGauge": 'panels.BarGauge(title="T", description="D", targets=(Target(expr="up"),), unit="s")',
    "Heatmap": 'panels.Heatmap(title="T", description="D", targets=(Target(expr=queries.latency_buckets()),), '
    "unit=panels.LATENCY_UNIT)",
    "StateTimeline": 'panels.StateTimeline(title="T", description="D", targets=(Target(expr="up"),), '
    'mappings=panels.states((0, "down", "red"), (1, "up", "green")))',
    "Table": 'panels.Table(title="T", description="D", labels=(panels.Label("job", "Job", linked=True),), '
    'columns=(panels.Column(title="Up", query=queries.promql("up"), bar=True, low=0, high=1),), sort=("-Up",), '
    'links=(panels.to_logs(),))',
    "grafanalib.Stat": 'Stat(title="T", targets=[Target(expr="up")])',
    "grafanalib.Table": 'Table(title="T", targets=[Target(expr="up", format="table", instant=True)])',
    "grafanalib.GaugePanel": 'GaugePanel(title="T", targets=[Target(expr="up")], min=0, max=10, label="L")',
    "grafanalib.BarGauge": 'BarGauge(title="T", targets=[Target(expr="up")], label="L")',
    "grafanalib.StateTimeline": 'StateTimeline(title="T", targets=[Target(expr="up")])',
    "grafanalib.Text": 'Text(title="T", content="hello")',
    "grafanalib.Logs": 'Logs(title="T", targets=[Target(expr="up")])',
    "grafanalib.PieChartv2": 'PieChartv2(title="T", targets=[Target(expr="up")])',
    "grafanalib.BarChart": 'BarChart(title="T", targets=[Target(expr="up")])',
    "grafanalib.RowPanel": 'RowPanel(title="T", collapsed=True, panels=[Stat(title="S", targets=[Target(expr="up")])])',
}  # fmt: skip


@pytest.mark.parametrize("kind", PANELS)
def test_every_kind_of_panel_comes_out_in_the_current_schema(house: Loaded, kind: str) -> None:
    made = drawn(house(board(f'Dashboard(title="B", panels=[{PANELS[kind]}])')))["board"]
    assert [each.title for each in schema_errors(made)] == []
    assert "null" not in canonical_json(made.document).replace('"value": null', "")


def test_rows_of_old_become_headings_and_places(house: Loaded) -> None:
    row = 'Row(title="R", showTitle=True, panels=[Stat(title="A", span=4), Stat(title="B", span=8)])'
    made = drawn(house(board(f'Dashboard(title="B", rows=[{row}])', "mesh: Mesh")))["board"]
    panels: Any = made.document["panels"]
    assert [(each["title"], each["gridPos"]["w"], each["gridPos"]["y"]) for each in panels] == [
        ("R", 24, 0), ("A", 8, 1), ("B", 16, 1),
    ]  # fmt: skip
    assert list(schema_errors(made)) == []


def test_a_panel_keeps_its_id_when_another_is_put_before_it(house: Loaded) -> None:
    def ids(panels: str) -> dict[str, int]:
        made: GrafanaDashboard = drawn(house(board(f'Dashboard(title="B", panels=[{panels}])')))["board"]
        return {each["title"]: each["id"] for each in made.document["panels"]}  # type: ignore[attr-defined]

    before, after = ids('Stat(title="A"), Stat(title="B")'), ids('Stat(title="New"), Stat(title="A"), Stat(title="B")')
    assert {title: after[title] for title in before} == before


def test_two_panels_of_one_title_have_two_ids(house: Loaded) -> None:
    made = drawn(house(board('Dashboard(title="B", panels=[Stat(title="A"), Stat(title="A")])')))["board"]
    numbers = [each["id"] for each in made.document["panels"]]  # type: ignore[attr-defined]
    assert len(set(numbers)) == 2


def test_long_names_still_have_uids_of_their_own(house: Loaded) -> None:
    text = TRAFFIC.replace("def traffic", "def {}")
    names = [f"a_dashboard_with_a_very_long_name_about_{what}" for what in ("requests", "latency")]
    made = drawn(house({f"dashboards/{name}.py": text.replace("def {}", f"def {name}") for name in names}))
    uids = {each.uid for each in made.values()}
    assert len(uids) == 2
    assert all(len(uid) == 40 and uid.startswith("shop-a-dashboard-with-a-very-lo") for uid in uids)


@pytest.mark.parametrize("alert", panels.PlatformAlert)
def test_every_platform_alert_that_a_board_may_name_has_a_limit(alert: panels.PlatformAlert) -> None:
    steps = rule_steps(alert, boutique(), Options())
    assert [step["color"] for step in steps] == ["green", "orange"]
