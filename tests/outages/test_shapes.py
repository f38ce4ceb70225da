"""Shapes in plain words become what a scrape would find."""

from fractions import Fraction

import pytest

from tests.outages.rows import BadRow
from tests.outages.shapes import notation, samples

TIMES = range(0, 121, 15)


def values(*shape, ever=()):
    return [None if value is None else float(value) for value in samples(shape, ever, TIMES)]


def test_a_counter_is_on_the_page_from_its_first_increment_on():
    assert values("nothing for 30s", "1 a second") == [None, None, None, 15, 30, 45, 60, 75, 90]


def test_a_bucket_without_requests_is_on_the_page_with_nothing():
    assert values("nothing for 1m", "0 a second") == [None, None, None, None, 0, 0, 0, 0, 0]


def test_whole_requests_only():
    assert values("1 every 1m") == [None, 1, 1, 1, 1, 2, 2, 2, 2]
    assert values("3 a minute until 1m", "nothing") == [None, None, 1, 2, 3, 3, 3, 3, 3]


def test_a_jump_and_a_reset():
    assert values("1 a second for 30s", "jumps by 100", "nothing for 30s", "starts anew", "1 a second") == [
        None,
        15,
        130,
        130,
        None,
        15,
        30,
        45,
        60,
    ]


def test_as_ever_and_gone():
    assert values("as ever until 1m", "absent", ever=("2 a second",)) == [None, 30, 60, 90, *[None] * 5]


def test_days_repeat():
    assert values("2 x (1 a second for 30s, nothing for 30s)") == [None, 15, 30, 30, 30, 45, 60, 60, 60]


def test_words_that_nothing_reads_are_refused():
    with pytest.raises(BadRow, match="lots a second"):
        values("lots a second")


def test_promtool_reads_runs_and_ends():
    assert notation([None, None, *map(Fraction, (5, 10, 15)), None, None]) == "_x2 5+5x2 stale _x1"
    assert notation([Fraction(1), Fraction(1), Fraction(0)]) == "1+0x1 0"
