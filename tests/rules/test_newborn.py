"""Counters that are born failing, and everything that only looks like one."""

import pytest

from tests.rules.playing import Play, mesh, reported, service

pytestmark = pytest.mark.engines("promtool")

# Samples are 15 s apart for two hours; what happens, happens after one.
UF = {"response_code": "503", "response_flags": "UF"}
DC = {"response_code": "0", "response_flags": "DC"}
ALL_OLD, ALL_NEW = "0x480", "100x480"

# For each proxy: what it reports of its service, its scrapes' new series, and how many failures can be known of: those
# before a series begins are, if nothing else explains it; those of the last minutes are not counted in full yet.
CASES: dict[str, tuple[list[tuple[str, dict[str, str]]], str, int]] = {
    "burst": ([("0+15x480", {}), ("_x240 1000x240", UF)], ALL_OLD, 1000),
    "unrouted": ([("0+15x480", {}), ("_x240 400x240", {"response_code": "404", "response_flags": "NR"})], ALL_OLD, 400),
    "slow-start": ([("0+15x480", {}), ("_x240 1+1x20 21x219", UF)], ALL_OLD, 21),
    "old-failures": ([("0+15x480", {}), ("0+1x480", UF)], ALL_OLD, 471),
    "scrapes-failed": (
        [("0+15x200 stale _x40 3600+15x238", {}), ("0+1x200 stale _x40 240+1x238", UF)],
        "0x200 0x41 100 0x237",
        430,
    ),
    "prometheus-was-down": (
        [("0+15x200 _x40 3615+15x238", {}), ("0+1x200 _x40 241+1x238", UF)],
        "0x200 _x40 100 0x237",
        431,
    ),
    "relabelled": (
        [
            ("0+15x239 stale", {}),
            ("0+1x239 stale", UF),
            ("_x239 3600+15x240", {"zone": "a"}),
            ("_x239 240+1x240", {"zone": "a", **UF}),
        ],
        "0x239 100 0x240",
        472,
    ),
    "failures-relabelled": (
        [("0+15x480", {}), ("0+1x239 stale", UF), ("_x239 240+1x240", {"zone": "a", **UF})],
        "0x239 30 0x240",
        472,
    ),
    "restarted": ([("0+15x238 stale 0+15x240", {}), ("_x239 50x240", UF)], "0x238 0 100 0x239", 0),
    "reset": ([("0+15x239 0+15x240", {}), ("0+1x239 0+1x240", UF)], ALL_OLD, 470),
    "expired-and-back": ([("0+15x480", {}), ("0+1x60 60x100 stale _x79 60x238", UF)], ALL_OLD, 60),
    "expired-and-back-less": ([("0+15x480", {}), ("0+1x60 60x100 stale _x79 7x238", UF)], ALL_OLD, 60),
    "flapped": ([("0+15x480", {}), ("0+1x200 stale _x29 201+1x250", UF)], ALL_OLD, 441),
    "new-pod": ([("_x239 0+15x240", {}), ("_x239 50x240", UF)], "_x239 100 0x239", 0),
    "given-up": ([("0+15x480", {}), ("_x240 300x240", DC)], ALL_OLD, 0),
}


def proxies() -> list[dict[str, str]]:
    """What all of them report."""
    made = []
    for name, (series, new, _) in CASES.items():
        target = {"job": "mesh-proxies", "instance": name}
        whose = {"destination_service": f"{name}.web.svc.cluster.local", "destination_service_name": name}
        made += [reported(values, **{**whose, **target, **labels}) for values, labels in series]
        for metric, values in (
            ("scrape_series_added", new),
            ("scrape_samples_post_metric_relabeling", ALL_NEW),
        ):
            labels = ",".join(f'{key}="{text}"' for key, text in target.items())
            made.append({"series": f"{metric}{{{labels}}}", "values": values})
    return made


def test_a_first_value_is_counted_once_and_nothing_else_is(engine, tmp_path):
    failed = "round(sum by (service) (sum_over_time(slo:errors:rate5m[2h]) * 30))"
    hour = "round(sum by (service) (slo:errors:rate1h) * 3600, 10) > 0"
    seen = 'round(sum by (service) (sum_over_time(slo:events:rate5m{service="given-up"}[2h]) * 30), 100)'
    Play(
        model=mesh(*(service(name) for name in CASES)),
        inputs=proxies(),
        expected={
            (f'{failed} and on (service) slo:errors:rate5m{{service!="front"}}', "2h"): {
                f'{{service="{name}"}}': float(count) for name, (_, _, count) in CASES.items()
            },
            # 15 requests for each of 470 scrapes (the last are not counted in full yet), and 300 that were given up.
            (seen, "2h"): {'{service="given-up"}': 7400},
            # The hour that pages is read from raw counters, and knows of the first values too.
            (f'{hour} and on (service) slo:errors:rate1h{{service=~"burst|unrouted"}}', "75m"): {
                '{service="burst"}': 1000,
                '{service="unrouted"}': 400,
            },
        },
    ).run(engine("promtool"), tmp_path)
