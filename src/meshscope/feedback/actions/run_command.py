"""Run a command that the agent's configuration allows, by its name."""

from __future__ import annotations

from meshscope.deploy.plan import Change, Plan, Verb
from meshscope.feedback.actions.webhook import about
from meshscope.feedback.cards import Card, Declined, Reach, Repeat, World, action
from meshscope.feedback.state import AlertState


@action(
    Card(
        name="run_command",
        does="runs a command that the agent's configuration lists, with the service's names as its arguments",
        reach=Reach.OUTSIDE,
        undo="whatever the command's owner says",
        repeat=Repeat.AT_MOST_ONCE,
        verb=Verb.RUN,
        an_hour=10,
        asks=True,
    )
)
def run_command(alert: AlertState, world: World) -> Plan | Declined:
    """Run the command that the definition names."""
    if not world.wanted.name:
        return Declined(code="no_response", why="the alert's definition names no command")
    change = Change(verb=Verb.RUN, subject=world.wanted.name, arguments=about(alert, world))
    return Plan(action="run_command", changes=(change,))
