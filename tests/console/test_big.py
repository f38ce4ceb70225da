"""A mesh of ten thousand services and a ledger of a hundred thousand incidents: the list is there at once."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from meshscope.feedback.catalog import Catalog
from meshscope.feedback.people import People
from tests.console.big import INCIDENTS, OPEN, SERVICES, Counted, first_paints, large
from tests.console.conftest import Site


@pytest.fixture(scope="module")
def big(known: Catalog, people_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Counted]]:
    with large(known, People(people_file), tmp_path_factory.mktemp("big")) as made:
        yield made


PAGES = ("/incidents", "/incidents", "/incidents?state=firing", "/incidents?state=all", "/incidents?owner=payments",
         "/incidents?q=checkout-77", "/incidents?state=all&q=nothing-has-this-name", "/services",
         "/services?q=ledger-99", "/services/eu-1/team-3/ledger-161", "/actions", "/ledger", "/ledger?kind=incident",
         "/agent")  # fmt: skip


def test_pages_of_a_large_mesh_read_little(big: tuple[Site, Counted], capsys: pytest.CaptureFixture[str]) -> None:
    site, ledger = big
    vera = site.client("vera")
    lines = []
    for number, path in enumerate(PAGES):
        before, began = ledger.given, time.perf_counter()
        answer = vera.get(path)
        took, read = time.perf_counter() - began, ledger.given - before
        assert answer.status == 200
        lines.append(f"{path:45} {1000 * took:6.0f} ms {read:6} records {len(answer.text) / 1024:6.0f} KiB")
        if "nothing-has" not in path and number:
            assert read <= 400, path
        assert read < 20_000, path
    with capsys.disabled():
        print(f"\n{SERVICES:,} services, {INCIDENTS:,} incidents, {OPEN:,} of them open:", *lines, sep="\n  ")


def test_a_search_that_looks_far_says_how_far_it_came(big: tuple[Site, Counted]) -> None:
    site, _ = big
    page = site.client("vera").get("/incidents?state=all&q=nothing-has-this-name").text
    assert "Looked through" in page
    assert "Look further back" in page


def test_the_list_is_painted_at_once(
    big: tuple[Site, Counted], browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    site, _ = big
    painted = first_paints(browser, site, 3)
    with capsys.disabled():
        print(f"\n  first paint: {', '.join(f'{1000 * one:.0f} ms' for one in painted)}")
