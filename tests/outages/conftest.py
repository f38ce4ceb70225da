"""All chosen rows are played at once, when the first of them is asked for."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.outages.playing import Verdict, verdicts
from tests.outages.rows import read_rows


@pytest.fixture(scope="session")
def played(
    engine: Callable[[str], Path], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Verdict]:
    """What came of every row that was chosen."""
    ours = (item for item in request.session.items if Path(__file__).parent in item.path.parents)
    chosen = {item.callspec.params["row"] for item in ours if "played" in item.fixturenames}
    rows = [row for row in read_rows() if row.name in chosen]
    return verdicts(rows, engine("promtool"), engine("alertmanager"), tmp_path_factory.mktemp("outages"))
