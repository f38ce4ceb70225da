"""Take an instance out of service and keep it as it is, for whoever has to look at it."""

from __future__ import annotations

from meshscope.deploy.plan import Change, Plan, Verb
from meshscope.feedback.cards import Card, Declined, Reach, Repeat, World, action, instance_named
from meshscope.feedback.state import AlertState


@action(
    Card(
        name="quarantine",
        does="takes one instance out of its service and stops it where it stands, so that it can be looked at",
        reach=Reach.INSTANCE,
        undo="a person lets it go on, or ends it",
        repeat=Repeat.BY_IDENTITY,
        needs=("namespace", "pod"),
        rbac=("get,list pods", "patch pods"),
        verb=Verb.QUARANTINE,
        an_hour=10,
    )
)
def quarantine(alert: AlertState, world: World) -> Plan | Declined:
    """Quarantine the instance that the alert names."""
    chosen = instance_named(alert, world)
    if isinstance(chosen, Declined):
        return chosen
    change = Change(verb=Verb.QUARANTINE, subject=chosen.name, service=chosen.service, precondition=chosen.uid)
    return Plan(action="quarantine", changes=(change,))
