"""The rules of every SLO: base series, windows, burn-rate alerts, absence. One set of rules for any number of SLOs.

Layers: two base series for each SLO (events and errors a second); the first page's hour reads raw counters directly
while those are few, since a window of recorded 5-minute rates reacts two minutes later; half an hour and hours are sums
of the rates' sums of two minutes, days and the period sums of ten minutes, the period's taken once an hour. A range is
left-open, so consecutive sums tile exactly, and an evaluation that is missed drops out of errors and events alike.
"""

from __future__ import annotations

from meshscope.artefacts.rules import Rule, RuleGroup
from meshscope.build.options import Options
from meshscope.build.promql import SLO
from meshscope.build.rules.burn import BUDGET, THRESHOLD, budget_expression, threshold_expression
from meshscope.build.rules.events import longer_events, recorded_events
from meshscope.build.rules.indicators import Raw
from meshscope.build.rules.recording import recorded
from meshscope.build.rules.sums import ratio, slow_sums
from meshscope.model.model import Model
from meshscope.model.units import Duration, days, hours, minutes

HOURLY_PERIOD = "slo:errors:ratio_period1h"
# Above this many raw series the first page's hour is read from recorded rates: cheaper, and 2 minutes later.
MOST_RAW_SERIES = 300_000


def raw_series(model: Model) -> int:
    """About how many raw series the base rules read: each caller's pods report each code and each bucket in use."""
    replicas = {service.identity: service.replicas for service in model.services}
    pods = sum(replicas.get(caller, 2) for caller, _ in model.calls)
    return 3 * pods * (2 + len(model.latency_bounds))


def fast_rules(raw: Raw, model: Model) -> list[Rule]:
    """Base series and the page's windows, in the order of use."""
    short, hour = 5 * minutes, 1 * hours
    from_raw = raw_series(model) <= MOST_RAW_SERIES
    rules = recorded_events(raw, (short, hour) if from_raw else (short,))
    rules += longer_events(raw, hour, from_raw=from_raw)
    rules += [
        recorded(f"slo:errors:ratio_rate{window}", f"slo:errors:rate{window} / (slo:events:rate{window} > 0)")
        for window in (short, hour)
    ]
    return rules


def slow_rules(options: Options) -> list[Rule]:
    """Thresholds, sums of two minutes, the long windows' ratios, and the period's ratio as of the last full hour.

    Thresholds change as rarely as the constants that they come from.
    """
    rules = [recorded(BUDGET, budget_expression()), recorded(THRESHOLD, threshold_expression()), slow_sums(options)]
    rules += [
        recorded(f"slo:errors:ratio_rate{window}", ratio(window, options))
        for window in (30 * minutes, 2 * hours, 6 * hours, 1 * days, 3 * days)
    ]
    # What is recorded once an hour is forgotten after five minutes, by whoever asks for what is now.
    hourly = f"last_over_time({HOURLY_PERIOD}[{options.duration(2 * hours)}])"
    rules.append(recorded("slo:errors:ratio_period", f"{hourly} and on ({SLO}, period) slo:objective:ratio"))
    return rules


def hourly_rules(model: Model, options: Options) -> list[Rule]:
    """The ratio over each SLO's period: one rule, however many periods are in use."""
    ratios = [
        f"max by ({SLO}, period) (({ratio(period, options)})"
        f' * on ({SLO}) group_right () (slo:objective:ratio{{period="{period}"}} ^ 0))'
        for period in model.periods
    ]
    return [recorded(HOURLY_PERIOD, " or ".join(ratios))] if ratios else []


def group(name: str, interval: Duration, rules: list[Rule], options: Options) -> RuleGroup:
    """A group of querying rules."""
    return RuleGroup(name=name, interval=options.duration(interval), rules=tuple(rules))
