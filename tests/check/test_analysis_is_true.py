"""What the analysis says of an expression is true of what a real Prometheus answers, for hundreds of odd ones."""

import json
import math
import random
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping

import promql_parser
import pytest

from meshscope.check.promql.analysis import analysed
from meshscope.check.promql.shape import Kind, Problem

METRICS = (
    "up", "orders_total", "queue_length", "build_info", "istio_request_duration_milliseconds_bucket",
    "shop:orders:rate5m", 'orders_total{shop="eu"}', 'queue_length{pod=~"a|b"}', 'up{job="gone"}', "no_such_metric",
)  # fmt: skip
RANGED = ("rate", "increase", "delta", "changes", "avg_over_time", "count_over_time", "absent_over_time",
          "present_over_time", "last_over_time", "sum_over_time", "stddev_over_time")  # fmt: skip
PLAIN = ("abs", "absent", "ceil", "sort", "timestamp", "hour", "sgn")
AGGREGATIONS = ("sum", "count", "min", "avg", "group", "stddev", "topk", "quantile", "count_values", "bottomk")
PARAMETERS = {"topk": "2, ", "bottomk": "1, ", "quantile": "0.5, ", "count_values": '"value", '}
GROUPS = ("", "by (shop) ", "by (job, shop) ", "without (instance) ", "by () ")
OPERATORS = ("+", "-", "*", "/", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless", "> bool", "== bool")
MATCHING = ("", "", "on (shop)", "on ()", "ignoring (state, pod)", "on (job)", "on (job) group_left ()",
            "on (shop) group_left (version)", "on (job) group_right (version)")  # fmt: skip
CONSTANTS = ("vector(1)", "5", "0", "time()", "-1", "(2 - 4)")
COUNT = 900


def expression(dice: random.Random, depth: int) -> str:
    def inner() -> str:
        return expression(dice, depth - 1)

    kind = dice.randrange(12) if depth else 0
    if kind < 2:
        return dice.choice(METRICS)
    if kind < 4:
        return f"{dice.choice(RANGED)}({dice.choice(METRICS)}[1m])"
    if kind < 5:
        return f"{dice.choice(PLAIN)}({inner()})"
    if kind < 7:
        operator = dice.choice(AGGREGATIONS)
        return f"{operator} {dice.choice(GROUPS)}({PARAMETERS.get(operator, '')}{inner()})"
    if kind < 8:
        made = (f"histogram_quantile(0.9, {inner()})", f'label_replace({inner()}, "made", "x", "shop", ".*")',
                f"-({inner()})")  # fmt: skip
        return dice.choice(made)
    operator = dice.choice(OPERATORS)
    if kind < 10:
        return f"({inner()}) {operator} {dice.choice(CONSTANTS)}"
    return f"({inner()}) {operator} {dice.choice(MATCHING)} ({inner()})"


def answer(url: str, query: str) -> list[tuple[Mapping[str, str], float]] | None:
    """The series of an instant query; None where Prometheus refuses it, as it does a join that is ambiguous."""
    form = urllib.parse.urlencode({"query": query}).encode()
    try:
        with urllib.request.urlopen(f"{url}/api/v1/query", form, timeout=30) as response:
            data = json.load(response)["data"]
    except urllib.error.HTTPError:
        return None
    if data["resultType"] != "vector":
        return None
    return [(one["metric"], float(one["value"][1])) for one in data["result"]]


def decides(url: str, problem: Problem) -> bool:
    """Whether the labels of which a join is said to be impossible are there: else both sides are without them."""
    join = promql_parser.parse(problem.of)
    labels = problem.why.replace(" are ", " is ").partition(" is ")[0].split(", ")
    sides = [answer(url, side.prettify()) or [] for side in (join.lhs, join.rhs)]
    having = (all(any(one.get(label) for label in labels) for one, _ in side) for side in sides if side)
    return str(join.op) != "unless" and any(having)


@pytest.mark.engines("prometheus")
def test_labels_values_and_what_is_impossible_are_as_a_real_prometheus_has_them(url: str) -> None:
    dice = random.Random(20)
    judged = told = 0
    for _ in range(COUNT):
        query = expression(dice, 3)
        analysis, series = analysed(query), answer(url, query)
        if series is None or analysis is None:
            continue
        judged += 1
        shape = analysis.shape
        for labels, value in series:
            assert [one for one in labels if one != "__name__" and not shape.labels.may_have(one)] == [], query
            assert shape.labels.sure <= set(labels), query
            assert math.isnan(value) or shape.values.low <= value <= shape.values.high, query
        assert series or not shape.always, query
        for problem in analysis.problems:
            if problem.kind is Kind.IMPOSSIBLE or (problem.kind is Kind.IMPOSSIBLE_JOIN and decides(url, problem)):
                told += 1
                assert not answer(url, problem.of), (query, problem)
    assert judged > COUNT / 2
    assert told > 10
