"""What the time scale changes, and that anything else would be seen."""

from pathlib import Path

import pytest
from conftest import ROOT

from meshscope.artefacts.files import File, text_file
from meshscope.build.options import Options, time_scale
from meshscope.demo.difference import difference
from meshscope.wiring.assembly import assembled


@pytest.fixture(scope="module")
def true() -> tuple[File, ...]:
    return built("1")


def built(scale: str) -> tuple[File, ...]:
    assembly = assembled(ROOT, None, Options(time_scale=time_scale(scale)))
    assert assembly.built is not None
    return assembly.built.files


@pytest.mark.parametrize("scale", ["1/5", "1/20", "1/25", "1/30"])
def test_a_faster_build_differs_in_lengths_of_time_alone(true: tuple[File, ...], scale: str) -> None:
    found = difference(true, built(scale))
    assert len(found.lines) > 100
    assert found.others == ()
    assert {Path(line.path).parts[0] for line in found.lines} == {"alertmanager", "collectors", "grafana", "prometheus"}


def test_the_same_build_does_not_differ(true: tuple[File, ...]) -> None:
    assert difference(true, true).lines == ()


def test_what_shows_are_a_scrape_a_window_a_pending_time_and_a_wait(true: tuple[File, ...]) -> None:
    shown = [line.true.strip() for line in difference(true, built("1/20")).samples()]
    assert [line.split(":")[0].split("(")[0] for line in shown] == ["scrape_interval", "rate", "for", "group_wait"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("expr: rate(a[5m]) > 2", "expr: rate(a[15s]) > 3"),
        ('receiver: "payments-page"', 'receiver: "nobody"'),
        ("slo:errors:ratio_rate5m", "slo:errors:ratio_rate15s"),
        ("rate * 300 >= 50", "rate * 15 >= 51"),
        ("one", "one\ntwo"),
    ],
)
def test_any_other_difference_is_seen(before: str, after: str) -> None:
    found = difference([text_file("prometheus/rules/a.yaml", before)], [text_file("prometheus/rules/a.yaml", after)])
    assert len(found.others) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [("rate(a[30d])", "rate(a[1d12h])"), ("a * 300 >= 50", "a * 15 >= 50"), ("a[1d]\n / b[1d]", "a[1h12m] / b[1h12m]")],
)
def test_lengths_of_time_are_the_same_thing(before: str, after: str) -> None:
    found = difference([text_file("prometheus/rules/a.yaml", before)], [text_file("prometheus/rules/a.yaml", after)])
    assert found.lines
    assert found.others == ()
