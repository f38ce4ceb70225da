"""The bridge: an alert for nobody that holds back a caller's page while the page of what it calls is news.

It lets go. Alertmanager's inhibitor sees a silenced alert as firing (inhibit/inhibit.go of 0.34 reads the provider of
alerts, not what is sent), so that a silence on the cause would silence its callers for as long as it fails. Fourteen
minutes after the first page of the cause the bridge ends; with the time that it keeps firing and Alertmanager's
interval a caller's page is told within twenty, whatever happened to the cause's.

What holds back what: a page about availability either kind of a caller's, one about latency only one about latency,
and only while the caller's share of bad requests is at most three times the callee's. A caller that fails much more
than what it calls has another cause.
"""

from __future__ import annotations

from meshscope.artefacts.rules import Rule
from meshscope.build.options import Options
from meshscope.build.promql import ID, pretty
from meshscope.build.rules.paging import pages_since, service_pages
from meshscope.model.mesh import Mesh
from meshscope.model.units import minutes, plain

DEPENDENCY_PAGING = "DependencyPaging"
KEPT = 5 * minutes
LONGEST = 14 * minutes
MOST_TIMES = 3
# How much of what a page is about is bad, for each service that pages and each kind of promise.
BAD = "service:paging:ratio_rate5m"

_SLO = f"{ID}, slo"
_CALLEE = "callee_cluster, callee_namespace, callee"
# ALERTS_FOR_STATE of an alert without a pending time begins anew when Prometheus is restarted (rules/group.go of 3.16
# restores those alone that pend for ten minutes); what it was before is still seen for this long, which is longer than
# the bridge may hold.
_REMEMBERED = 15 * minutes


def bridge_rules(mesh: Mesh, options: Options) -> list[Rule]:
    """What pages, and the bridge; to be evaluated after the pages, in their group."""
    return [
        Rule(record=BAD, expr=pretty(_bad(mesh))),
        Rule(
            alert=DEPENDENCY_PAGING,
            expr=bridge_expression(mesh, options),
            keep_firing_for=options.duration(KEPT),
            labels={"severity": "none"},
            annotations=bridge_annotations(),
        ),
    ]


def bridge_annotations() -> dict[str, str]:
    """What the bridge says, to whoever looks at it."""
    return {
        "summary": "{{ $labels.namespace }}/{{ $labels.service }} calls a service that pages",
        "description": "Told to nobody: it holds back this service's own pages about {{ $labels.sli }} for some "
        "minutes while their cause pages.",
    }


def bridge_expression(mesh: Mesh, options: Options) -> str:
    """Every service that pages and calls one that just began to, by the edges that may inhibit; with its kind."""
    young = f"{BAD} and on ({ID}, sli) ({_began(mesh, options)} > time() - {_seconds(options)})"
    by_availability = f'{BAD}{{sli="availability"}} and on ({ID}, sli) {young}'
    held = (_held("availability", by_availability), _held("latency", young))
    return pretty(" or ".join(f"max by ({ID}, sli) ({one})" for one in held))


def _bad(mesh: Mesh) -> str:
    ratio = "slo:errors:ratio_rate5m"
    return f"max by ({ID}, owner, sli) ({service_pages(mesh)} * on ({_SLO}) group_left () {ratio})"


def _began(mesh: Mesh, options: Options) -> str:
    """Since when a service pages about a kind of promise: its oldest page counts, so that a new one holds no longer."""
    firing = service_pages(mesh)
    since = f"min_over_time({pages_since(mesh)}[{options.duration(_REMEMBERED)}])"
    return f"min by ({ID}, sli) ({since} and ignoring (alertstate) {firing})"


def _held(kind: str, causes: str) -> str:
    """Callers' pages of one kind that the worst of ``causes`` explains."""
    renamed = f"max by ({ID}) ({causes})"
    for callee, own in (("callee", "service"), ("callee_namespace", "namespace"), ("callee_cluster", "cluster")):
        renamed = f'label_replace({renamed}, "{callee}", "$1", "{own}", "(.*)")'
    worst = (
        f'max by ({ID}) (service:calls:info{{inhibits="true"}} * on ({_CALLEE}) group_left () '
        f"max by ({_CALLEE}) ({renamed}))"
    )
    return f'{BAD}{{sli="{kind}"}} <= on ({ID}) group_left () ({MOST_TIMES} * {worst})'


def _seconds(options: Options) -> str:
    return plain(options.scaled(LONGEST).seconds)
