"""A mesh so large that its hour is read from recorded rates: the same numbers, held against arithmetic done here."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from meshscope.build.rules import slo as rules
from meshscope.model.slo import SLO, Availability, Latency
from meshscope.model.units import days, ms, percent
from tests.rules.played import Look, counted, each, play, service

pytestmark = pytest.mark.engines("promtool")

AVAILABLE = SLO(name="availability", of=Availability(), objective=Decimal("99.9") * percent, over=30 * days)
FAST = SLO(name="latency", of=Latency(under=250 * ms), objective=99 * percent, over=30 * days)
HOURS = 2 * 120  # in steps of half a minute
EACH_STEP = 3000


@pytest.fixture(params=["small", "large"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "large":
        # A mesh without calls is taken to read none.
        monkeypatch.setattr(rules, "MOST_RAW_SERIES", -1)
    return str(request.param)


def buckets(name: str, within: str, every: str) -> list[dict[str, str]]:
    """How many of the successful requests were answered within the bound, and how many there were."""
    made = []
    for le, values in (("250", within), ("+Inf", every)):
        one = counted(name, "200", values)
        series = one["series"].replace("requests_total{", f'request_duration_milliseconds_bucket{{le="{le}",')
        made.append({**one, "series": series})
    return made


def test_its_hour_is_what_was_counted_in_it(size: str, engine: Callable[[str], Path], tmp_path: Path) -> None:
    # Of 3,000 in half a minute 60 fail; of the other 2,940 are 294 slow.
    series = [counted("shop", "200", f"0+2940x{HOURS}"), counted("shop", "503", f"0+60x{HOURS}")]
    series += buckets("shop", f"0+2646x{HOURS}", f"0+2940x{HOURS}")
    of = '{cluster="eu-1",namespace="shop",service="shop",slo="%s"}'
    wanted = {
        "slo:events:rate1h": {"availability": 100, "latency": 98},
        "slo:errors:rate1h": {"availability": 2, "latency": 9.8},
        "slo:errors:ratio_rate1h": {"availability": 0.02, "latency": 0.1},
    }
    looks = [
        Look("110m", f"round({name}, 0.001)", {of % slo: value for slo, value in values.items()})
        for name, values in wanted.items()
    ]
    play(engine("promtool"), tmp_path, [service("shop", AVAILABLE, FAST)], series, looks)


def test_it_pages_when_the_hour_holds_enough_of_an_outage(
    size: str, engine: Callable[[str], Path], tmp_path: Path
) -> None:
    well, out = f"0+{EACH_STEP}x{HOURS}", f"0+{EACH_STEP}x120 {EACH_STEP * 120}+0x{HOURS - 121}"
    series = [
        counted("well", "200", well),
        counted("out", "200", out),
        counted("out", "503", f"0x120 {EACH_STEP}+{EACH_STEP}x{HOURS - 121}"),
    ]
    # Beyond 14.4 x 0.1% of an hour after 52 s of nothing but failures; two minutes later where that is an hour of rates
    # which see them grow over five minutes: t x t / 600 s.
    before, after = ("60m30s", "61m30s") if size == "small" else ("62m30s", "63m30s")
    # The page over six hours is not looked at: this mesh is an hour old.
    pages = 'count by (service) (ALERTS{alertname="ErrorBudgetBurn",alertstate="firing",long="1h"})'
    looks = [Look(before, pages, {}), Look(after, pages, each(["out"]))]
    play(engine("promtool"), tmp_path, [service("well", AVAILABLE), service("out", AVAILABLE)], series, looks)
