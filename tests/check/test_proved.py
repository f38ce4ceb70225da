"""Unit tests that passed are not run again on the same bytes, and on any other bytes they are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from meshscope.adapters.engines.promtool import PromtoolTests
from meshscope.check.engine import Case

RULES = "groups: [{name: g, rules: [{record: a, expr: b + 1}]}]\n"
TESTS = """\
rule_files: [../rules/r.yaml]
tests:
  - name: one more
    interval: 1m
    input_series: [{series: b, values: 1 1 1}]
    promql_expr_test: [{expr: a, eval_time: 2m, exp_samples: [{labels: a, value: 2}]}]
"""
PATH = "prometheus/tests/t.yaml"


@pytest.fixture
def ask(tmp_path: Path, engine: Callable[[str], Path]) -> Callable[..., tuple[Case, ...]]:
    def asked(rules: str = RULES, tests: str = TESTS, version: str = "3.16.0") -> tuple[Case, ...]:
        for name, text in (("rules/r", rules), ("tests/t", tests)):
            path = tmp_path / "prometheus" / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        judge = PromtoolTests(program=engine("promtool"), version=version, proved=tmp_path / "proved")
        return judge.judge(tmp_path, [PATH]).cases

    return asked


@pytest.mark.engines("promtool")
def test_what_passed_is_not_run_again_until_a_byte_of_it_changes(ask):
    assert [(case.name, case.before) for case in ask()] == [("one more", False)]
    assert [(case.name, case.before) for case in ask()] == [("one more", True)]
    assert not ask(version="3.17.0")[0].before
    assert not ask(tests=TESTS + "# another\n")[0].before
    (failed,) = ask(rules=RULES.replace("+ 1", "+ 2"))
    assert failed.failed
    assert not failed.before


@pytest.mark.engines("promtool")
def test_what_failed_or_can_not_be_read_is_run_again(ask, tmp_path):
    wrong = RULES.replace("+ 1", "+ 2")
    assert ask(rules=wrong)[0].failed
    assert ask(rules=wrong)[0].failed
    assert not list((tmp_path / "proved").glob("*"))
    ask()
    (kept,) = (tmp_path / "proved").glob("*")
    kept.write_text("{")
    assert not ask()[0].before
    # A rule file that is not there is promtool's to tell.
    assert not any(case.before for case in ask(tests=TESTS.replace("r.yaml", "gone.yaml")))
