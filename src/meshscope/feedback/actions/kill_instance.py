"""Kill the instance that misbehaves, so that its supervisor starts another one."""

from __future__ import annotations

from meshscope.deploy.plan import Change, Plan, Verb
from meshscope.feedback.cards import Card, Declined, Reach, Repeat, World, action, instance_named
from meshscope.feedback.state import AlertState


@action(
    Card(
        name="kill_instance",
        does="kills one instance of a workload; whoever supervises it starts another in its place",
        reach=Reach.INSTANCE,
        undo="none is needed: a new instance takes its place",
        repeat=Repeat.BY_IDENTITY,
        needs=("namespace", "service", "pod"),
        rbac=("get,list pods", "create pods/eviction"),
        verb=Verb.KILL,
        an_hour=20,
        outlier=True,
    )
)
def kill_instance(alert: AlertState, world: World) -> Plan | Declined:
    """Kill the instance that the alert names, and no other that may have taken its place."""
    chosen = instance_named(alert, world)
    if isinstance(chosen, Declined):
        return chosen
    change = Change(verb=Verb.KILL, subject=chosen.name, service=chosen.service, precondition=chosen.uid)
    return Plan(action="kill_instance", changes=(change,))
