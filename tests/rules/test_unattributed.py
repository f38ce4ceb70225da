"""Outages in which the caller's proxy can't say whom it called, and what counts as failed.

What is reported when: see the docstring of the Istio provider for the sources.
"""

from dataclasses import replace

import pytest

from meshscope.model.services import Identity
from tests.rules.playing import AVAILABLE, FAST, WAYPOINT, Play, mesh, service, to, unknown

pytestmark = pytest.mark.engines("promtool")

# Good for 30 minutes, then not at all; nothing for 30 minutes, then every request.
WELL, BROKEN = "0+150x120 18000+0x120", "0x120 0+150x120"
ALL_ALONG = "0+150x240"
GATEWAY = {
    "source_workload": "istio-ingressgateway",
    "source_canonical_service": "istio-ingressgateway",
    "source_workload_namespace": "istio-system",
}


def outage(name: str, broken: dict[str, str]) -> list[dict[str, str]]:
    return [to(name, WELL), broken]


FAILING = {
    "no-cluster": unknown("no-cluster.web.svc.cluster.local:8080", BROKEN, response_code="503", response_flags="NC"),
    "no-route": unknown("no-route.web", BROKEN, response_code="404", response_flags="NR"),
    "no-host": unknown("no-host", BROKEN, response_code="503", response_flags="UH"),
    "absolute": unknown("absolute.web.svc.cluster.local.", BROKEN, response_code="503", response_flags="NC"),
    "short": unknown("short.web.svc:80", BROKEN, response_code="503", response_flags="NC,UF"),
    "black-hole": unknown(
        "black-hole.web.svc.cluster.local",
        BROKEN,
        destination_service_name="BlackHoleCluster",
        response_code="502",
    ),
    "grpc-no-route": unknown(
        "grpc-no-route.web", BROKEN, response_code="200", response_flags="NR", grpc_response_status="12"
    ),
    "known-no-route": to("known-no-route", BROKEN, response_code="404", response_flags="NR"),
    "upstream-gone": to("upstream-gone", BROKEN, response_code="0", response_flags="UC,DC"),
    "without-flag": to("without-flag", BROKEN, response_code="0"),
    "hung-up-on-503": to("hung-up-on-503", BROKEN, response_code="503", response_flags="UF,DC"),
    "edge": unknown("edge.web", BROKEN, response_code="503", response_flags="NC", **GATEWAY),
}
WELL_ALL_ALONG = {
    "scanned": unknown("scanned.web", BROKEN, response_code="404", response_flags="NR", **GATEWAY),
    "named-by-workload": unknown(
        "named-by-workload.web",
        BROKEN,
        response_code="404",
        response_flags="NR",
        source_workload="istio-ingressgateway",
        source_canonical_service="",
    ),
    "not-found": to("not-found", BROKEN, response_code="404"),
    "given-up": to("given-up", BROKEN, response_code="0", response_flags="DC"),
    "reset": to("reset", BROKEN, response_code="0", response_flags="DC,DR"),
    "elsewhere": unknown("elsewhere.other", BROKEN, response_code="503", response_flags="NC"),
}


def test_an_outage_that_the_caller_cannot_attribute_is_its_services(engine, tmp_path):
    services = [service(name) for name in (*FAILING, *WELL_ALL_ALONG)]
    inputs = [one for name, broken in FAILING.items() for one in outage(name, broken)]
    inputs += [one for name, other in WELL_ALL_ALONG.items() for one in (to(name, ALL_ALONG), other)]
    inputs += [
        unknown("api.example.com", ALL_ALONG, response_code="503", response_flags="UF"),
        unknown("203.0.113.7:8080", ALL_ALONG, response_code="503", response_flags="UF"),
    ]
    waypoint = {"reporter": "waypoint"}
    inputs += [
        to("ambient", WELL, **waypoint),
        unknown("ambient.web", BROKEN, response_code="404", response_flags="NR", **waypoint),
    ]
    ratio = "round(slo:errors:ratio_rate5m, 0.001)"
    named = '{{cluster="c1", namespace="web", service="{}", slo="availability"}}'
    broken = (*FAILING, "ambient")
    pages = 'group by (service) (max_over_time(ALERTS{alertname="ErrorBudgetBurn",long="1h",alertstate="firing"}[5m]))'
    Play(
        model=mesh(*services, service("ambient", dataplane=WAYPOINT)),
        inputs=inputs,
        expected={
            (f"{ratio} == 1", "45m"): {named.format(name): 1 for name in broken},
            (f"{ratio} != 1", "45m"): {named.format(name): 0 for name in WELL_ALL_ALONG},
            (pages, "30m"): {},
            (pages, "35m"): {f'{{service="{name}"}}': 1 for name in broken},
        },
    ).run(engine("promtool"), tmp_path)


def test_what_is_answered_without_a_namespace_is_counted_in_time_too(engine, tmp_path):
    """Older releases (istio#29354) report successes so, in counters and in the histogram alike."""
    bucket = "istio_request_duration_milliseconds_bucket"
    whose = '{cluster="c1", namespace="web", service="old", slo="latency"}'
    Play(
        model=mesh(service("old", AVAILABLE, FAST)),
        inputs=[
            unknown("old.web.svc.cluster.local", "0+100x80"),
            unknown("old.web.svc.cluster.local", "0+99x80", bucket, le="250.0"),
            unknown("old.web.svc.cluster.local", "0+100x80", bucket, le="+Inf"),
        ],
        expected={('round(slo:errors:ratio_rate5m{slo="latency"}, 0.001)', "15m"): {whose: 0.01}},
    ).run(engine("promtool"), tmp_path)


def test_a_deleted_service_of_a_mesh_without_clusters_pages_its_owner(engine, tmp_path):
    """As istio#15255, #28387 and #29354 tell it: 503 NC, the namespace unknown, the host as name."""
    shop = {"namespace": "shop", "cluster": ""}
    names = {"source_workload": "checkout", "source_workload_namespace": "shop", "pod": "checkout-a"}
    labels = "".join(f',{name}="{text}"' for name, text in names.items())
    host = "cart.shop.svc.cluster.local"
    known = f'destination_service="{host}",destination_service_name="cart",destination_service_namespace="shop"'
    lost = f'destination_service="{host}",destination_service_name="{host}",destination_service_namespace="unknown"'
    raw = 'istio_requests_total{reporter="source",namespace="shop",'
    Play(
        model=replace(
            mesh(replace(service("cart"), **shop), replace(service("checkout"), **shop)),
            gateways=(),
            calls=((Identity("", "shop", "checkout"), Identity("", "shop", "cart")),),
        ),
        inputs=[
            {
                "series": f'{raw}{known},response_code="200",response_flags="-"{labels}}}',
                "values": "0+150x240 36000x480",
            },
            {
                "series": f'{raw}{lost},response_code="503",response_flags="NC"{labels}}}',
                "values": "0x240 0+150x480",
            },
        ],
        expected={
            ("round(slo:errors:ratio_rate5m, 0.001)", "66m"): {
                '{namespace="shop", service="cart", slo="availability"}': 1
            },
            (
                'group by (service, owner) (ALERTS{alertname="ErrorBudgetBurn",severity="page",alertstate="firing"})',
                "63m",
            ): {'{service="cart", owner="web"}': 1},
        },
    ).run(engine("promtool"), tmp_path)
