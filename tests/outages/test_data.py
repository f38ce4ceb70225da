"""The rows themselves: enough of them, each with its source, and read strictly."""

from collections import Counter
from itertools import combinations, product
from pathlib import Path

import pytest

from tests.outages.rows import EMITS, PERIODS, BadRow, read_row, read_rows

ROWS = read_rows()
PROVIDERS = ("istio", "opentelemetry")


def test_there_are_enough_rows_of_enough_ways_to_fail():
    ways = Counter(row.way for row in ROWS if not row.nobody)
    assert len(ROWS) >= 60
    assert len(ways) >= 25
    assert max(ways.values()) <= 4, ways.most_common(1)


def test_enough_rows_wake_nobody():
    assert sum(row.nobody for row in ROWS) >= 15


def test_few_outages_are_invisible():
    assert sum(bool(row.invisible) for row in ROWS) <= 8


def test_every_point_about_rules_and_people_has_rows():
    assert set(range(1, 8)) | {11, 12, 13} <= {point for row in ROWS for point in row.points}


def test_provider_period_and_emit_are_combined_in_pairs():
    """Every two of them meet in some row: three that must meet to fail are rarer than their product is dear."""
    values = (PROVIDERS, PERIODS, EMITS)
    seen = {pair for row in ROWS for pair in combinations(enumerate((row.provider, row.period, row.emit)), 2)}
    wanted = {
        ((first, one), (second, other))
        for first, second in combinations(range(len(values)), 2)
        for one, other in product(values[first], values[second])
    }
    assert not wanted - seen


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_says_in_which_file_of_which_version_it_stands(row):
    for source in row.sources:
        assert " at " in source.of or "#" in source.of, "a project at a version, or an issue by its number"
        assert source.file
        assert source.says


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("lasts =", "last ="), "lasts is missing"),
        (('within = "5m"', 'within = "soon"'), "`soon` is no time"),
        (('"shop/cart" =', '"shop/crate" ='), "no healthy series of shop/crate"),
        (('page = "carts"', 'pager = "carts"'), "nothing reads pager"),
        (("[[expected]]", "[[expect]]"), "nothing reads expect"),
        (('of = "checkout-7d9f"', 'of = "checkout"'), "no target checkout"),
    ],
)
def test_a_word_that_nothing_reads_is_an_error(change, complaint, tmp_path):
    text = (Path(__file__).parent / "refused-503-uf.toml").read_text()
    assert change[0] in text
    path = tmp_path / "row.toml"
    path.write_text(text.replace(*change))
    with pytest.raises(BadRow, match=complaint):
        read_row(path)
