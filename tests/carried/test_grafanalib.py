"""What Python returns is converted to today's schema, and loses no query on the way."""

from pathlib import Path
from typing import Any

import pytest

from meshscope.wiring.load import load
from tests.dashboards.conftest import drawn
from tests.houses import small

SHARED = """\
from grafanalib.core import Dashboard, Stat, Target, Threshold
from grafanalib.elasticsearch import ElasticsearchTarget
from grafanalib.influxdb import InfluxDBTarget
from grafanalib.opentsdb import OpenTSDBTarget

"""


def panel(folder: Path, source: str, target: str) -> dict[str, Any]:
    """The one panel of a dashboard of grafanalib as it is built."""

    text = f'{SHARED}own = Dashboard(title="Own", panels=[Stat(title="s", dataSource={source}, targets=[{target}])])\n'
    small(folder, dashboards__own=text)
    document: Any = drawn(load(folder))["own"].document
    made: dict[str, Any] = document["panels"][0]
    return made


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("ElasticsearchTarget(query='status:500')", {"query": "status:500"}),
        ("InfluxDBTarget(query='SELECT 1')", {"query": "SELECT 1"}),
        ("Target(expr='', target='sumSeries(a.*)')", {"target": "sumSeries(a.*)"}),
        ("Target(expr='{app=\"x\"}', legendFormat='')", {"expr": '{app="x"}', "legendFormat": ""}),
    ],
)
def test_a_query_to_another_data_source_than_prometheus_stays(
    target: str, kept: dict[str, Any], tmp_path: Path
) -> None:
    made = panel(tmp_path, "{'type': 'other', 'uid': 'other'}", target)
    [asked] = made["targets"]
    assert {key: asked.get(key) for key in kept} == kept
    assert asked["datasource"]["uid"] == "other"


def test_the_first_step_holds_from_the_least_number_on(tmp_path: Path) -> None:
    steps = "{'mode': 'absolute', 'steps': [{'color': 'red', 'value': 0}, {'color': 'blue', 'value': 5}]}"
    text = SHARED + f'own = Dashboard(title="Own", panels=[Stat(title="s", thresholds={steps}["steps"], targets=[])])\n'

    small(tmp_path, dashboards__own=text)
    document: Any = drawn(load(tmp_path))["own"].document
    made = document["panels"][0]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["color"], step["value"]) for step in made] == [("red", None), ("blue", 5)]
