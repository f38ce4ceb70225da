"""Houses for the command line's tests."""

from pathlib import Path

import pytest

from tests.houses import House, small

WRONG = """\
from meshscope import SLO, Latency, Service, days, ms, percent

quick = SLO(name="quick", of=Latency(under=200 * ms), objective=99 * percent, over=30 * days)
cart = Service(name="cart", namespace="shop", runbook="cart.md", slos=(quick,))
stock = Service(name="stock", namespace="shop", runbook="stock.md")
"""


@pytest.fixture
def good(tmp_path: Path) -> House:
    """A house with nothing wrong in it."""
    return small(tmp_path / "house")


@pytest.fixture
def wrong(tmp_path: Path) -> House:
    """A house with an error and two warnings that are alike, on a machine without engines."""
    empty = {"PATH": "/usr/bin:/bin", "MESHSCOPE_CACHE": str(tmp_path / "empty")}
    return House(small(tmp_path / "house", services__cart=WRONG).root, empty)
