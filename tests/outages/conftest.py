"""All chosen rows are played at once, when the first of them is asked for."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.outages.playing import Verdict, verdicts
from tests.outages.rows import read_rows


@pytest.fixture(scope="session")
def _played() -> dict[str, Verdict | Exception]:
    return {}


@pytest.fixture
def played(
    _played: dict[str, Verdict | Exception],
    engine: Callable[[str], Path],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[str, Verdict]:
    """What came of every row that was chosen."""
    if not _played:
        chosen = {item.callspec.params["row"] for item in request.session.items if item.function is request.function}
        rows = [row for row in read_rows() if row.name in chosen]
        promtool, alertmanager = engine("promtool"), engine("alertmanager")
        # Minutes of work: what fails as a whole is not tried again for each row.
        try:
            _played.update(verdicts(rows, promtool, alertmanager, tmp_path_factory.mktemp("outages")))
        except Exception as failure:
            _played.update(dict.fromkeys(chosen, failure))
    for found in _played.values():
        if isinstance(found, Exception):
            raise found
    return _played
