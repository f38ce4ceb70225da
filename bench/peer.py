"""The usual shape of SLO rules: one set for each SLO, as Sloth documents it.

Seven error ratios from raw series and one over the period from the recorded 5-minute ratio, seven series about the SLO,
a page and a ticket of two windows each; three rule groups an SLO. Indicators count what ours count, at the callers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from bench import traffic
from bench.mesh import Node, Shape
from bench.traffic import CLUSTER, DAY, OBJECTIVE_BOUND, SLOS, Recorded

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
PERIOD = "30d"
_BURNS = (("page", 14.4, "5m", "1h", 6, "30m", "6h"), ("ticket", 3, "2h", "1d", 1, "6h", "3d"))
_SUCCEEDED = 'response_code!~"5..|0",grpc_response_status!~"2|4|12|13|14|15"'
_ONE = "on(sloth_id, sloth_slo, sloth_service) group_left"


def rule_file(services: Iterable[Node]) -> str:
    """The rules of both SLOs of each service, as JSON, which is YAML."""
    groups = [group for node in services for slo in SLOS for group in _groups(node, slo)]
    return json.dumps({"groups": groups})


def layers(shape: Shape) -> Iterator[Recorded]:
    """What these rules have recorded and read again: the 5-minute ratio, every 30 seconds for 30 days."""
    for number, node in enumerate(shape.services):
        for slo in SLOS:
            labels = {"__name__": "slo:sli_error:ratio_rate5m", **_identity(node, slo), "sloth_window": "5m"}
            yield Recorded(labels=labels, value=traffic.failing(number), step=traffic.STEP, span=30 * DAY + 600)


def _identity(node: Node, slo: str) -> dict[str, str]:
    service = f"{node.namespace}-{node.name}"
    return {"sloth_id": f"{service}-{slo}", "sloth_service": service, "sloth_slo": slo}


def _groups(node: Node, slo: str) -> Iterator[dict[str, object]]:
    identity = _identity(node, slo)
    own = ", ".join(f'{label}="{value}"' for label, value in identity.items())
    objective = float(node.objective) / 100 if slo == "availability" else 0.99
    name = identity["sloth_id"]
    yield {"name": f"sloth-slo-sli-recordings-{name}", "rules": list(_indicators(node, slo, own, identity))}
    yield {"name": f"sloth-slo-meta-recordings-{name}", "rules": list(_about(objective, own, identity))}
    yield {"name": f"sloth-slo-alerts-{name}", "rules": list(_alerts(1 - objective, own))}


def _indicators(node: Node, slo: str, own: str, identity: Mapping[str, str]) -> Iterator[dict[str, object]]:
    for window in WINDOWS:
        errors, total = (_availability if slo == "availability" else _latency)(node, window)
        yield _record(f"ratio_rate{window}", f"({errors})\n/\n({total})", {**identity, "sloth_window": window})
    recorded = f"slo:sli_error:ratio_rate5m{{{own}}}[{PERIOD}]"
    ratio = f"sum_over_time({recorded})\n/ ignoring (sloth_window)\ncount_over_time({recorded})"
    yield _record(f"ratio_rate{PERIOD}", ratio, {"sloth_window": PERIOD})


def _availability(node: Node, window: str) -> tuple[str, str]:
    of = _of(node)
    return (
        f'sum(rate(istio_requests_total{{{of},response_code=~"5..|0"}}[{window}]))',
        f"sum(rate(istio_requests_total{{{of}}}[{window}]))",
    )


def _latency(node: Node, window: str) -> tuple[str, str]:
    bucket = f"istio_request_duration_milliseconds_bucket{{{_of(node)},{_SUCCEEDED},le="
    total = f'sum(rate({bucket}"+Inf"}}[{window}]))'
    return f'{total} - sum(rate({bucket}"{OBJECTIVE_BOUND}.0"}}[{window}]))', total


def _of(node: Node) -> str:
    return (
        f'cluster="{CLUSTER}",destination_service_namespace="{node.namespace}",'
        f'destination_service_name="{node.name}",reporter="source"'
    )


def _record(name: str, expression: str, labels: Mapping[str, str]) -> dict[str, object]:
    return {"record": f"slo:sli_error:{name}", "expr": expression, "labels": dict(labels)}


def _about(objective: float, own: str, identity: Mapping[str, str]) -> Iterator[dict[str, object]]:
    budget = f"slo:error_budget:ratio{{{own}}}"
    for name, expression in (
        ("slo:objective:ratio", f"vector({objective})"),
        ("slo:error_budget:ratio", f"vector(1-{objective})"),
        ("slo:time_period:days", "vector(30)"),
        ("slo:current_burn_rate:ratio", f"slo:sli_error:ratio_rate5m{{{own}}}\n/ {_ONE}\n{budget}"),
        ("slo:period_burn_rate:ratio", f"slo:sli_error:ratio_rate{PERIOD}{{{own}}}\n/ {_ONE}\n{budget}"),
        ("slo:period_error_budget_remaining:ratio", f"1 - slo:period_burn_rate:ratio{{{own}}}"),
        ("sloth_slo_info", "vector(1)"),
    ):
        yield {"record": name, "expr": expression, "labels": dict(identity)}


def _alerts(budget: float, own: str) -> Iterator[dict[str, object]]:
    def beyond(window: str, factor: float) -> str:
        return f"(slo:sli_error:ratio_rate{window}{{{own}}} > ({factor} * {budget}))"

    for severity, quick, quick_short, quick_long, slow, slow_short, slow_long in _BURNS:
        parts = (
            f"({beyond(short, factor)} and ignoring (sloth_window) {beyond(long, factor)})"
            for factor, short, long in ((quick, quick_short, quick_long), (slow, slow_short, slow_long))
        )
        yield {
            "alert": "HighErrorRate",
            "expr": "\nor ignoring (sloth_window)\n".join(parts),
            "labels": {"sloth_severity": severity},
            "annotations": {"title": f"({severity}) {{{{$labels.sloth_service}}}} burns its error budget too fast"},
        }
