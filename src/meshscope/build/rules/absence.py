"""What should be reported and is not: requests, the bucket of a latency bound, or the telemetry of a whole cluster."""

from __future__ import annotations

from meshscope.build.promql import ID, SLO, pretty
from meshscope.build.rules.indicators import RECORDED, VIEW, answers_of

# Fewer single services have reasons of their own, unless they are all there are.
FEWEST_ABSENT = 5
_ANSWERS = answers_of(RECORDED)
_EXPECTED = 'service:info{expects_traffic="true"}'


def no_requests_expression() -> str:
    """Every SLO that should see traffic and of which no request is reported, good or bad."""
    return _owned(f"slo:objective:ratio unless on ({VIEW}) {_ANSWERS}", _EXPECTED)


def no_bucket_expression() -> str:
    """Every latency SLO whose requests are counted, but not up to its bound."""
    lacking = f'slo:objective:ratio{{sli="latency"}} and on ({SLO}) slo:events:rate5m'
    return _owned(f"{lacking} unless on ({SLO}) slo:errors:rate5m", "service:info")


def storm_expression() -> str:
    """By cluster, the share of services with a promise that should have traffic and have none, above a third."""
    promised = f"({_EXPECTED} and on ({ID}) slo:objective:ratio)"
    absent = f"count by (cluster) ({promised} unless on ({ID}) {_ANSWERS})"
    every = f"count by (cluster) ({promised})"
    return pretty(f"{absent} / {every} > 1 / 3 and ({absent} >= {FEWEST_ABSENT} or {absent} == {every})")


def _owned(absent: str, info: str) -> str:
    return pretty(
        f"max by ({SLO}, sli, period) ({absent}) * on ({ID}) group_left (owner, tier) topk by ({ID}) (1, {info})"
    )
