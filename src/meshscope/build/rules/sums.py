"""Sums of the recorded 5-minute rates, from which hours and days are read: every 30 seconds is too dear for those.

Two minutes' sums, for hours, are one series for each SLO and label ``of``; ten minutes', for days, a series each.
"""

from __future__ import annotations

from meshscope.artefacts.rules import Rule
from meshscope.build.options import Options
from meshscope.build.promql import marked
from meshscope.build.rules.recording import FAST, OF_OURS, RARE, SLOW, recorded, step
from meshscope.model.units import Duration, days

_OF_HOURS = f"slo:rate5m:over{SLOW}"


def slow_sums(options: Options) -> Rule:
    """What was counted in two minutes: sums, and the most errors at once."""
    over = options.duration(SLOW)
    parts = " or ".join(
        marked(f"{fold}_over_time(slo:{what}:rate5m[{over}])", of=f"{what}_{fold}")
        for what, fold in (("events", "sum"), ("errors", "sum"), ("good", "sum"), ("errors", "max"))
    )
    return recorded(_OF_HOURS, f"({parts}) {OF_OURS}")


def rare_sums(options: Options) -> list[Rule]:
    """What was counted in ten minutes: days are read from it for a twentieth of what the rates would cost."""
    over = options.duration(RARE)
    return [
        recorded(f"slo:{what}:sum{RARE}", f"sum_over_time(slo:{what}:rate5m[{over}]) {OF_OURS}")
        for what in ("events", "errors")
    ]


def ratio(window: Duration, options: Options) -> str:
    """The share of bad requests over a ``window`` of hours or days, by SLO.

    A day may end ten minutes ago, an hour may not.
    """
    over = options.duration(window)
    if window >= 1 * days:
        errors, events = (f"sum_over_time(slo:{what}:sum{RARE}[{over}])" for what in ("errors", "events"))
        return f"{errors} / ({events} > 0)"
    errors, events = (_folded("sum", f"{what}_sum", over) for what in ("errors", "events"))
    return f"{errors} / ignoring (of) ({events} > 0)"


def most_errors(window: Duration, options: Options) -> str:
    """The most errors a second at once in a ``window`` of hours, by SLO and label ``of``."""
    return _folded("max", "errors_max", options.duration(window))


def requests(what: str, window: Duration, options: Options) -> str:
    """How many requests were ``what`` (errors, good) in a ``window`` of hours, by SLO and label ``of``.

    Divided by how many sums stand where one is to stand: promtool evaluates every group at one pace, and would count
    each request as often. It is one number for all, since a join for each window and kind costs more than the sums.
    """
    summed = _folded("sum", f"{what}_sum", options.duration(window))
    there = _folded("count", f"{what}_sum", options.duration(Duration(SLOW.seconds - FAST.seconds / 2)))
    return f"{summed} * (1 / scalar(max({there})) * {step(options)})"


def _folded(fold: str, of: str, over: str) -> str:
    return f'{fold}_over_time({_OF_HOURS}{{of="{of}"}}[{over}])'
