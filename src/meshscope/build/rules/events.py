"""What each SLO counts: events, the good ones, errors. Every window, alert and budget is a ratio of those.

| | events | good | errors |
|---|---|---|---|
| availability | all requests | successful and upgraded ones | failed ones |
| latency | successful ones, and those given up later than the bound | successful ones within the bound | all other |

A request that its caller gave up before any answer is no failure, since nobody knows what the answer would have been,
and no success either: an availability's events are more than its good ones and errors together. Given up within the
bound it says nothing of latency; later than that, the answer was late whatever it was. Where clients end what they
watch (``Service(streams=True)``) a request that is given up has ended well, and so has an answer that was torn after
its headers: a server that restarts ends all that is watched. An upgraded connection has no latency.
"""

from __future__ import annotations

from collections.abc import Iterable

from meshscope.artefacts.rules import Rule
from meshscope.build.promql import ID, SLO, marked
from meshscope.build.rules.indicators import ANSWERS, ENDED_BY_SERVERS, RECORDED, VIEW, Raw, answers_of
from meshscope.build.rules.newborn import newborn_rules
from meshscope.build.rules.recording import FAST, OF_OURS, recorded
from meshscope.model.units import Duration, plain

_AVAILABILITY = '(slo:objective:ratio{sli="availability"} ^ 0)'
_LATENCY = '(slo:objective:ratio{sli="latency"} ^ 0)'
_ENDED_BY_CLIENTS = 'service:info{streams="true"}'
_LATE = f"slo:late_given_up:rate{RECORDED}"
# What pages on outages and little traffic divide by: a request that was given up is in none of the two.
GOOD = f"slo:good:rate{RECORDED}"


def recorded_events(raw: Raw, windows: Iterable[Duration]) -> list[Rule]:
    """The series of 5 minutes, in the order of use; answers over each of ``windows``."""
    answers = " or ".join(marked(raw.answers(window), window=str(window)) for window in windows)
    rules = [
        *newborn_rules(raw),
        recorded(ANSWERS, answers),
        recorded(f"service:requests:rate{RECORDED}", f"{raw.requests(RECORDED)} and on ({VIEW}) service:info"),
        recorded(
            f"service:failures:rate{RECORDED}",
            f"({raw.failures(RECORDED)} or 0 * service:requests:rate{RECORDED}) and on ({VIEW}) service:info",
        ),
    ]
    late = _LATE if _counts_late(raw) else ""
    if late:
        rules.append(recorded(_LATE, _late(raw)))
    within = raw.answered_under(RECORDED, raw.bounds) if raw.bounds else ""
    rules.append(recorded(f"slo:events:rate{RECORDED}", _events(raw, RECORDED, late)))
    rules.append(recorded(GOOD, _good(raw, within, late)))
    rules.append(recorded(f"slo:errors:rate{RECORDED}", _errors(raw, RECORDED, GOOD)))
    return rules


def longer_events(raw: Raw, window: Duration, *, from_raw: bool) -> list[Rule]:
    """The series of ``window``, from raw counters or from what is recorded; given-up requests always from the latter.

    A window of recorded 5-minute rates reacts two minutes later than one of raw counters, and costs less.
    """

    def averaged(series: str) -> str:
        # A sum of all evaluations: an average would leave out the time before a series was born.
        return f"sum_over_time({series}[{raw.options.duration(window)}]) / {plain(window / FAST)}"

    if not from_raw:
        return [
            recorded(f"slo:{what}:rate{window}", f"{averaged(f'slo:{what}:rate{RECORDED}')} {OF_OURS}")
            for what in ("events", "errors")
        ]
    late = averaged(_LATE) if _counts_late(raw) else ""
    within = f"max by ({SLO}) ({_objectives(raw.answered_under(window, raw.bounds))})" if raw.bounds else ""
    good = f"({within} or {_none(late)})" if late else within
    return [
        recorded(f"slo:events:rate{window}", _events(raw, window, late)),
        recorded(f"slo:errors:rate{window}", _errors(raw, window, good)),
    ]


def _counts_late(raw: Raw) -> bool:
    return bool(raw.bounds and raw.provider.given_up)


def _objectives(within: str) -> str:
    return f"{within} * on ({VIEW}, under) group_right () {_LATENCY}"


def _late(raw: Raw) -> str:
    """Requests a second given up later than the bound, by SLO."""
    later = f"({raw.given_up_after(RECORDED, raw.bounds)} and on ({ID}) {ENDED_BY_SERVERS})"
    return f"max by ({SLO}) ({_objectives(later)})"


def _events(raw: Raw, window: Duration, late: str) -> str:
    # max, not sum: while a changed definition is loaded, one SLO may have two objectives for a moment.
    parts = [f"{raw.requests(window)} * on ({VIEW}) group_right () {_AVAILABILITY}"]
    if raw.bounds:
        parts.append(f"{raw.succeeded(window)} * on ({VIEW}) group_right () {_LATENCY}")
    events = f"max by ({SLO}) ({' or '.join(parts)})"
    # Summed apart from what it is added to, so that either may be missing.
    return f"sum by ({SLO}) ({events} or {marked(late, late='1')})" if late else events


def _good(raw: Raw, within: str, late: str) -> str:
    provider = raw.provider
    well = [answers_of(RECORDED, kind) for kind in (provider.succeeded, provider.upgraded) if kind]
    well += [
        f"({answers_of(RECORDED, ended)} and on ({ID}) {_ENDED_BY_CLIENTS})"
        for ended in (provider.given_up, provider.torn)
        if ended
    ]
    parts = [f"sum by ({VIEW}) ({' or '.join(well)}) * on ({VIEW}) group_right () {_AVAILABILITY}"]
    if within:
        parts.append(_objectives(within))
    zeros = [_zero(RECORDED), *([_none(late)] if late else [])]
    return " or ".join((f"max by ({SLO}) ({' or '.join(parts)})", *zeros))


def _errors(raw: Raw, window: Duration, good: str) -> str:
    failed = f"max by ({SLO}) ({raw.failures(window)} * on ({VIEW}) group_right () {_AVAILABILITY})"
    parts = [failed, _zero(window)]
    if raw.bounds:
        events = f'(slo:events:rate{window} and on ({SLO}) slo:objective:ratio{{sli="latency"}})'
        parts.append(f"clamp_min({events} - on ({SLO}) {good}, 0)")
    return " or ".join(parts)


def _none(late: str) -> str:
    # By SLO alone: what is read carries our labels (ours.py), and what it stands beside does not.
    return f"0 * max by ({SLO}) ({late})"


def _zero(window: Duration) -> str:
    # A service that never failed has no series of failures; without a zero it would have no ratio at all.
    return f'(0 * slo:events:rate{window} and on ({SLO}) slo:objective:ratio{{sli="availability"}})'
