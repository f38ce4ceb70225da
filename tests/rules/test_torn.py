"""Answers that are torn after their headers, and connections that are upgraded before they end."""

from dataclasses import replace

import pytest

from tests.rules.conftest import boutique
from tests.rules.playing import AVAILABLE, FAST, Play, mesh, service, to

pytestmark = pytest.mark.engines("promtool")

BUCKET = "istio_request_duration_milliseconds_bucket"
# Each proxy counts 150 requests in 15 seconds: 6 well and fast, 4 that end as the service's name says.
WELL, SO = "0+90x240", "0+60x240"
ENDS = {
    "torn": {"response_flags": "UC"},
    "reset": {"response_flags": "UR,DC", "grpc_response_status": ""},
    "timed-out": {"response_flags": "UT"},
    "gone": {"response_flags": "DC"},
    "retried": {"response_code": "404", "response_flags": "URX"},
    "limited": {"response_code": "429", "response_flags": "RL"},
    "rewritten": {"response_code": "404", "response_flags": "UF,URX"},
    "upgraded": {"response_code": "101", "response_flags": "UC"},
    "watched": {"response_flags": "UC"},
}
FAILED = ("torn", "reset", "timed-out", "rewritten")
# What is neither good nor slow: it failed, or it is no answer whose duration says anything.
NO_LATENCY = (*FAILED, "upgraded", "watched")


def ends(name: str) -> list[dict[str, str]]:
    """What is reported of a service: slow are the requests that end so, fast all others."""
    return [
        to(name, WELL),
        *(to(name, WELL, BUCKET, le=le) for le in ("250", "+Inf")),
        to(name, SO, **ENDS[name]),
        to(name, "0x240", BUCKET, le="250", **ENDS[name]),
        to(name, SO, BUCKET, le="+Inf", **ENDS[name]),
        to(name, SO, **ENDS[name], reporter="destination", destination_workload=name, pod=f"{name}-1"),
    ]


def named(name: str, slo: str = "availability") -> str:
    return f'{{cluster="c1", namespace="web", service="{name}", slo="{slo}"}}'


def test_a_torn_answer_is_a_failure_and_neither_good_nor_slow(engine, tmp_path):
    everyone = tuple(service(name, AVAILABLE, FAST, streams=name == "watched") for name in ENDS)
    at_instances = "round(sum by (service) (instance:failures:rate5m), 0.01)"
    Play(
        model=replace(mesh(*everyone), alerts=boutique().alerts),
        files=("objectives", "slo", "alerts"),
        inputs=[one for name in ENDS for one in ends(name)],
        expected={
            ('round(slo:errors:rate5m{slo="availability",service!="front"}, 0.01)', "45m"): {
                named(name): 4 if name in FAILED else 0 for name in ENDS
            },
            ('round(slo:good:rate5m{slo="availability",service!="front"}, 0.01)', "45m"): {
                named(name): 6 if name in FAILED else 10 for name in ENDS
            },
            ('round(slo:events:rate5m{slo="latency"}, 0.01)', "45m"): {
                named(name, "latency"): 6 if name in NO_LATENCY else 10 for name in ENDS
            },
            ('round(slo:errors:rate5m{slo="latency"}, 0.01)', "45m"): {
                named(name, "latency"): 0 if name in NO_LATENCY else 4 for name in ENDS
            },
            (at_instances, "45m"): {f'{{service="{name}"}}': 4 if name in FAILED else 0 for name in ENDS},
        },
    ).run(engine("promtool"), tmp_path)
