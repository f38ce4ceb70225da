"""Numbers to start from, taken from what was measured: never a promise that anybody gave.

An objective is proposed only where the measured time would have kept it with half of its error budget to spare, so
that an ordinary day does not page, and only where enough requests were seen for one failure more not to decide it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal

from meshscope.model.slo import PERIODS, SLO, Availability, Latency
from meshscope.model.units import Duration, Rate, days, per_minute, per_second, percent

OBJECTIVES = tuple(map(Decimal, ("99.9", "99.5", "99", "95")))
QUICK = Decimal(99)
SPARE = Decimal("0.5")
"""The share of the budget that the measured time must have left."""
FAILURES_SEEN = 10
"""How many failures the objective must have allowed within the measured time."""
SELDOM = Decimal("0.1")
"""Below so many requests a second people count by the minute."""
_USUAL = 30 * days


def period(retention: Duration | None) -> Duration:
    """The period of the proposed SLOs: 30 days, or the longest that ``retention`` holds."""
    if retention is None:
        return _USUAL
    fitting = [count * days for count in PERIODS if count * days <= min(retention, _USUAL)]
    return max(fitting, default=min(PERIODS) * days)


def availability(requests: float, failures: float, over: Duration) -> SLO | None:
    """An SLO that so many failures of so many requests would have kept; None where even 95% is too much or unproven."""
    objective = next((figure for figure in OBJECTIVES if _kept(requests, failures, figure)), None)
    if objective is None:
        return None
    return SLO(name="availability", of=Availability(), objective=objective * percent, over=over)


def latency(answered: float, under: Mapping[Duration, float], over: Duration) -> SLO | None:
    """An SLO at the lowest bound within which 99% were answered, with room to spare; None where there is none."""
    for bound in sorted(under):
        if _kept(answered, answered - under[bound], QUICK):
            return SLO(name="latency", of=Latency(under=bound), objective=QUICK * percent, over=over)
    return None


def _kept(events: float, bad: float, objective: Decimal) -> bool:
    allowed = Decimal(events) * (1 - objective / 100)
    return allowed >= FAILURES_SEEN and Decimal(max(bad, 0)) <= allowed * SPARE


def volume(requests: float, window: Duration) -> Rate | None:
    """The average over ``window`` to two digits of a number that can be read; None where there was nothing."""
    rate = Decimal(requests) / window.seconds
    if rate <= 0:
        return None
    each_minute = rounded(rate * 60)
    if each_minute < SELDOM * 60:
        return each_minute * per_minute
    return max(rounded(rate), SELDOM) * per_second


def rounded(number: Decimal) -> Decimal:
    """``number`` to two digits that count, written without an exponent."""
    short = Context(prec=2, rounding=ROUND_HALF_EVEN).create_decimal(number)
    return Decimal(f"{short:f}")
