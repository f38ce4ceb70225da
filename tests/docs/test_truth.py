"""Each sentence of what is promised has a test, and each test that is named is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
POINTS = [f"truth/{number:02d}" for number in range(1, 24)] + [
    f"agent-robustness/{number:02d}" for number in range(1, 12)
]


def rows(point: str) -> list[tuple[str, str]]:
    """(demand, what holds it) of a page's table."""
    found = re.findall(r"^\|([^|]+)\|(.+)\|$", (DOCS / f"{point}.md").read_text(), flags=re.MULTILINE)
    return [(one.strip(), other.strip()) for one, other in found if not set(one.strip()) <= set("-: ")][1:]


@pytest.mark.parametrize("point", POINTS)
def test_every_point_has_its_demands_with_a_test_or_a_reason(point: str):
    assert rows(point)
    for demand, held in rows(point):
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?", held)
        assert named or len(held) > 20, f"{point}: {demand} is held by nothing, and nobody says why"
        for path, test in named:
            assert (ROOT / path).is_file(), f"{point}: {path}"
            assert not test or re.search(rf"^(?:    )?def {test}\(", (ROOT / path).read_text(), re.MULTILINE), (
                f"{point}: {path} has no {test}"
            )
