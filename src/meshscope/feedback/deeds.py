"""What the agent did about an incident, what it left alone and why, and what it would do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshscope.feedback.prose import code, fence
from meshscope.feedback.reasons import reason
from meshscope.feedback.state import Act, Approval, Decision, Incident
from meshscope.feedback.words import clock, done, share, to_do, when

# Every incident has an issue: that it was opened is no news in it.
_SILENT = "open_issue"
_MOST = 12
_PLAIN = (
    "observe_mode", "propose_mode", "not_opted_in", "needs_approval", "resolved_first", "restored", "unreadable",
    "snoozed", "expired", "rejected", "no_response", "unknown_alert",
)  # fmt: skip


def decisions(incident: Incident) -> Sequence[Decision]:
    """What was decided, each once: a refusal that is found again at every look tells nothing new."""
    found: dict[tuple[str, str, str, str], Decision] = {}
    for one in incident.decisions:
        if one.action != _SILENT:
            found.setdefault((one.action, one.verdict, one.code, one.target), one)
    return tuple(found.values())


def waiting(incident: Incident, now: float) -> Sequence[Approval]:
    """Acts that wait for a person's yes."""
    return [one for one in incident.approvals if not one.answer and one.until > now]


def told(incident: Incident, now: float) -> str:
    """What the agent did and will do: a sentence, or a list where there is more to say."""
    lines = [*_acts(incident), *_waiting(incident, now), *_left(incident)]
    if not lines:
        return "Nothing but to open this issue: no more is asked of it."
    if len(lines) > _MOST:
        lines = [*lines[:_MOST], f"And {len(lines) - _MOST} more, which the console lists."]
    return lines[0] if len(lines) == 1 else "\n\n" + "\n".join(f"- {line}" for line in lines)


def _acts(incident: Incident) -> Iterator[str]:
    for act in sorted(incident.acts, key=lambda one: (one.at, one.key)):
        yield act_told(act)


def act_told(act: Act) -> str:
    """An act and what came of it, in one to three sentences."""
    what = to_do(act.action, act.target)
    by = f", approved by {code(act.approved_by)}" if act.approved_by else ""
    match act.outcome:
        case "":
            return f"It began to {what} at {when(act.at)}{by}; whether that worked is not known yet."
        case "done":
            at = act.at if act.done_at is None else act.done_at
            return f"It {done(act.action, act.target)} at {when(at)}{by}.{_replaced(act)}{_effect(act)}"
        case "gone":
            return (
                f"It set out to {what} at {when(act.at)}{by}, and found it gone: by whom nobody can tell.{_effect(act)}"
            )
        case "refused":
            return f"It tried to {what} at {when(act.at)}{by} and was refused{_said(act)}. Nothing was changed."
        case "stopped" | "expired":
            return f"It set out to {what} at {when(act.at)}{by}, and then left it{_said(act)}."
        case _:
            return (
                f"It tried to {what} at {when(act.at)}{by}, and nobody can tell whether that took effect{_said(act)}. "
                "It is not repeated."
            )


def _said(act: Act) -> str:
    return f": {code(act.said)}" if act.said else ""


def _replaced(act: Act) -> str:
    if act.replacement:
        at = f" at {clock(act.replaced_at)}" if act.replaced_at is not None else ""
        return f" {code(act.replacement)} took its place{at}."
    return ""


def _effect(act: Act) -> str:
    change = ""
    if act.before is not None and act.after is not None:
        change = f": {share(act.before.failing)} of its requests failed before, {share(act.after.failing)} after"
    match act.effect:
        case "effective":
            return f" **It helped**{change}."
        case "none":
            return f" **It did not help**{change}."
        case _:
            return " Whether it helped is not known yet."


def _waiting(incident: Incident, now: float) -> Iterator[str]:
    for one in waiting(incident, now):
        yield f"It waits for a yes to {to_do(one.action, one.target)}, until {when(one.until)}."
    for one in incident.approvals:
        if one.answer == "expired" or (not one.answer and one.until <= now):
            yield f"It asked to {to_do(one.action, one.target)}; nobody answered before {when(one.until)}."


def _left(incident: Incident) -> Iterator[str]:
    asked = {(one.action, one.target) for one in incident.approvals}
    for one in decisions(incident):
        if one.verdict == "acted" or (one.verdict == "asked" and (one.action, one.target) in asked):
            continue
        if one.code == "expired" and (one.action, one.target) in asked:
            continue
        yield _left_alone(one)


def _left_alone(decision: Decision) -> str:
    """Why an act was not done, in words, with the particulars that the guard gave."""
    would = decision.code in ("observe_mode", "propose_mode") or decision.verdict == "proposed"
    if would and decision.against:
        said, detail = next(iter(decision.against.items()))
        what = f"It would not have done this, whatever its mode: {to_do(decision.action, decision.target)}."
        return f"{what} {reason(said).why} In detail: {code(detail)}."
    verb = "It would have done this:" if would else "It did not"
    what = f"{verb} {to_do(decision.action, decision.target)}."
    why = "" if decision.verdict == "asked" else f" {reason(decision.code).why}"
    return f"{what}{why}{particulars(decision)}"


def particulars(decision: Decision) -> str:
    """What a guard said of this very case, where that is more than the reason once again."""
    return f" In detail: {code(decision.why)}." if decision.why and decision.code not in _PLAIN else ""


def plans(incident: Incident) -> Iterator[str]:
    """The plans that were made and not carried out, as fences."""
    for one in decisions(incident):
        if one.plan and one.verdict != "acted":
            yield fence(one.plan, 2_000)
