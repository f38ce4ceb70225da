"""What should be reported and is not: requests, the bucket of a latency bound, or the telemetry of a whole cluster."""

from __future__ import annotations

from meshscope.build.promql import ID, SLO, marked, pretty
from meshscope.build.rules.indicators import RECORDED, VIEW, answers_of

# Fewer single services have reasons of their own, unless they are all there are.
FEWEST_ABSENT = 5
_ANSWERS = answers_of(RECORDED)
_EXPECTED = 'service:info{expects_traffic="true"}'


def absence_expression() -> str:
    """Every SLO without an indicator; what is missing is its label.

    ``requests``: it should see traffic, and no request is reported, good or bad. ``bucket``: the requests of a latency
    are counted, but not up to its bound.
    """
    silent = f"slo:objective:ratio unless on ({VIEW}) {_ANSWERS}"
    lacking = (
        f'slo:objective:ratio{{sli="latency"}} and on ({SLO}) slo:events:rate5m unless on ({SLO}) slo:errors:rate5m'
    )
    parts = {"requests": _owned(silent, _EXPECTED), "bucket": _owned(lacking, "service:info")}
    return pretty(" or ".join(marked(part, missing=missing) for missing, part in parts.items()))


def storm_expression() -> str:
    """By cluster, the share of services with a promise that should have traffic and have none, above a third."""
    promised = f"({_EXPECTED} and on ({ID}) slo:objective:ratio)"
    every = f"count by (cluster) ({promised})"
    share = f"count by (cluster) ({promised} unless on ({ID}) {_ANSWERS}) / {every}"
    # Of fewer than five, all: what is compared is shares, so that what is absent is counted once.
    return pretty(f"({share} > 1 / 3) >= clamp_max({FEWEST_ABSENT} / {every}, 1)")


def _owned(absent: str, info: str) -> str:
    return f"max by ({SLO}, sli, period) ({absent}) * on ({ID}) group_left (owner, tier) topk by ({ID}) (1, {info})"
