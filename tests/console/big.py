"""A mesh of ten thousand services and a ledger of a hundred thousand incidents, and how soon a browser paints them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import msgspec
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
_AT_ONCE = 2_000
# What is in the page may not be painted yet, so it is waited for.
_PAINTED = """() => new Promise(done => {
  const seen = list => list.getEntriesByName('first-contentful-paint').forEach(paint => done(paint.startTime));
  new PerformanceObserver(seen).observe({type: 'paint', buffered: true});
})"""


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


def many_services(known: Catalog, services: int) -> Catalog:
    template = list(known.services.values())
    more = {}
    for number in range(services):
        one = template[number % len(template)]
        key = Key("eu-1", f"team-{number // 50}", f"{one.key.name}-{number}")
        more[key] = replace(one, key=key, workload=key.name)
    return replace(known, services={**known.services, **more})


def incidents(known: Catalog, count: int, still_open: int) -> Iterator[Incident]:
    """As many incidents as wanted, most of them over, each as large as a real one."""
    night = Night(known)
    week(night)
    tonight(night)
    real = [entry.body for _, entry in night.entries if entry.kind == "incident"]
    keys = list(known.services)
    for number in range(count):
        one = msgspec.json.decode(real[number % len(real)], type=Incident)
        key = keys[(number * 7919) % len(keys)]
        one.id, one.service = f"{key.name}-{number:010x}", key
        if number < count - still_open:
            one.phase, one.issue = Phase.CLOSED, None
        elif one.phase is Phase.CLOSED:
            one.phase = Phase.OPEN
        yield one


@contextmanager
def large(
    known: Catalog, people: People, folder: Path, *, services: int = SERVICES, incidents_: int = INCIDENTS,
    still_open: int = OPEN,
) -> Iterator[tuple[Site, Counted]]:  # fmt: skip
    """A console of so many services and incidents, its ledger in ``folder``, and what that ledger gave."""
    wide = many_services(known, services)
    with SqliteLedger(folder / "ledger.sqlite", anchors=None, signer=None, clock=Moment(NOW)) as ledger:
        entries = map(incident_entry, incidents(wide, incidents_, still_open))
        while some := list(islice(entries, _AT_ONCE)):
            ledger.append(some).result()
        counted = Counted(ledger)
        desk = DeskTwin(catalog=wide, ledger=counted, now=lambda: NOW)  # type: ignore[arg-type]
        with served(desk, people) as site:
            yield site, counted


def first_paints(browser: Browser, site: Site, times: int) -> list[float]:
    """How many seconds each of ``times`` looks at the list takes, from asking for it to its first contentful paint."""
    with opened(browser, site) as tab:
        tab.sign_in("vera")
        painted = []
        for _ in range(times):
            tab.go("/incidents")
            tab.page.wait_for_selector(".line")
            painted.append(tab.page.evaluate(_PAINTED))
        assert tab.page.locator(".line").count() > 20
        assert tab.complaints == []
    return [milliseconds / 1000 for milliseconds in painted]
