"""Queries of dashboards are asked of a real Prometheus as Grafana would, and one without data is seen."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import soon

from meshscope.demo.asking import Prometheus, ready
from meshscope.demo.panels import asked
from meshscope.demo.workshop import free_ports

pytestmark = pytest.mark.engines("prometheus")

CONFIG = """
global: {scrape_interval: 100ms, scrape_timeout: 100ms}
scrape_configs: [{job_name: itself, static_configs: [{targets: ["127.0.0.1:%d"]}]}]
"""


@pytest.fixture
def prometheus(engine: Callable[[str], Path], tmp_path: Path) -> Iterator[Prometheus]:
    program = engine("prometheus")
    (port,) = free_ports(1)
    (tmp_path / "prometheus.yaml").write_text(CONFIG % port)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [program, "--config.file=prometheus.yaml", "--storage.tsdb.path=data",
             f"--web.listen-address=127.0.0.1:{port}"],
            cwd=tmp_path, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            assert ready(port, "/-/ready", lambda: None)
            running = Prometheus(port)
            assert soon(lambda: running.now("up == 1") and running.now("rate(up[1s])"))
            yield running
        finally:
            process.terminate()
            process.wait(10)


def variable(name: str, query: str, **more: object) -> dict[str, object]:
    return {"name": name, "type": "query", "query": {"query": query}, **more}


def board(tmp_path: Path, *queries: tuple[str, str, bool]) -> Path:
    panels = [{"title": title, "targets": [{"expr": expr, "instant": instant}]} for title, expr, instant in queries]
    folder = tmp_path / "tree" / "grafana" / "dashboards"
    folder.mkdir(parents=True)
    document = {
        "title": "Board",
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus"},
                variable("job", "label_values(up, job)"),
                variable("instance", 'label_values(up{job="$job"}, instance)', includeAll=True, allValue=".*"),
            ]
        },
        "panels": [panels[0], {"type": "row", "title": "Row", "panels": panels[1:]}],
    }
    (folder / "board.json").write_text(json.dumps(document))
    return tmp_path / "tree"


def test_each_query_is_filled_in_and_asked_and_what_is_missing_is_named(prometheus: Prometheus, tmp_path: Path) -> None:
    tree = board(
        tmp_path,
        ("Now", 'up{job="$job",instance=~"${instance}"}', True),
        ("Over time", "rate(prometheus_http_requests_total[$__rate_interval])", False),
        ("Never happened", "count(nothing_of_the_kind) or vector(0)", False),
        ("Missing of $job", "nothing_of_the_kind", False),
        ("Wrong", "rate(up[", True),
    )
    answers = asked(tree, prometheus, {"job": "another"}, 0.1, 1 / 100)
    found = {answer.panel: (answer.found, answer.happened) for answer in answers}
    assert found == {
        "Now": (True, True),
        "Over time": (True, True),
        "Never happened": (True, False),
        "Missing of itself": (False, False),
        "Wrong": (False, False),
    }
    assert {answer.board for answer in answers} == {"Board"}


def test_a_choice_is_taken_where_it_is_offered(prometheus: Prometheus, tmp_path: Path) -> None:
    tree = board(tmp_path, ("Of $job", 'up{job="$job"}', True))
    (answer,) = asked(tree, prometheus, {"job": "itself"}, 0.1, 1 / 100)
    assert (answer.panel, answer.found) == ("Of itself", True)
