"""Call a web hook that the agent's configuration lists, by its name."""

from __future__ import annotations

from meshscope.deploy.plan import Change, Plan, Verb
from meshscope.feedback.cards import Card, Declined, Reach, Repeat, World, action
from meshscope.feedback.state import AlertState


@action(
    Card(
        name="webhook",
        does="sends what happened to an address that the agent's configuration lists",
        reach=Reach.OUTSIDE,
        undo="whatever the receiver's owner says",
        repeat=Repeat.AT_MOST_ONCE,
        verb=Verb.CALL,
        an_hour=30,
        asks=True,
    )
)
def webhook(alert: AlertState, world: World) -> Plan | Declined:
    """Call the hook that the definition names."""
    if not world.wanted.name:
        return Declined(code="no_response", why="the alert's definition names no hook")
    change = Change(verb=Verb.CALL, subject=world.wanted.name, arguments=about(alert, world))
    return Plan(action="webhook", changes=(change,))


def about(alert: AlertState, world: World) -> dict[str, str]:
    """What a command or a hook is told: names of the model, and the instance that the alert names, if it is one."""
    key = world.service.key
    told = {"service": key.name, "namespace": key.namespace, "owner": world.service.owner}
    # A label is a claim: only what runs of this very service is passed on.
    if (pod := alert.received.labels.get("pod")) in {one.name for one in world.instances}:
        told["instance"] = str(pod)
    return told
