"""How the demo looks: a table that can be read at any width, in which no path is broken."""

from fractions import Fraction

import pytest

from meshscope.demo.page import Page

SCALE = Fraction(1, 25)


def page(width: int = 80) -> tuple[Page, list[str]]:
    lines: list[str] = []
    return Page(write=lines.append, width=width), lines


def test_a_long_line_goes_on_below_its_text() -> None:
    told, lines = page(60)
    told.happened(1.0, SCALE, "agent", "one two three four five six seven eight nine ten")
    assert len(lines) > 1
    column = lines[0].index("one")
    assert all(len(line) - len(line.lstrip()) == column for line in lines[1:])
    assert max(map(len, lines)) <= column + 30


def test_a_path_stays_whole_however_narrow_the_terminal() -> None:
    told, lines = page(40)
    path = "/tmp/" + "/".join(["folder"] * 10)
    told.said("LOOK", [f"issues {path}"])
    told.quoted([path])
    assert sum(path in line for line in lines) == 2


@pytest.mark.parametrize(
    ("scale", "real", "seen"), [(SCALE, False, "2m 5s"), (SCALE, True, ""), (Fraction(1), False, "")]
)
def test_the_true_time_is_said_where_it_is_another(scale: Fraction, real: bool, seen: str) -> None:
    told, lines = page()
    told.happened(5.0, scale, "agent", "acts", real=real)
    (line,) = lines
    assert line.split() == ["5.0", "s", *seen.split(), "agent", "acts"]


def test_what_was_there_before_is_told_as_of_the_begin() -> None:
    told, lines = page()
    told.happened(-1.5, SCALE, "Prometheus", "fires")
    assert lines[0].split()[:3] == ["0.0", "s", "0s"]
