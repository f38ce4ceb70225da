"""Burn rates: the windows that every SLO is watched over, and how many times too fast its budget may go in each.

Windows are the same for all periods; the rates are series by period and window, so that the rules are as many for five
periods as for one. Over the longest window the rate is 1 for every period: whatever breaks an objective steadily is
told before the period ends, and whatever keeps it is never told for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from meshscope.artefacts.rules import Rule
from meshscope.build.options import Options
from meshscope.build.promql import ID, INFO, marked, pretty
from meshscope.build.promql import SLO as SLO_ID
from meshscope.model.slo import BURN_WINDOWS, SLO
from meshscope.model.units import Duration, days, exact, hours, minutes, plain

FEWEST_BAD_EVENTS = 5
BUDGET = "slo:error_budget:ratio"
THRESHOLD = "slo:burn:threshold"
_FACTOR = "slo:burn:factor"
_WEEK = 7 * days


@dataclass(frozen=True, kw_only=True)
class Burn:
    """One pair of windows: both must burn ``factor`` times too fast, ``week`` times for a period of 7 days."""

    long: Duration
    short: Duration
    factor: Decimal
    week: Decimal
    pages: bool

    def rate(self, slo: SLO) -> Decimal:
        """How many times too fast the budget of ``slo`` must go."""
        if slo.burn_rates:
            return exact(slo.burn_rates[BURN_WINDOWS.index(self.long)])
        return self.usual(slo.over)

    def usual(self, period: Duration) -> Decimal:
        """The same for an SLO over ``period`` that says nothing else."""
        return self.week if period == _WEEK else self.factor

    def threshold(self, slo: SLO) -> Decimal:
        """The ratio of bad requests beyond which it burns; of 1 and more it can't."""
        return self.rate(slo) * slo.budget

    def spent(self, slo: SLO) -> Decimal:
        """The share of the budget that is spent within the long window at just that rate."""
        return self.rate(slo) * (self.long / slo.over)


BURNS = tuple(
    Burn(long=long, short=short, factor=Decimal(factor), week=Decimal(week), pages=pages)
    for long, short, factor, week, pages in (
        (1 * hours, 5 * minutes, "14.4", "13.4", True),
        (6 * hours, 30 * minutes, "6", "3.5", True),
        (1 * days, 2 * hours, "3", "1.4", False),
        (3 * days, 6 * hours, "1", "1", False),
    )
)


def out_of_reach(slo: SLO) -> tuple[Duration, ...]:
    """The long windows of the pages that can't fire, since not even an outage reaches their threshold."""
    return tuple(burn.long for burn in BURNS if burn.pages and burn.threshold(slo) >= 1)


def period_constants(periods: Iterable[Duration]) -> Iterable[Rule]:
    """The constants of each period: its length, and its burn rate for each window."""
    for period in periods:
        seconds = plain(period.seconds)
        yield Rule(record="slo:period:seconds", expr=f"vector({seconds})", labels={"period": str(period)})
        for burn in BURNS:
            labels = {"period": str(period), "long": str(burn.long)}
            yield Rule(record=_FACTOR, expr=f"vector({plain(burn.usual(period))})", labels=labels)


def own_constants(slo: SLO, labels: dict[str, str]) -> Iterable[Rule]:
    """The burn rates of an SLO that has its own; ``labels`` tell it from every other."""
    if slo.burn_rates:
        for burn in BURNS:
            value = f"vector({plain(burn.rate(slo))})"
            yield Rule(record=_FACTOR, expr=value, labels={**labels, "long": str(burn.long)}, origin=slo.place)


def budget_expression() -> str:
    """The share of requests that may be bad, by SLO.

    max, since while a changed definition is loaded one SLO may have two objectives for a moment.
    """
    return pretty(f"max by ({SLO_ID}) (1 - slo:objective:ratio)")


def threshold_expression() -> str:
    """The ratio of bad requests beyond which an SLO burns, by SLO and long window.

    A join on the period alone would match many SLOs with many windows, so it is one window after the other.
    """
    # max as for the usual ones: a label that somebody's ruler adds to constants must not make a second threshold.
    own = f'{BUDGET} * on ({SLO_ID}) group_right () max by ({SLO_ID}, long) ({_FACTOR}{{slo!=""}})'
    usual = " or ".join(
        f'(1 - slo:objective:ratio) * on (period) group_left (long) {_FACTOR}{{long="{burn.long}",slo=""}}'
        for burn in BURNS
    )
    return pretty(f"{own} or max by ({SLO_ID}, long) ({usual})")


def burn_labels(burn: Burn) -> dict[str, str]:
    """The labels that tell one pair of windows from another."""
    return {"long": str(burn.long), "short": str(burn.short)}


def burn_condition(burns: Iterable[Burn], options: Options) -> str:
    """When an SLO burns in any of ``burns``, with the labels of each that it does.

    Both windows are beyond the threshold, and there are enough bad events for a person to be woken. The value is the
    long window's error ratio.
    """
    return " or ".join(marked(_burning(burn, options), **burn_labels(burn)) for burn in burns)


def _burning(burn: Burn, options: Options) -> str:
    threshold = f'{THRESHOLD}{{long="{burn.long}"}}'
    burning = (
        f"slo:errors:ratio_rate{burn.long} > on ({SLO_ID}) {threshold}"
        f" and on ({SLO_ID}) (slo:errors:ratio_rate{burn.short} > on ({SLO_ID}) {threshold})"
    )
    if burn.pages:
        hour = plain(options.scaled(1 * hours).seconds)
        burning += f" and on ({SLO_ID}) (slo:errors:rate1h * {hour} >= {FEWEST_BAD_EVENTS})"
    return burning


def of_services(condition: str) -> str:
    """``condition`` by SLO, with the SLO's kind and the service's owner joined in."""
    objective = f"(topk by ({SLO_ID}) (1, slo:objective:ratio) ^ 0)"
    labelled = f"({condition}) * on ({SLO_ID}) group_left (sli, period) {objective}"
    return pretty(f"{labelled} * on ({ID}) group_left (owner, tier) {INFO}")
