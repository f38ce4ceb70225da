"""``meshscope explain``: a code, an alert, a service."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import meshscope
from meshscope.check.pages import catalogue, entry, page
from meshscope.wiring.rules import rules
from tests.houses import House

ALERT = '''\
from meshscope import AnyService, Condition, Severity, alert, minutes, open_issue, percent


@alert(severity=Severity.TICKET, pending=5 * minutes, respond=(open_issue(),))
def many_failures(service: AnyService) -> Condition:
    """One request in a hundred fails."""
    return service.failure_ratio > 1 * percent
'''


def test_without_a_word_it_lists_every_rule(good: House) -> None:
    said = good.run("explain", status=0).stdout
    assert [line.split()[0] for line in said.splitlines()] == [rule.code for rule in rules()[0]]


def test_a_rules_code_gives_its_page(good: House) -> None:
    rule = next(rule for rule in rules()[0] if rule.code == "slo/off-bucket")
    assert good.run("explain", "slo/off-bucket", status=0).stdout == page(rule)


def test_any_other_code_says_what_it_means_without_a_house(tmp_path: Path) -> None:
    said = House(tmp_path).run("explain", "slo/no-budget", status=0).stdout
    assert said.splitlines()[0] == f"slo/no-budget: {catalogue()['slo/no-budget'].title}"
    assert "write an objective below 100%" in said


# Written like codes, and names of files, folders and a case.
NO_CODES = {"build/mesh", "mesh/synthetic", "prometheus/flags", "prometheus/targets"}


def codes() -> Iterator[str]:
    """Whatever in the source is written like a code of a family that some finding has, `x` for each computed part."""
    families = {code.partition("/")[0] for code in [*catalogue(), *(rule.code for rule in rules()[0])]}
    for path in Path(meshscope.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
            else:
                text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            family, _, rest = text.partition("/")
            if family in families and re.fullmatch(r"[a-z]+(-[a-z]+)*", rest) and text not in NO_CODES:
                yield text


def test_every_code_in_the_source_is_explained() -> None:
    own = {rule.code for rule in rules()[0]}
    found = set(codes())
    assert {"engine/x", "engine/x-lint", "agent/bad-hook", "collector/counted-twice", "tracker/gone"} <= found
    assert sorted(code for code in found if code not in own and entry(code) is None) == []


def test_a_code_that_holds_a_programs_name_is_explained(tmp_path: Path) -> None:
    said = House(tmp_path).run("explain", "engine/promtool", status=0).stdout
    assert said.startswith("engine/promtool: `…` refuses …\n")
    assert "mend the definition" in said


@pytest.mark.parametrize("name", ["many_failures", "ManyFailures"])
def test_an_alert_is_explained_by_either_name(name: str, good: House) -> None:
    said = good.write({"alerts/many.py": ALERT}).run("explain", name, status=0).stdout
    assert said.startswith("ManyFailures, a ticket about every service (alerts/many.py:4)\n")
    assert "the agent may: open_issue" in said
    assert "after 5m, when" in said


def test_what_a_library_alert_says_is_readable(good: House) -> None:
    said = good.run("explain", "ScrapeFailing", status=0).stdout
    assert [line.split(":")[0] for line in said.splitlines()[:3]] == [
        "ScrapeFailing", "  reason=down", "  reason=refused",
    ]  # fmt: skip
    assert "spends at least <looked up>% of its" in good.run("explain", "ErrorBudgetBurn", status=0).stdout


@pytest.mark.parametrize("name", ["ledger", "shop/ledger", "eu-1/shop/ledger"])
def test_a_service_is_explained_by_each_of_its_names(name: str, good: House) -> None:
    said = good.run("explain", name, status=0).stdout
    assert said.startswith("eu-1/shop/ledger, tier 2, 2 replicas (services/people.py:7)\n")
    assert "owner:    payments (issues github:acme/payments, pager pagerduty:payments, chat slack:#payments)" in said
    assert "promises: availability: 99.9% of requests answers without failing, over 30d" in said


def test_a_word_that_means_nothing_brings_the_nearest_one(good: House) -> None:
    assert "did you mean `ledger`?" in good.run("explain", "legder", status=1).stderr
    assert "did you mean `slo/off-bucket`?" in good.run("explain", "slo/of-bucket", status=1).stderr
