"""Failures at a caller of which nobody can say whom they were for: a ticket to the caller's owner."""

from __future__ import annotations

from meshscope.artefacts.rules import Rule
from meshscope.build.boards import board_uid
from meshscope.build.promql import ID, pretty
from meshscope.build.rules.annotations import Template, unattributed_annotations
from meshscope.build.rules.indicators import CALLER, Raw
from meshscope.build.rules.recording import recorded
from meshscope.model.mesh import Mesh
from meshscope.model.units import Duration, hours, minutes, plain

UNATTRIBUTED_FAILURES = "UnattributedFailures"
FEWEST_FAILURES = 20
SHARE = "0.05"
_WINDOW = 1 * hours
_ON = f"on ({', '.join(CALLER)})"


def unattributed_rules(raw: Raw, mesh: Mesh, every: Duration) -> list[Rule]:
    """What each caller sends, summed each time the group runs, and the ticket; none where every request has a service.

    Nobody is woken by it, and to count all requests by caller costs as much as to count them by service.
    """
    failures = raw.unattributed_failures(_WINDOW)
    if not failures:
        return []
    requests = f"caller:requests:rate{every}"
    hour = plain(raw.options.scaled(_WINDOW).seconds)
    sent = f"avg_over_time({requests}[{raw.options.duration(_WINDOW)}])"
    failing = f"{failures} * {hour} >= {_ON} clamp_min({SHARE} * {hour} * {sent}, {FEWEST_FAILURES})"
    who = f"topk by ({', '.join(CALLER)}) (1, service:info or gateway:info) ^ 0"
    expression = f"max by ({ID}, owner, tier) (({failing}) * {_ON} group_left (service, owner, tier) ({who}))"
    alert = Rule(
        alert=UNATTRIBUTED_FAILURES,
        expr=pretty(expression),
        keep_firing_for=raw.options.duration(15 * minutes),
        labels={"severity": mesh.severities.ticket},
        annotations=unattributed_annotations(Template(), mesh, board_uid(mesh, "service")),
        origin=mesh.place,
    )
    return [recorded(requests, raw.called(every)), alert]
