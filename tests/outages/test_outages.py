"""Every way to fail is told to whoever must know, in time, and to nobody else; what is healthy wakes nobody."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.outages.playing import Verdict
from tests.outages.rows import read_rows

pytestmark = pytest.mark.engines("promtool", "alertmanager")


def _rows() -> Iterator[Any]:
    for row in read_rows():
        # Strict: a row that has come true must not go on being excused.
        marks = [pytest.mark.xfail(reason=row.pending, strict=True)] if row.pending else []
        yield pytest.param(row.name, id=row.name, marks=marks)


@pytest.mark.parametrize("row", [*_rows()])
def test_whoever_must_know_is_told_and_nobody_else(row: str, played: Mapping[str, Verdict]) -> None:
    assert not played[row].wrong, str(played[row])
