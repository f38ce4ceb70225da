"""Counting the rules that query."""

from pathlib import Path

import pytest

from bench.building import LARGE, SMALLEST, build_tree, house
from bench.mesh import EVERY_PERIOD
from bench.querying import queries, querying_rules, rules


@pytest.mark.parametrize(
    "expression",
    ["up", "-up", "(up)", "rate(up[5m])", "max_over_time(up[1h:1m])", "topk(scalar(up), vector(1))", "1 + up"],
)
def test_an_expression_with_a_selector_anywhere_queries(expression: str) -> None:
    assert queries(expression)


@pytest.mark.parametrize("expression", ["vector(1)", "1 - 0.999", "time()", "-(vector(0.5) ^ 2)"])
def test_a_constant_does_not_query(expression: str) -> None:
    assert not queries(expression)


def test_constants_on_one_line_and_rules_in_block_style_are_both_read(tmp_path: Path) -> None:
    folder = tmp_path / "prometheus" / "rules"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text(
        "groups:\n"
        "  - name: static\n    interval: 2m\n    rules:\n"
        '      - {"record": "one", "expr": "vector(1)", "labels": {"a": "b"}}\n'
        "  - name: dynamic\n    rules:\n"
        "      - record: two\n        expr: |-\n          sum(\n            rate(up[5m])\n          )\n"
    )
    assert sorted(rule["record"] for rule in rules(tmp_path)) == ["one", "two"]
    assert querying_rules(tmp_path) == 1


def test_ten_thousand_services_have_as_many_querying_rules_as_ten() -> None:
    counts = []
    for size in (SMALLEST, LARGE):
        with house(size, periods=EVERY_PERIOD) as root:
            counts.append(querying_rules(build_tree(root)))
    assert counts[0] == counts[1] > 0


def test_the_house_whose_rules_are_counted_uses_five_periods() -> None:
    with house(SMALLEST, periods=EVERY_PERIOD) as root:
        built = list(rules(build_tree(root)))
    used = {rule["labels"]["period"] for rule in built if rule.get("record") == "slo:objective:ratio"}
    assert used == {"7d", "14d", "28d", "30d", "90d"}
