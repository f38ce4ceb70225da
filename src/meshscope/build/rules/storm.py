"""A storm of pages: many services of an owner page at once, and one page says so in place of all of them.

Counted are services whose page the bridge does not hold back. The page about many is made in the group of the pages
that it stands for, so that Alertmanager has it before it would send the first of them.

While a page is held back Alertmanager sends no end of it either (notify/notify.go of 0.34: what is muted is taken out
of the message, and the group forgets what is over): whoever was told before the storm and recovered within it has an
incident that stays open. A ticket lists those.
"""

from __future__ import annotations

from meshscope.artefacts.rules import Rule
from meshscope.build.boards import board_uid
from meshscope.build.options import Options
from meshscope.build.ours import our_labels
from meshscope.build.promql import ID, one_of, pretty, quoted, selector
from meshscope.build.rules.annotations import platform_annotations
from meshscope.build.rules.bridge import BAD, DEPENDENCY_PAGING
from meshscope.build.rules.paging import SERVICE_PAGES
from meshscope.model.alerting import Severity
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.units import hours, minutes

MANY_SERVICES_FAILING = "ManyServicesFailing"
PAGES_LEFT_OPEN = "PageLeftOpen"
FEWEST_OF_AN_OWNER = 10
FEWEST_OF_A_CLUSTER = 5
# One in so many services of a cluster.
SHARE = 3
KEPT = 5 * minutes

_OPEN = "service:paging:open"
_WORST = (
    '{{ range printf "sort_desc(topk(10, max by (namespace, service) '
    f"({BAD}{{cluster=%q,owner=%q}})))"
    '" $labels.cluster $labels.owner | query }} '
    "{{ .Labels.namespace }}/{{ .Labels.service }} ({{ .Value | humanizePercentage }}){{ end }}"
)


def counted_pages(model: Model) -> tuple[str, ...]:
    """The names of all pages about single services and instances, those of definition files too."""
    own = (alert.camel for alert in model.alerts if alert.severity is Severity.PAGE)
    return tuple(sorted({*SERVICE_PAGES, *own}))


def storm_rules(model: Model, options: Options) -> list[Rule]:
    """The page about many, what pagers have open, and the ticket; after the bridge, in the pages' group."""
    mesh = model.mesh
    paging = _firing(mesh, one_of("alertname", counted_pages(model)), _severity(mesh), 'stage!="agent"')
    held = _firing(mesh, f"alertname={quoted(DEPENDENCY_PAGING)}")
    free = f"{paging} unless on ({ID}, sli) {held}"
    many = _firing(mesh, f"alertname={quoted(MANY_SERVICES_FAILING)}")
    incident = f"{ID}, owner, slo"
    storm = f"on (cluster, owner) {many}"
    return [
        _many(mesh, many_expression(f"max by ({ID}, owner) ({free})"), options),
        Rule(
            record=_OPEN,
            expr=pretty(f"(max by ({incident}) ({free}) unless {storm}) or ({_OPEN} and {storm})"),
        ),
        _left_open(mesh, pretty(f"({_OPEN} and {storm}) unless on ({ID}, slo) max by ({ID}, slo) ({paging})"), options),
    ]


def many_expression(paging: str) -> str:
    """How many services of an owner are ``paging``: ten, or any where a third of the cluster does and five at least."""
    every = "count by (cluster) (service:info)"
    fewest = f"clamp_min({every} / {SHARE}, {FEWEST_OF_A_CLUSTER})"
    # Ten of an owner, or one where enough of the cluster pages: the comparison is 1 where it does not.
    calm = f"(count by (cluster) ({paging}) < bool on (cluster) {fewest})"
    of_owner = f"count by (cluster, owner) ({paging})"
    return pretty(f"{of_owner} >= on (cluster) group_left () clamp_min({FEWEST_OF_AN_OWNER} * {calm}, 1)")


def many_annotations(mesh: Mesh, worst: str = _WORST) -> dict[str, str]:
    """What the page about many says: how many, the ten ``worst``, and where to look."""
    wakes = mesh.severities.wakes
    left_open = " Pages that were told before it began and end within it stay open at the pager: a ticket lists them."
    return {
        **platform_annotations(
            mesh,
            f"{{{{ $value }}}} services of {{{{ $labels.owner }}}} {'page' if wakes else 'fail'} at once",
            f"One {'page' if wakes else 'ticket'} for all of them: what they share fails. The worst, by their bad "
            f"requests:{worst}.{left_open if wakes else ''}",
            MANY_SERVICES_FAILING,
        ),
        "dashboard_url": f"{mesh.grafana.rstrip('/')}/d/{board_uid(mesh, 'mesh-overview')}"
        "?var-cluster={{ $labels.cluster }}",
    }


def left_open_annotations(mesh: Mesh) -> dict[str, str]:
    """What the ticket says of each page that nobody ends at the pager."""
    return platform_annotations(
        mesh,
        "The page of {{ $labels.namespace }}/{{ $labels.service }} is over, and still open at the pager",
        "It was told before many services paged at once, and ended while those were one page: no end of it is sent. "
        "Close it by hand.",
        PAGES_LEFT_OPEN,
    )


def _many(mesh: Mesh, expression: str, options: Options) -> Rule:
    return Rule(
        alert=MANY_SERVICES_FAILING,
        expr=expression,
        keep_firing_for=options.duration(KEPT),
        labels={"severity": mesh.severities.page},
        annotations=many_annotations(mesh),
        origin=mesh.place,
    )


def _left_open(mesh: Mesh, expression: str, options: Options) -> Rule:
    return Rule(
        alert=PAGES_LEFT_OPEN,
        expr=expression,
        # The end of a storm is five minutes long; two of them tell what is over from what comes and goes.
        pending=options.duration(2 * minutes),
        keep_firing_for=options.duration(1 * hours),
        labels={"severity": mesh.severities.ticket},
        annotations=left_open_annotations(mesh),
        origin=mesh.place,
    )


def _severity(mesh: Mesh) -> str:
    return f"severity={quoted(mesh.severities.page)}"


def _firing(mesh: Mesh, *matchers: str) -> str:
    ours = (f"{name}={quoted(value)}" for name, value in our_labels(mesh).items())
    return selector("ALERTS", 'alertstate="firing"', *matchers, *ours)
