"""What a real Prometheus answers to the panels, over a past in which one instance fails."""

import importlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from meshscope.check.panel_queries import panel_queries
from meshscope.wiring.providers import provider
from tests.conftest import ROOT, engine_folder
from tests.dashboards.conftest import boutique, built

CHOSEN = {"cluster": "eu-1", "namespace": "shop", "service": "ledger"}
REPORTERS = {"istio": "source", "opentelemetry": "SPAN_KIND_SERVER"}
NAMES = tuple(REPORTERS)


class Asked:
    """A Prometheus that knows the past, and when that ends."""

    def __init__(self, server: Any, end: int, name: str) -> None:
        self.server, self.end, self.name = server, end, name

    def answers(self, board: str, title: str = "") -> dict[tuple[str, str], list[dict[str, Any]]]:
        dashboard = next(each for each in built(self.name) if each.name == board)
        chosen = {**CHOSEN, "reporter": REPORTERS[self.name]} if board in ("service", "instances") else {}
        return {
            (query.panel, query.letter): self.server.at(query.expr, self.end)["result"]
            for query in panel_queries(dashboard, chosen)
            if not title or query.panel == title
        }

    def value(self, board: str, title: str, letter: str = "A") -> float:
        [only] = self.answers(board, title)[title, letter]
        return float(only["value"][1])


@pytest.fixture(scope="module", params=NAMES)
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    programs = engine_folder()
    for name in ("promtool", "prometheus"):
        if not (programs / name).is_file():
            if request.config.getoption("--engines") == "required":
                pytest.fail(f"{name} is not here: run `make engines`")
            pytest.skip(f"{name} is not here: run `make engines`")
    sys.path.insert(0, str(ROOT / "engines" / "grafana-page"))
    history, server = importlib.import_module("history"), importlib.import_module("server")
    known, _ = provider(request.param, None)
    past = history.Past(model=boutique(), provider=known, end=int(time.time()) // 60 * 60, hours=0.75)
    folder = tmp_path_factory.mktemp("past")
    with server.prometheus(programs, folder, past.openmetrics()) as running:
        yield Asked(running, past.end, request.param)


@pytest.mark.engines("promtool", "prometheus")
@pytest.mark.parametrize("board", ["collectors", "instances", "mesh-overview", "service", "slo"])
def test_every_query_of_every_panel_has_an_answer(asked: Asked, board: str) -> None:
    answers = asked.answers(board)
    assert [key for key, result in answers.items() if not result] == []


@pytest.mark.engines("promtool", "prometheus")
def test_the_overview_says_who_is_hurt(asked: Asked) -> None:
    # Two pairs of windows are one SLO, and the bridge holds back those who call it; an instance is apart.
    assert asked.value("mesh-overview", "Pages now") == 2
    assert asked.value("slo", "SLOs that page") == 1
    assert asked.value("mesh-overview", "Highest burn rate") > 14.4
    firing = asked.answers("mesh-overview", "Firing now")["Firing now", "A"]
    assert {(row["metric"]["alertname"], row["metric"]["service"]) for row in firing} == {
        ("ErrorBudgetBurn", "ledger"), ("ErrorBudgetBurn", "checkout"), ("ErrorBudgetBurn", "payment"),
        ("LoneFailingInstance", "ledger"),
    }  # fmt: skip


@pytest.mark.engines("promtool", "prometheus")
def test_callers_show_what_they_ask_of_the_chosen_service_and_not_all_that_they_are_asked(asked: Asked) -> None:
    edges = {
        row["metric"]["service"]: float(row["value"][1]) for row in asked.answers("service", "Callers")["Callers", "A"]
    }
    assert set(edges) == {"checkout", "payment"}
    whole = asked.value("service", "Requests")
    if asked.name == "istio":
        assert edges["checkout"] == pytest.approx(whole / 2, rel=0.05)
        assert edges["payment"] == pytest.approx(whole / 2, rel=0.05)


@pytest.mark.engines("promtool", "prometheus")
def test_a_budget_of_which_nothing_is_known_is_not_one_that_is_left(asked: Asked) -> None:
    assert asked.value("slo", "Unknown budgets") == 0
    [exhausted] = [
        query.expr
        for dashboard in built(asked.name)
        if dashboard.name == "slo"
        for query in panel_queries(dashboard, {})
        if query.panel == "Exhausted budgets"
    ]
    # Before the first full hour of a mesh no budget is known: nothing, and not 0.
    assert asked.server.at(exhausted, asked.end - 3 * 86400)["result"] == []


@pytest.mark.engines("promtool", "prometheus")
def test_each_row_of_the_overview_is_one_service_in_every_column(asked: Asked) -> None:
    columns = asked.answers("mesh-overview", "Services by owner").values()
    rows = [{tuple(sorted(row["metric"].items())) for row in result} for result in columns]
    assert len(rows[0]) == 12
    assert all(row == rows[0] for row in rows), "rows are merged by equal labels"


@pytest.mark.engines("promtool", "prometheus")
def test_the_instance_that_fails_alone_is_the_one_above_its_limit(asked: Asked) -> None:
    title = "Failed requests of ${service}, by instance"
    answers = asked.answers("instances", title)
    limit = float(answers[title, "B"][0]["value"][1])
    above = [row["metric"]["pod"] for row in answers[title, "A"] if float(row["value"][1]) > limit]
    assert len(above) == 1
    states = asked.answers("instances", "Lone failing instances of ${service}").popitem()[1]
    assert {row["metric"]["pod"]: row["value"][1] for row in states if row["value"][1] != "0"} == {above[0]: "2"}


@pytest.mark.engines("promtool", "prometheus")
def test_a_service_sees_those_it_calls_and_those_that_call_it(asked: Asked) -> None:
    callees = asked.answers("service", "Dependencies")["Dependencies", "C"]
    callers = asked.answers("service", "Callers")["Callers", "C"]
    assert [row["metric"]["callee"] for row in callees] == ["checkout"]
    assert sorted(row["metric"]["service"] for row in callers) == ["checkout", "payment"]


@pytest.mark.engines("promtool", "prometheus")
def test_latency_is_in_seconds_on_every_mesh(asked: Asked) -> None:
    assert 0.05 < asked.value("service", "Latency p99") < 2
