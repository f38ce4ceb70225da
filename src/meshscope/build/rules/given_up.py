"""A hung service: its callers give up before any answer, which is no failure and, but for an SLO on it, not slow."""

from __future__ import annotations

from meshscope.artefacts.rules import Rule
from meshscope.build.boards import board_uid
from meshscope.build.promql import ID, INFO, pretty
from meshscope.build.rules.annotations import Template, given_up_annotations
from meshscope.build.rules.indicators import ENDED_BY_SERVERS, RECORDED, VIEW, Raw
from meshscope.build.rules.paging import CALLERS_GIVE_UP
from meshscope.model.mesh import Mesh
from meshscope.model.units import minutes, plain

FEWEST_REQUESTS = 20
SHARE = "0.5"


def given_up_alerts(raw: Raw, mesh: Mesh) -> list[Rule]:
    """The page, where the provider tells given-up requests from others: half of at least 20 requests in 5 minutes."""
    if not raw.provider.given_up:
        return []
    return [
        Rule(
            alert=CALLERS_GIVE_UP,
            expr=_expression(raw),
            keep_firing_for=raw.options.duration(5 * minutes),
            labels={"severity": mesh.severities.page, "kind": "symptom"},
            annotations=given_up_annotations(Template(), mesh, board_uid(mesh, "service")),
            origin=mesh.place,
        )
    ]


def _expression(raw: Raw) -> str:
    requests, window = f"service:requests:rate{RECORDED}", plain(raw.options.scaled(RECORDED).seconds)
    share = f"{raw.given_up(RECORDED)} / on ({VIEW}) ({requests} > 0)"
    hung = (
        f"{share} >= {SHARE} and on ({VIEW}) ({requests} * {window} >= {FEWEST_REQUESTS})"
        f" and on ({VIEW}) {ENDED_BY_SERVERS}"
    )
    return pretty(f"max by ({ID}) ({hung}) * on ({ID}) group_left (owner, tier) {INFO}")
