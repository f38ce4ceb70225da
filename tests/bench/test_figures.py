"""The form in which figures are written and shown."""

import json
import subprocess
import sys
from pathlib import Path

from bench import outages
from bench.figures import Goal, as_json, as_table

ROOT = Path(__file__).resolve().parent.parent.parent
FAST = Goal(name="fast_seconds", unit="seconds", goal=2)
WIDE = Goal(name="coverage", unit="percent", goal=90, better="higher")


def test_the_file_is_a_list_of_six_fields_each() -> None:
    assert json.loads(as_json([FAST.measured(1.23456789, "by hand")])) == [
        {
            "name": "fast_seconds",
            "unit": "seconds",
            "value": 1.234568,
            "goal": 2,
            "better": "lower",
            "method": "by hand",
        }
    ]


def test_lower_is_met_at_the_goal_and_missed_above_it() -> None:
    assert FAST.measured(2, "").met
    assert not FAST.measured(2.001, "").met


def test_higher_is_met_at_the_goal_and_missed_below_it() -> None:
    assert WIDE.measured(90, "").met
    assert not WIDE.measured(89.9, "").met


def test_a_value_just_beyond_its_goal_is_not_rounded_into_it() -> None:
    assert not FAST.measured(2.0001, "").met


def test_the_table_says_of_each_figure_whether_its_goal_is_met() -> None:
    table = as_table([FAST.measured(3, ""), WIDE.measured(95, "")])
    head, fast, wide = table.splitlines()
    assert head.split() == ["figure", "value", "goal", "unit"]
    assert fast.split() == ["fast_seconds", "3", "at", "most", "2", "seconds", "MISSED"]
    assert wide.split() == ["coverage", "95", "at", "least", "90", "percent", "met"]


def test_one_measurement_can_be_asked_for_alone(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "bench.json"
    command = [sys.executable, "-m", "bench", "--only", "start", "--out", str(out)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert [figure["name"] for figure in json.loads(out.read_text())] == ["start_seconds"]
    assert ended.stdout.splitlines()[1].startswith("start_seconds")


def test_outages_are_counted_with_those_that_are_wrong() -> None:
    rows, wrong = outages.figures(70, ["hung"], 30)
    assert (rows.name, rows.value, rows.met) == ("outage_rows", 70, True)
    assert (wrong.name, wrong.value, wrong.met) == ("outage_rows_wrong", 1, False)
    assert wrong.method.endswith(": hung")
    assert outages.figures(59, [], 30)[0].met is False
