"""What is told below an issue when something has happened: each makes sense to somebody who reads it in a mail."""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.feedback import deeds
from meshscope.feedback.headline import began, ended, measured
from meshscope.feedback.prose import code, fitted
from meshscope.feedback.reasons import reason
from meshscope.feedback.state import Act, Decision, Incident, Numbers
from meshscope.feedback.words import between, done, lasted, named, rate, share, to_do, when
from meshscope.findings import counted

_MOST_DECISIONS = 40


def recurrence(incident: Incident) -> str:
    """It fires again."""
    firing = sorted({code(one.name) for one in incident.firing if not one.victim})
    since = max((one.since for one in incident.firing if not one.victim), default=0.0)
    what = f"{', '.join(firing)} of {named(incident.service)}" if firing else named(incident.service)
    at = f" since {when(since)}" if since else ""
    times = counted(incident.reopened, "time")
    return f"**It is back.** {what} fires again{at}; this incident came back {times} so far."


def _by_the_agent(told: str) -> str:
    """A sentence that stands alone, where nobody was named before."""
    return f"the agent {told.removeprefix('It ')}"


def effect(incident: Incident, act: Act) -> str:
    """Whether an act helped, with the numbers before and after."""
    what = f"That it {done(act.action, act.target)}"
    match act.effect:
        case "effective":
            verdict = f"**It helped.** {named(incident.service)} is quiet; the cause is still open."
        case "none":
            verdict = f"**It did not help.** {named(incident.service)} still fails: the cause is not in that instance."
        case _:
            verdict = f"{what} shows no effect that could be measured."
    return "\n".join([verdict, *_before_and_after(act)])


def _before_and_after(act: Act) -> Iterator[str]:
    rows = [(word, numbers) for word, numbers in (("before", act.before), ("after", act.after)) if numbers is not None]
    if rows:
        yield ""
        yield "| | requests/s | failing | siblings: failing |"
        yield "|---|--:|--:|--:|"
    for word, numbers in rows:
        yield f"| {word} | {rate(numbers.requests)} | {share(numbers.failing)} | {_siblings(numbers)} |"


def _siblings(numbers: Numbers) -> str:
    return share(numbers.siblings_failing) if numbers.siblings else "none"


def closed(incident: Incident) -> str:
    """The end, with the numbers."""
    over = ended(incident)
    start = began(incident)
    if over is None:
        told = f"**Closed.** {named(incident.service)} failed since {when(start)}, and alerts of it still fire."
    else:
        told = f"**Over.** {named(incident.service)} failed {between(start, over)}."
    counts = [
        counted(len(incident.members) + incident.unlisted, "alert"),
        f"it came back {counted(incident.reopened, 'time')}" if incident.reopened else "",
        f"{counted(len(set(incident.victims)), 'other service')} suffered" if incident.victims else "",
    ]
    lines = [
        told,
        f"- {', '.join(filter(None, counts))}",
        *(f"- {_by_the_agent(deeds.act_told(act))}" for act in incident.acts[:20]),
    ]
    first = min((act.at for act in incident.acts), default=None)
    if first is not None and over is not None and first >= start:
        lines.append(f"- from the first alert to the first act: {lasted(first - start)}")
    if incident.fixed_by:
        lines.append(f"- mended by revision {code(incident.fixed_by)}{_since_mended(incident)}")
    if incident.noise:
        lines.append(f"- called noise: {code(incident.noise)}")
    return f"{lines[0]}\n\n" + "\n".join(lines[1:])


def _since_mended(incident: Incident) -> str:
    before, after = measured(incident), incident.failing_since_fixed
    if before is None or after is None:
        return ""
    return f": before, {code(before.instance)} failed {share(before.failing)} of its requests; now {share(after)} fail"


def why(incident: Incident) -> str:
    """Each decision: the guards that agreed, in order, and the one that did not, with its numbers."""
    shown = deeds.decisions(incident)
    if not shown:
        return (
            "Nothing was decided but to tell you: no alert of this incident asks for more. A definition says what may "
            "be done about its alert in `respond`."
        )
    blocks = [_why(one) for one in shown[:_MOST_DECISIONS]]
    if len(shown) > _MOST_DECISIONS:
        blocks.append(f"And {len(shown) - _MOST_DECISIONS} more, which the console lists.")
    return fitted(blocks)


def _why(decision: Decision) -> str:
    what = to_do(decision.action, decision.target)
    word = {"acted": "yes", "declined": "no", "proposed": "proposed only", "asked": "a person is asked"}
    lines = [f"**To {what}: {word.get(decision.verdict, 'no')}**, decided at {when(decision.at)}.", ""]
    lines += [f"- agreed: {reason(guard).passed or code(guard)}" for guard in decision.passed[:40]]
    if decision.code:
        lines.append(f"- **no: {code(decision.code)}.** {reason(decision.code).why}{deeds.particulars(decision)}")
    if decision.numbers is not None:
        one = decision.numbers
        origin = "" if one.origin == "metrics" else "; from the alert, not from metrics"
        siblings = f"had {rate(one.siblings_requests)} and failed {share(one.siblings_failing)}"
        lines.append(
            f"- it knew: {code(one.instance)} had {rate(one.requests)} requests a second and failed "
            f"{share(one.failing)} of them; {counted(one.siblings, 'sibling')} {siblings}{origin}"
        )
    return "\n".join(lines)
