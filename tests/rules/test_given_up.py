"""Hung services: the callers hang up before any answer, and no proxy counts a failure."""

import pytest

from tests.rules.playing import AVAILABLE, FAST, Play, mesh, service, to

pytestmark = pytest.mark.engines("promtool")

BUCKET = "istio_request_duration_milliseconds_bucket"
WELL, HUNG = "0+150x120 18000+0x120", "0x120 0+150x120"
NEVER = "0x240"


def answered(name: str, values: str, within: str, flags: str = "") -> list[dict[str, str]]:
    """Requests, of which those that ``within`` counts ended within 250 ms; given up with ``flags``, if any."""
    labels = {"response_code": "0", "response_flags": flags} if flags else {}
    return [
        to(name, values, **labels),
        to(name, within, BUCKET, le="250", **labels),
        to(name, values, BUCKET, le="+Inf", **labels),
    ]


SERVICES = (
    service("hung", AVAILABLE, FAST),
    service("reset", AVAILABLE, FAST),
    service("watched", AVAILABLE, FAST, streams=True),
    service("impatient", AVAILABLE, FAST),
    service("half"),
    service("mostly-well"),
    service("rare"),
)
INPUTS = [
    *answered("hung", WELL, WELL),
    *answered("hung", HUNG, NEVER, "DC"),
    *answered("reset", WELL, WELL),
    *answered("reset", HUNG, NEVER, "DC,DR"),
    *answered("watched", WELL, WELL),
    *answered("watched", HUNG, NEVER, "DC"),
    *answered("impatient", "0+120x240", "0+120x240"),
    *answered("impatient", "0+30x240", "0+30x240", "DR"),
    to("half", "0+150x120 18000+60x120"),
    to("half", "0x120 0+90x120", response_code="0", response_flags="DR"),
    to("mostly-well", "0+150x120 18000+90x120"),
    to("mostly-well", "0x120 0+60x120", response_code="0", response_flags="DC"),
    to("rare", "0+0x240"),
    # 15 in five minutes.
    to("rare", "0+0.75x240", response_code="0", response_flags="DC"),
]


def named(name: str, slo: str = "availability") -> str:
    return f'{{cluster="c1", namespace="web", service="{name}", slo="{slo}"}}'


def test_a_hung_service_wakes_its_owner_with_and_without_a_latency_promise(engine, tmp_path):
    paged = 'group by (service) (max_over_time(ALERTS{alertname="%s",alertstate="firing",severity="page"}[50m]))'
    hung = {f'{{service="{name}"}}': 1.0 for name in ("hung", "reset", "half")}
    slow = {f'{{service="{name}"}}': 1.0 for name in ("hung", "reset")}
    bad = "round(slo:errors:ratio_rate5m, 0.001) > 0"
    good = 'round(slo:good:rate5m{slo="availability"}, 0.01)'
    Play(
        model=mesh(*SERVICES),
        inputs=INPUTS,
        expected={
            (paged % "CallersGiveUp", "30m"): {},
            (paged % "CallersGiveUp", "35m"): hung,
            (paged % "CallersGiveUp", "58m"): hung,
            (paged % "ErrorBudgetBurn", "42m"): slow,
            (paged % "ErrorBudgetBurn", "58m"): slow,
            # Never bad for availability, late where longer than the bound, neither where within it.
            (bad, "45m"): {named(name, "latency"): 1 for name in ("hung", "reset")},
            ('round(slo:events:rate5m{service="impatient"}, 0.01)', "45m"): {
                named("impatient"): 10,
                named("impatient", "latency"): 8,
            },
            # Given up is no good request, but for clients that end what they watch.
            (good, "45m"): {
                named("hung"): 0,
                named("reset"): 0,
                named("watched"): 10,
                named("impatient"): 8,
                named("half"): 4,
                named("mostly-well"): 6,
                named("rare"): 0,
            },
        },
    ).run(engine("promtool"), tmp_path)
