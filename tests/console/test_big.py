"""A mesh of ten thousand services and a ledger of a hundred thousand incidents: the list is there at once."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser

from meshscope.adapters.ledgers.sqlite import SqliteLedger
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.people import People
from meshscope.feedback.ports import Record
from meshscope.feedback.state import Incident, Key, Phase, incident_entry
from tests.console.boutique_nights import NOW, Night, tonight, week
from tests.console.conftest import Site, opened, served
from tests.console.desk_twin import DeskTwin, Moment

SERVICES, INCIDENTS, OPEN = 10_000, 100_000, 1_000


@dataclass
class Counted:
    """A ledger that counts the records that it gave."""

    ledger: SqliteLedger
    given: int = 0

    def append(self, *arguments: object) -> object:
        return self.ledger.append(*arguments)  # type: ignore[arg-type]

    def _count(self, found: Sequence[Record]) -> Sequence[Record]:
        self.given += len(found)
        return found

    def heads(self, *arguments: object, **more: object) -> Sequence[Record]:
        return self._count(self.ledger.heads(*arguments, **more))  # type: ignore[arg-type]

    def records(self, *arguments: object, **more: object) -> Sequence[Record]:
        return self._count(self.ledger.records(*arguments, **more))  # type: ignore[arg-type]

    def history(self, subject: str) -> Sequence[Record]:
        return self._count(self.ledger.history(subject))


def many_services(known: Catalog) -> Catalog:
    template = list(known.services.values())
    services = {}
    for number in range(SERVICES):
        one = template[number % len(template)]
        key = Key("eu-1", f"team-{number // 50}", f"{one.key.name}-{number}")
        services[key] = replace(one, key=key, workload=key.name)
    return replace(known, services={**known.services, **services})


def incidents(known: Catalog) -> Iterator[Incident]:
    """As many incidents as wanted, most of them over, each as large as a real one."""
    night = Night(known)
    week(night)
    tonight(night)
    real = [entry.body for _, entry in night.entries if entry.kind == "incident"]
    keys = list(known.services)
    for number in range(INCIDENTS):
        one = msgspec.json.decode(real[number % len(real)], type=Incident)
        key = keys[(number * 7919) % len(keys)]
        one.id, one.service = f"{key.name}-{number:010x}", key
        if number < INCIDENTS - OPEN:
            one.phase, one.issue = Phase.CLOSED, None
        elif one.phase is Phase.CLOSED:
            one.phase = Phase.OPEN
        yield one


@pytest.fixture(scope="module")
def big(known: Catalog, people_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Counted]]:
    wide = many_services(known)
    path = tmp_path_factory.mktemp("big") / "ledger.sqlite"
    with SqliteLedger(path, anchors=None, signer=None, clock=Moment(NOW)) as ledger:
        batch = []
        for one in incidents(wide):
            batch.append(incident_entry(one))
            if len(batch) == 2_000:
                ledger.append(batch).result()
                batch = []
        counted = Counted(ledger)
        desk = DeskTwin(catalog=wide, ledger=counted, now=lambda: NOW)  # type: ignore[arg-type]
        with served(desk, People(people_file)) as site:
            yield site, counted


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
    with opened(browser, site) as tab:
        tab.sign_in("vera")
        painted = []
        for _ in range(3):
            tab.go("/incidents")
            tab.page.wait_for_selector(".line")
            painted.append(tab.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        assert tab.page.locator(".line").count() > 20
        assert tab.complaints == []
    with capsys.disabled():
        print(f"\n  first paint: {', '.join(f'{one:.0f} ms' for one in painted)}")
