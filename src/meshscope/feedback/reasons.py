"""Why the agent left something alone, in words that somebody who was woken can act on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Reason:
    """What a guard's code means: ``why`` it said no, ``help`` for who reads it, ``passed`` what its yes says."""

    why: str
    help: str
    passed: str = ""


REASONS: Mapping[str, Reason] = {
    "observe_mode": Reason(
        why="Here the agent only observes: it looks, writes down what it would have done, and changes nothing.",
        help="Act yourself. Where it should act on its own, set `mode` on the mesh, the environment or the service.",
        passed="the mode lets it do more than observe",
    ),
    "propose_mode": Reason(
        why="Here the agent only proposes. It has made the plan and will not carry it out.",
        help="Carry out the plan yourself, or leave it; `mode` decides whether the agent may.",
        passed="the mode lets it do more than propose",
    ),
    "not_opted_in": Reason(
        why="The service has never said that anything may be done to it, so nothing is.",
        help="Act yourself. To let the agent act next time, set `mode` in the service's definition.",
        passed="the service says that it may be acted on",
    ),
    "stateful": Reason(
        why="The service keeps state, and a kill could lose some of it. That is never done without a person.",
        help="Look whether the instance holds data that no sibling has before you restart it.",
        passed="the service keeps no state",
    ),
    "no_instance": Reason(
        why="The alert does not say which of the running instances misbehaves, and the agent does not guess.",
        help="Find the instance on the dashboard; the alert needs a label `pod` that names it.",
        passed="the alert names an instance that runs",
    ),
    "no_outlier": Reason(
        why="The instance does not fail clearly more often than its siblings, so the cause is not in it: "
        "a new instance would fail as they do.",
        help="Look at what all of them share: the last release, the configuration, whom they call.",
        passed="it fails far more often than its siblings",
    ),
    "numbers_unknown": Reason(
        why="The instance could not be compared with its siblings: the metrics did not answer, or lack it. "
        "Without numbers nothing is killed.",
        help="Compare them yourself on the dashboard, and find out why the metrics are missing.",
        passed="its numbers and those of its siblings are known",
    ),
    "too_few_healthy": Reason(
        why="Too few healthy instances would be left to carry the load; a kill could make an outage of a fault.",
        help="Add instances or mend the others first, then kill this one yourself.",
        passed="enough healthy instances would be left",
    ),
    "dependency_fires": Reason(
        why="A service that this one calls fails as well. This one most likely suffers from it, and a kill here would "
        "mend nothing.",
        help="Begin with the service that it calls.",
        passed="nothing that it calls fails",
    ),
    "rate": Reason(
        why="Something was done to this service only just now, and the effect of that has to show first.",
        help="Wait for the replacement to be ready; if it fails too, the cause is not in the instance.",
        passed="nothing was done to it just now",
    ),
    "cool_down": Reason(
        why="The last act on this service did not help, so the agent waits before it tries anything again.",
        help="Don't wait for it: what it can do has not helped. Look for the cause.",
        passed="no act without effect lies too short a time back",
    ),
    "no_hand": Reason(
        why="The action would do what nothing that the agent was started with can do.",
        help="See which target and which hooks the agent is configured with; until then do it yourself.",
        passed="something can carry it out",
    ),
    "cap_service": Reason(
        why="The agent has done all that it may do to one service within an hour.",
        help="Take over: a service that needs this many kills has a cause that kills don't reach.",
        passed="the service's hourly cap is not reached",
    ),
    "cap_owner": Reason(
        why="The agent has done all that it may do to one team's services within an hour.",
        help="Take over, and look for what the team's failing services have in common.",
        passed="the owner's hourly cap is not reached",
    ),
    "cap_mesh": Reason(
        why="The agent has done all that it may do in the whole mesh within an hour. This much trouble at once is "
        "more likely one cause than many.",
        help="Look for what failing services share: a node, a network, a release, a certificate.",
        passed="the mesh's hourly cap is not reached",
    ),
    "strikes": Reason(
        why="Several acts in a row did not help, so the agent has stopped acting on this service.",
        help="Take over: from here it needs a person.",
        passed="its acts have not failed to help in a row",
    ),
    "freeze": Reason(
        why="A freeze is in force: nothing that runs is changed until it ends.",
        help="Act yourself if it can't wait, within the rules of the freeze.",
        passed="no freeze is in force",
    ),
    "stopped": Reason(
        why="A person has turned the agent's stop switch on, for this service or for all.",
        help="Act yourself; the console says who turned it on and why.",
        passed="the stop switch is off",
    ),
    "needs_approval": Reason(
        why="A person of the owning team has to say yes before this is done.",
        help="Say yes or no in the console, where it is known who says it.",
        passed="no approval is needed, or it was given",
    ),
    "snoozed": Reason(
        why="A person has snoozed this incident, so the agent leaves it alone until then.",
        help="Nothing, unless it has become worse.",
        passed="nobody has snoozed it",
    ),
    "noise": Reason(
        why="A person has called this alert noise, so the agent does not act on it.",
        help="Change or remove the alert's definition, so that nobody is called for it again.",
        passed="nobody has called it noise",
    ),
    "restored": Reason(
        why="The agent's ledger was restored from a copy that may lack its latest acts. Acting now could repeat one.",
        help="Check in the console what was done last, and clear the restored ledger there.",
        passed="the ledger is whole",
    ),
    "resolved_first": Reason(
        why="The alert was over before the agent could act, and what is well is left alone.",
        help="Nothing now. If it keeps coming back, the alert is too quick or the fault comes and goes.",
        passed="the alert still fires",
    ),
    "unreadable": Reason(
        why="A record of this service can't be read. It may hold acts, and acting now could repeat one.",
        help="Look at the record in the console's ledger and at what was done to the service, and clear it there.",
        passed="all records of the service can be read",
    ),
    "query_failed": Reason(
        why="The alert fires since its query failed, and says nothing of the service that it names.",
        help="See why the store can't be asked, or mend the alert's definition.",
        passed="the alert's query was answered",
    ),
    "unknown_service": Reason(
        why="The alert names no service of the model, or more than one could be meant.",
        help="Define the service, or mend the alert's labels `cluster`, `namespace` and `service`.",
        passed="the service is known",
    ),
    "unknown_alert": Reason(
        why="No definition of this mesh makes an alert of that name, so nothing says what may be done about it.",
        help="Define it, or stop whoever sends it.",
        passed="the alert is known",
    ),
    "no_response": Reason(
        why="The alert's definition asks for nothing to be done but to tell somebody.",
        help="Act yourself. If there is something that always helps, add it to the alert's `respond`.",
        passed="the definition says what to do",
    ),
    "own_alert": Reason(
        why="The alert is about the agent or the telemetry itself, and the agent never acts on its own troubles.",
        help="Look at the agent and at Prometheus first: until they are well, other alerts may be missing.",
        passed="the alert is not about the agent itself",
    ),
    "folded": Reason(
        why="The trouble comes from a service deeper down, and is dealt with in that service's incident.",
        help="Follow the other incident; this one ends with it.",
        passed="it is no mere consequence of another incident",
    ),
    "repeated": Reason(
        why="The same was already done for this incident and this instance, and is never done twice.",
        help="Look at what came of it, above.",
        passed="it was not done before",
    ),
    "outcome_unknown": Reason(
        why="The agent was cut off while it acted, and nobody can tell whether it took effect. It is not repeated.",
        help="Look whether it happened, and finish it or leave it.",
        passed="no earlier act is in doubt",
    ),
    "gone": Reason(
        why="The instance was gone before the agent came. Its replacement is another one, and is left alone.",
        help="Nothing, unless the replacement fails too.",
        passed="the instance still runs",
    ),
    "expired": Reason(
        why="Nobody said yes in time, and a yes that comes late could meet another world.",
        help="Act yourself; the agent asks again if the alert comes back.",
        passed="the approval was given in time",
    ),
    "rejected": Reason(
        why="A person said no.",
        help="Act as you see fit; the agent leaves this instance alone.",
        passed="nobody said no",
    ),
    "flapping": Reason(
        why="The alert comes and goes too often for an act to be judged by what follows it.",
        help="Find what comes and goes with it: a schedule, a health check, a neighbour on the node.",
        passed="the alert does not come and go",
    ),
}

_UNKNOWN = Reason(
    why="The agent left it alone, for a reason that has no words yet.",
    help="The console shows what it knew when it decided.",
)


def reason(code: str) -> Reason:
    """The reason for a code; one that says that it is not known for a code that is none."""
    return REASONS.get(code, _UNKNOWN)
