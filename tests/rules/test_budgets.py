"""What breaks a promise is told in time, and what keeps it never: held against arithmetic that is done here.

The numbers are those of the promise itself and of the table that the documentation prints, not the generator's.
"""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from meshscope.build.rules.burn import BURNS
from meshscope.model.slo import SLO, Availability
from meshscope.model.units import days, percent
from tests.rules.played import Look, counted, each, fired, play, service

pytestmark = pytest.mark.engines("promtool")

PERIODS = (7, 14, 28, 30, 90)
WINDOWS = ("1h", "6h", "1d", "3d")
RATES = {7: ("13.4", "3.5", "1.4", "1"), **dict.fromkeys((14, 28, 30, 90), ("14.4", "6", "3", "1"))}
PAGES = ("1h", "6h")
END = 9 * 60
TOLD = "ErrorBudgetBurn|ErrorBudgetSpent|Outage|NothingSucceeds"


def promise(objective: str, over: int, burn_rates: tuple[float, ...] = ()) -> SLO:
    return SLO(
        name="availability",
        of=Availability(),
        objective=Decimal(objective) * percent,
        over=over * days,
        burn_rates=burn_rates,
    )


def traffic(name: str, share: Decimal, steps: int, every: int = 100_000) -> list[dict[str, str]]:
    """``every`` requests in each step, of which ``share`` fails."""
    bad = int(every * share)
    return [counted(name, "200", f"0+{every - bad}x{steps}"), counted(name, "503", f"0+{bad}x{steps}")]


def test_a_steady_rate_is_told_before_the_period_ends_if_it_breaks_the_promise_and_never_if_it_keeps_it(
    engine: Callable[[str], Path], tmp_path: Path
) -> None:
    steps = 91 * 24 * 24  # a sample each two and a half minutes
    budget = Decimal("0.001")
    services, series, looks = [], [], []
    for over in PERIODS:
        for word, times in (("breaks", Decimal("1.05")), ("keeps", Decimal("0.9"))):
            name = f"{word}-{over}d"
            services.append(service(name, promise("99.9", over)))
            series += traffic(name, budget * times, steps)
        looks.append(Look(f"{over}d", fired(TOLD, f"breaks-{over}d", f"{over}d"), each([f"breaks-{over}d"])))
    looks.append(Look("91d", fired(TOLD, "keeps-.*", "91d"), {}))
    play(engine("promtool"), tmp_path, services, series, looks, interval="150s", every="1h")


def test_each_period_alerts_from_its_own_burn_rates_on(engine: Callable[[str], Path], tmp_path: Path) -> None:
    own = ("10", "5", "2", "1")
    cases = [(f"p{over}", promise("99.9", over), rates) for over, rates in RATES.items()]
    cases.append(("own", promise("99.9", 30, tuple(map(float, own))), own))
    services, series, looks = [], [], []
    for word, slo, rates in cases:
        for index, rate in enumerate(rates):
            for where, times in (("above", Decimal("1.02")), ("below", Decimal("0.98"))):
                name = f"{word}-{where}-{index}"
                services.append(service(name, slo))
                series += traffic(name, Decimal("0.001") * Decimal(rate) * times, 60, 1_000_000)
    for index, window in enumerate(WINDOWS):
        named = f'count by (service) (ALERTS{{alertname="ErrorBudgetBurn",long="{window}",alertstate="firing",service=~'
        beyond = each(f"{word}-above-{index}" for word, _, _ in cases)
        looks.append(Look("15m", f'{named}".*-above-{index}"}})', beyond))
        looks.append(Look("15m", f'{named}".*-below-{index}"}})', {}))
        severity = "page" if window in PAGES else "ticket"
        others = f'ALERTS{{alertname="ErrorBudgetBurn",long="{window}",severity!="{severity}"}}'
        looks.append(Look("15m", others, {}))
    play(engine("promtool"), tmp_path, services, series, looks)


def test_what_a_burn_rate_spends_is_its_factor_times_its_window_by_the_period() -> None:
    """Hours at a rate use up rate x hours of the period's hours."""
    hours = dict(zip(WINDOWS, (1, 6, 24, 72), strict=True))
    spent = {over: {str(burn.long): 100 * burn.spent(promise("99.9", over)) for burn in BURNS} for over in PERIODS}
    for over, rates in RATES.items():
        for window, rate in zip(WINDOWS, rates, strict=True):
            assert spent[over][window] == pytest.approx(100 * Decimal(rate) * hours[window] / (over * 24))
    assert [round(float(spent[7][window]) * 2) / 2 for window in WINDOWS] == [8, 12.5, 20, 43]
    assert [float(spent[30][window]) for window in WINDOWS] == [2, 5, 10, 10]


def test_an_outage_pages_whatever_the_budget_and_the_period(engine: Callable[[str], Path], tmp_path: Path) -> None:
    promises = [(objective, over) for objective in ("50", "95", "99.99") for over in (7, 30, 90)]
    services, series = [], []
    for objective, over in promises:
        for share in ("0.85", "0.9", "1"):
            name = f"o{objective.replace('.', '-')}-{over}d-{share.replace('.', '-')}"
            services.append(service(name, promise(objective, over)))
            bad = int(1000 * Decimal(share))
            good = 1000 - bad
            series += [
                counted(name, "200", f"0+1000x40 {40_000 + good}+{good}x60"),
                counted(name, "503", f"0x40 {bad}+{bad}x60"),
            ]
    told = [one.name for one in services if not one.name.endswith("0-85")]
    soon = [name for name in told if name.endswith("-1")]
    looks = [
        # All fail from 20 minutes on, so nine tenths of ten minutes are bad after nine, and two and a half more since
        # 5-minute rates lag by half of their window.
        Look("20m", fired("Outage", ".*", "20m"), {}),
        Look("32m", fired("Outage", ".*-1", "12m"), each(soon)),
        Look("40m", fired("Outage", ".*", "20m"), each(told)),
    ]
    play(engine("promtool"), tmp_path, services, series, looks)


def requests_each(minutes: int, since: int, until: int) -> str:
    """One request each ``minutes``, from minute ``since`` to ``until``, as a counter sampled twice a minute."""
    moments = set(range(since, until + 1, minutes))
    return at_minutes(dict.fromkeys(moments, 1), END)


def at_minutes(counts: dict[int, int], end: int) -> str:
    """So many requests at these minutes."""
    parts, total, last = [], 0, 0
    for moment, count in sorted(counts.items()):
        parts.append(f"{total}x{(moment - last) * 2 - 1}" if moment > last else "")
        total, last = total + count, moment
    parts.append(f"{total}x{(end - last) * 2}")
    return " ".join(part for part in parts if part)


def test_with_little_traffic_of_which_nothing_succeeds_somebody_is_woken(
    engine: Callable[[str], Path], tmp_path: Path
) -> None:
    """Counted from the last good request, at minute 120."""
    slo, last = promise("99.9", 30), 2 * 60
    within = {10: 35, 20: 65, 60: 370, 120: 370}
    services, series, looks = [], [], []
    for apart, limit in within.items():
        name = f"each-{apart}"
        services.append(service(name, slo))
        series.append(counted(name, "200", requests_each(apart, 0, last)))
        series.append(counted(name, "503", requests_each(apart, last + apart, END)))
        looks.append(Look(f"{last + limit}m", fired("NothingSucceeds", name, f"{limit}m"), each([name])))
        looks.append(Look(f"{last}m", fired(TOLD, name, f"{last}m"), {}))
    alone = {
        "alone": {0: 1},
        "tried-three-times": {0: 1, 1: 1, 2: 1},
        "three-at-once": {0: 3},
        "tried-four": {0: 2, 3: 2},
    }
    for name, failures in alone.items():
        services.append(service(name, slo))
        series.append(counted(name, "200", at_minutes(dict.fromkeys(range(0, last - 30, 60), 1), END)))
        series.append(counted(name, "503", at_minutes({last + after: count for after, count in failures.items()}, END)))
    services.append(service("now-and-then-good", slo))
    series.append(counted("now-and-then-good", "200", requests_each(25, 0, END)))
    # The good request of minute 0 is the counter's first value, which no rate sees; the next is at 25.
    series.append(counted("now-and-then-good", "503", requests_each(10, 33, END)))
    quiet = "|".join((*alone, "now-and-then-good"))
    looks.append(Look("9h", fired("NothingSucceeds", quiet, "9h"), {}))
    paged = f'count by (service) (max_over_time(ALERTS{{severity="page",service=~"{"|".join(alone)}"}}[9h]))'
    looks.append(Look("9h", paged, {}))
    play(engine("promtool"), tmp_path, services, series, looks)
