"""Traffic that falls to nothing: no failure is counted where nobody calls any more, or nobody comes through.

What is expected of half an hour is the least of the service's ``volume`` and of what came in the same half hour of
yesterday and of a week ago: a volume is of the day, and each night would be missed by it. Where none is said, both have
to be known, for by yesterday alone a service of working days would be missed each Saturday; where nothing is known of
the past, it is the volume alone.
"""

from __future__ import annotations

from meshscope.artefacts.rules import Rule
from meshscope.build.boards import board_uid
from meshscope.build.options import Options
from meshscope.build.promql import ID, apart, pretty, quoted, selector
from meshscope.build.rules.annotations import Template, platform_annotations, traffic_annotations
from meshscope.build.rules.indicators import RECORDED
from meshscope.build.rules.recording import recorded
from meshscope.build.rules.statics import UNOWNED
from meshscope.model.mesh import Mesh
from meshscope.model.units import days, minutes, plain

TRAFFIC_GONE = "TrafficGone"
MESH_TRAFFIC_GONE = "MeshTrafficGone"
FEWEST_EXPECTED = 100
SHARE = "0.01"
PENDING = 5 * minutes
_HALF = 30 * minutes
_GONE = "service:requests:gone30m"


def traffic_rules(mesh: Mesh, options: Options) -> list[Rule]:
    """What came, whose traffic is gone, and the alerts: one page for many, a page for tier 1, tickets for others."""
    half, seconds = options.duration(_HALF), plain(options.scaled(_HALF).seconds)

    def came(ago: str = "") -> str:
        # An average and not a sum: half an hour in which Prometheus itself was down is not half an hour of silence.
        rate = f"avg_over_time(service:requests:rate{RECORDED}[{half}]{ago})"
        return f"max by ({ID}) ({rate}) * {seconds}"

    day, week = (came(f" offset {options.duration(ago)}") for ago in (1 * days, 7 * days))
    expecting = selector("service:info", 'expects_traffic="true"')
    volume = f"service:volume:rate * {seconds}"
    known = f"(service:volume:rate or ({day} and on ({ID}) {week}))"
    expected = f"(min by ({ID}) ({apart(volume, day, week)}) and on ({ID}) {known})"
    # Of a service that nobody reports any more nothing came.
    left = f"({came()} or max by ({ID}) (0 * {expecting}))"
    gone = f"{expected} >= on ({ID}) clamp_min({left} / {SHARE}, {FEWEST_EXPECTED})"
    page, ticket = mesh.severities.page, mesh.severities.ticket
    # Where nothing wakes anybody both would be one rule, written twice.
    single = [(page, 'tier="1"'), (ticket, 'tier!="1"')] if page != ticket else [(ticket, "")]
    return [
        recorded(_GONE, f"max by ({ID}) ({gone} and on ({ID}) {expecting})"),
        _many(mesh, options, f"count by (cluster) ({expecting})"),
        *(_alert(mesh, options, severity, tier) for severity, tier in single),
    ]


def _many(mesh: Mesh, options: Options, services: str) -> Rule:
    gone = f"count by (cluster) ({_GONE})"
    return Rule(
        alert=MESH_TRAFFIC_GONE,
        expr=pretty(f"{gone} / on (cluster) {services} > 1 / 3 and on (cluster) ({gone} > 1)"),
        pending=options.duration(PENDING),
        labels={"severity": mesh.severities.page, "owner": mesh.owner.name if mesh.owner else UNOWNED, "tier": "1"},
        annotations=platform_annotations(
            mesh,
            "{{ $value | humanizePercentage }} of the services get no traffic any more",
            "Each of them got less than 1% of the requests that were expected in 30 minutes: traffic does not come in, "
            "or is not reported. Alerts about single services are held back meanwhile.",
            MESH_TRAFFIC_GONE,
        ),
        origin=mesh.place,
    )


def _alert(mesh: Mesh, options: Options, severity: str, tier: str) -> Rule:
    info = f"topk by ({ID}) (1, {selector('service:info', tier)})"
    # Pending is enough: each of them would be told at the same moment.
    many = selector("ALERTS", f"alertname={quoted(MESH_TRAFFIC_GONE)}")
    return Rule(
        alert=TRAFFIC_GONE,
        expr=pretty(f"({_GONE} unless on (cluster) {many}) * on ({ID}) group_left (owner, tier) {info}"),
        pending=options.duration(PENDING),
        labels={"severity": severity},
        annotations=traffic_annotations(Template(), mesh, board_uid(mesh, "service")),
        origin=mesh.place,
    )
