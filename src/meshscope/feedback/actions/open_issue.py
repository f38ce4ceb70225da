"""Open an issue where the cause can be fixed; every incident has one, so there is nothing to plan."""

from __future__ import annotations

from meshscope.deploy.plan import Plan
from meshscope.feedback.cards import Card, Declined, Reach, Repeat, World, action
from meshscope.feedback.state import AlertState


@action(
    Card(
        name="open_issue",
        does="opens one issue for an incident where its cause can be fixed, and keeps it up to date",
        reach=Reach.NOTHING,
        undo="close the issue",
        repeat=Repeat.CONVERGES,
        an_hour=60,
    )
)
def open_issue(alert: AlertState, world: World) -> Plan | Declined:  # noqa: ARG001 - a planner's signature
    """Nothing that runs is changed."""
    return Plan(action="open_issue", changes=())
