"""When a service is out whatever its error budget: nearly every request is bad, or none was good for a while.

A large budget or a long period makes burn rates slow, and with little traffic the few bad requests that a page by burn
rate wants never come together. Requests are counted by adding up the rates that each evaluation recorded: a request
counts for as long as it stays in the 5-minute window, so the sum is exact however few there are.
"""

from __future__ import annotations

from decimal import Decimal

from meshscope.artefacts.rules import Rule
from meshscope.build.options import Options
from meshscope.build.promql import SLO, pretty
from meshscope.build.rules.burn import BUDGET, FEWEST_BAD_EVENTS
from meshscope.build.rules.recording import OF_OURS, step
from meshscope.build.rules.slo import HOURLY_PERIOD
from meshscope.build.rules.sums import most_errors, requests
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.units import Duration, hours, minutes, plain

OUTAGE_WINDOW = 10 * minutes
OUTAGE_RATIO = Decimal("0.9")
LITTLE_WINDOWS = (30 * minutes, 1 * hours, 2 * hours, 6 * hours)
FEWEST_FAILURES = 3
SINCE_GOOD = "slo:errors:since_good"
_RATE_WINDOW = 5 * minutes
# Half a request: sums are off by a part of one, since evaluations don't fall into step with scrapes.
_HALF = Decimal("0.5")
_ROUNDING = Decimal("0.001")
# The worst five minutes are one failure and its retries; what counts is a fifth more than they hold, since their count
# is off by up to an eighth.
_BEYOND_ONE_BURST = Decimal("1.2")


def outage_condition(options: Options) -> str:
    """At least nine of ten requests bad over ten minutes, and five bad at least. The value is their share."""
    window = options.duration(OUTAGE_WINDOW)
    bad, good = (f"(sum_over_time(slo:{what}:rate5m[{window}]) * {step(options)})" for what in ("errors", "good"))
    # Each sum is taken once, and few are divided: those with enough bad requests.
    few_good = f"{good} / ({bad} >= {plain(FEWEST_BAD_EVENTS - _HALF)})"
    return f"1 / (1 + {few_good}) >= {plain(OUTAGE_RATIO - _ROUNDING)}"


def since_good(mesh: Mesh, options: Options) -> Rule:
    """Record how many requests were bad in the shortest window in which at least three were and none was good.

    Retries within five minutes are one failure: whatever the worst five minutes hold is not enough by itself. Hours are
    dear, so this is recorded every two minutes; the page reads it among the others.
    """
    expression = " or ".join(_none_good(window, mesh, options) for window in LITTLE_WINDOWS)
    of_ours = f"max by ({SLO}) ({expression}) {OF_OURS}"
    return Rule(record=SINCE_GOOD, expr=pretty(of_ours))


def _none_good(window: Duration, mesh: Mesh, options: Options) -> str:
    bad, good = (requests(what, window, options) for what in ("errors", "good"))
    # rate() spreads a burst over the window less one scrape.
    plateau = max(_RATE_WINDOW.seconds - mesh.scrape_interval.seconds, _RATE_WINDOW.seconds / 2)
    burst = plain(options.scaled(Duration(plateau)).seconds)
    one = f"{plain(_BEYOND_ONE_BURST)} * {burst} * {most_errors(window, options)}"
    # What is compared last is compared for few.
    failing = f"({bad} >= {plain(FEWEST_FAILURES - _HALF)} and ignoring (of) {good} < {plain(_HALF)})"
    return f"({failing} > ignoring (of) {one})"


def spent_condition(model: Model, options: Options) -> str:
    """More bad requests in the period than its budget, once a tenth of it is known. The value is their share."""
    old_enough = " or ".join(_known_for_a_tenth(period, options) for period in model.periods)
    known = f"slo:errors:ratio_period and on ({SLO}, period) ({old_enough})"
    return f"max by ({SLO}) ({known}) > on ({SLO}) {BUDGET}"


def _known_for_a_tenth(period: Duration, options: Options) -> str:
    tenth = options.duration(Duration(period.seconds / 10))
    return f'present_over_time({HOURLY_PERIOD}{{period="{period}"}}[{tenth}] offset {tenth})'
