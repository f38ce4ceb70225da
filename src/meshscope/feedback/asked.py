"""What is asked of the person who reads an issue, and how to answer."""

from __future__ import annotations

from meshscope.feedback.deeds import decisions, waiting
from meshscope.feedback.prose import code
from meshscope.feedback.reasons import reason
from meshscope.feedback.state import Incident, Phase
from meshscope.feedback.words import listed, to_do, when

ANSWERS = """\
### How to answer

Write a comment with one of these at the start of a line:

| answer | what it does |
|---|---|
| `/why` | asks for every decision, with the guards that agreed and the one that did not |
| `/fixed-by REV` | says which revision mends the cause; this ends when that has run quiet |
| `/noise WHY` | says that nobody should have been called for this; the agent stops acting on it |
| `/not-ours TEAM` | hands it to another team |
| `/snooze 7d` | keeps it quiet, for between 1h and 30d |
| `/close` | says that it is over |

A yes or a no to what waits is given in the console, where it is known who says it."""

# Nothing spoke against the act but that the agent is not the one to do it.
_YOURS = ("observe_mode", "propose_mode", "not_opted_in", "expired", "restored", "unreadable")


def asked(incident: Incident, now: float) -> str:
    """What to do now, the most urgent first."""
    if incident.folded_into:
        return f"Begin with incident {code(incident.folded_into)}: this one is a consequence of it and ends with it."
    if incident.phase is Phase.CLOSED:
        return "Nothing: it is closed."
    yes = waiting(incident, now)
    if yes:
        return _yes_or_no(incident, now)
    if incident.snoozed_until is not None and incident.snoozed_until > now:
        return f"Nothing before {when(incident.snoozed_until)}: a person has snoozed it."
    if incident.noise:
        return f"Change the alert's definition, which a person called noise: {code(incident.noise)}."
    if incident.phase is Phase.RESOLVED and incident.fixed_by:
        return f"Nothing now: revision {code(incident.fixed_by)} is said to mend it."
    if incident.phase is Phase.RESOLVED:
        return "Nothing now. If nobody should have been called for this, answer `/noise WHY`."
    return _mitigated(incident) if incident.phase is Phase.MITIGATED else _open(incident)


def _yes_or_no(incident: Incident, now: float) -> str:
    yes = waiting(incident, now)
    what = listed(to_do(one.action, one.target) for one in yes)
    return (
        f"**A yes or a no before {when(min(one.until for one in yes))}**: may the agent {what}? "
        "Say so in the console, where it is known who says it."
    )


def _mitigated(incident: Incident) -> str:
    return (
        f"Roll out revision {code(incident.fixed_by)}, which is said to mend it: this ends when that has run quiet."
        if incident.fixed_by
        else "Find the cause and mend it: users are well, but whatever made the instance fail can do so again. "
        "When it is mended, answer `/fixed-by REV`."
    )


def _open(incident: Incident) -> str:
    acts = sorted(incident.acts, key=lambda one: one.at)
    last = acts[-1] if acts else None
    if incident.security:
        return (
            "**Act as for a breach.** Nobody should restart or delete what is concerned before it has been looked at, "
            "and nothing of it should be told where outsiders read."
        )
    if last is not None and last.effect == "none":
        return "**Take over now**: what the agent did has not helped. The runbook is where to begin."
    if last is not None and last.outcome in ("", "done", "gone") and not last.effect:
        return "Nothing yet: this says whether the act has helped as soon as that is known. Take over if users suffer."
    if last is not None and last.outcome not in ("done", "gone"):
        return (
            f"**Take over now.** {reason('outcome_unknown').help if last.outcome == 'unknown' else 'It was refused.'}"
        )
    refused = next((one for one in decisions(incident) if one.verdict != "acted" and one.code), None)
    if refused is not None and refused.code in _YOURS:
        return f"**Take over now**: {to_do(refused.action, refused.target)} yourself if you agree, or find the cause."
    if refused is not None:
        return f"**Take over now.** {reason(refused.code).help}"
    return "**Take over now.** The runbook is where to begin."
