"""How soon a browser paints the console's list of a large mesh."""

from __future__ import annotations

from statistics import median

from bench.figures import Figure, Goal
from bench.prometheus import workplace
from bench.talk import Talk
from meshscope.feedback.people import People
from tests.console.big import INCIDENTS, OPEN, SERVICES, first_paints, large
from tests.console.conftest import built, chromium, launched, written
from tests.console.desk_twin import boutique

FIRST_PAINT = Goal(name="console_first_paint_seconds", unit="seconds", goal=1.0)

_LOOKS = 9


def painted(talk: Talk) -> list[Figure]:
    """How long the first paint takes. Raises SystemExit where there is no browser."""
    return [first_paint(talk, SERVICES, INCIDENTS, OPEN)]


def first_paint(talk: Talk, services: int, incidents: int, still_open: int) -> Figure:
    """The figure for a mesh of so many services and incidents."""
    path = chromium()
    if path is None:
        raise SystemExit("chromium is not here: install the package chromium")
    with workplace() as folder:
        known, people = boutique(built(folder / "bundle")), People(written(folder / "people.toml"))
        talk.say(f"console: a ledger of {incidents:,} incidents is written")
        with (
            large(known, people, folder, services=services, incidents_=incidents, still_open=still_open) as (site, _),
            launched(path) as browser,
        ):
            talk.say(f"console: the list is painted {_LOOKS} times")
            seconds = first_paints(browser, site, _LOOKS)
    method = (
        f"first contentful paint of the list of incidents in chromium, without a window, from asking for the page; "
        f"median of {_LOOKS} looks by one person who is signed in, the slowest {max(seconds):.3f} s; {services:,} "
        f"services and {incidents:,} incidents in a SQLite ledger, {still_open:,} of them open, served on this machine"
    )
    return FIRST_PAINT.measured(median(seconds), method)
