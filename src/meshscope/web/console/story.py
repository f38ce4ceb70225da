"""An incident as it went, step by step, and where its time went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from meshscope.feedback import headline
from meshscope.feedback.prose import code
from meshscope.feedback.reasons import reason
from meshscope.feedback.state import Act, Decision, Incident, Member, Phase
from meshscope.feedback.words import done, listed, share, to_do
from meshscope.findings import counted
from meshscope.web.console.visible import outside

_MOST = 400
_MOST_NAMED = 6
_TOGETHER = 30.0
_AGENT = ("agent", "alert")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A line of the story. ``kind`` picks its mark; ``told`` and ``more`` are sentences of ours."""

    at: float
    kind: str
    told: str
    more: str = ""
    who: str = ""
    lines: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A part of the time that an incident took: ``kind`` picks its colour, ``going`` when it is not over."""

    name: str
    kind: str
    start: float
    end: float
    going: bool = False

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0.0, self.end - self.start)


def steps(incident: Incident) -> Sequence[Step]:
    """Everything that happened, the first first."""
    found = [*_alerts(incident), *_decided(incident), *_evidence(incident), *_acts(incident), *_asked(incident)]
    found += _others(incident)
    order = {"fired": 0, "asked": 1, "person": 2, "decided": 3, "evidence": 4, "act": 5}
    found.sort(key=lambda one: (one.at, order.get(one.kind, 6)))
    return found if len(found) <= _MOST else [*found[: _MOST // 2], *found[-_MOST // 2 :]]


def _alerts(incident: Incident) -> Iterator[Step]:
    yield from _victims(incident)
    for one in incident.members:
        if one.victim:
            continue
        about = f" about {code(one.pod)}" if one.pod else ""
        slo = f" ({code(one.slo)})" if one.slo else ""
        yield Step(at=one.since, kind="fired", told=f"{code(one.name)}{slo} fires{about}.",
                   more=outside(one.summary, 300).replace("`", "'").replace("*", ""))  # fmt: skip
        if one.until is not None:
            yield Step(at=one.until, kind="over", told=f"{code(one.name)}{slo} is over.")


def _victims(incident: Incident) -> Iterator[Step]:
    """Victims that begin to fail together, in one line."""
    together: dict[tuple[int, str], list[Member]] = {}
    for one in incident.members:
        if one.victim and one.service is not None:
            together.setdefault((int(one.since // _TOGETHER), one.name), []).append(one)
    for (_, name), some in together.items():
        keys = {one.service for one in some if one.service is not None}
        told = [code(f"{key.namespace}/{key.name}") for key in sorted(keys)]
        more = [f"{len(told) - _MOST_NAMED} more"] if len(told) > _MOST_NAMED else []
        who, verb = listed([*told[:_MOST_NAMED], *more]), "calls" if len(told) == 1 else "call"
        at = min(one.since for one in some)
        yield Step(at=at, kind="fired", told=f"{code(name)} fires for {who}, which {verb} this.")


def _decided(incident: Incident) -> Iterator[Step]:
    for one in distinct(incident.decisions):
        what = to_do(one.action, one.target)
        if one.verdict == "acted":
            yield Step(at=one.at, kind="decided", told=f"Decided to {what}.", more=_agreed(one))
        elif one.verdict == "asked":
            yield Step(at=one.at, kind="asked", told=f"Asks a person whether to {what}.", more=_agreed(one))
        else:
            verb = "Would" if one.verdict == "proposed" or one.code == "observe_mode" else "Does not"
            more = f"{reason(one.code).why} {f'In numbers: {code(one.why)}.' if one.why else ''}"
            yield Step(at=one.at, kind="declined", told=f"{verb} {what}.", more=more.strip())


def distinct(decisions: Sequence[Decision]) -> Sequence[Decision]:
    """Each decision once: one that is found again at every look tells nothing new."""
    found: dict[tuple[str, str, str, str], Decision] = {}
    for one in decisions:
        if one.action != "open_issue":
            found.setdefault((one.action, one.verdict, one.code, one.target), one)
    return tuple(found.values())


def _agreed(decision: Decision) -> str:
    return f"{counted(len(decision.passed), 'guard')} had nothing against it." if decision.passed else ""


def _evidence(incident: Incident) -> Iterator[Step]:
    for one in incident.evidence:
        told = f"Kept the last {counted(len(one.lines), 'line')} that {code(one.instance)} wrote."
        if not one.lines:
            told = f"{code(one.instance)} had written nothing that could be kept."
        lines = tuple(outside("\n".join(one.lines[-40:]), 20_000).split("\n")) if one.lines else ()
        yield Step(at=one.at, kind="evidence", told=told, lines=lines, digest=one.digest)


def _acts(incident: Incident) -> Iterator[Step]:
    for act in incident.acts:
        by = f" {code(act.approved_by)} had said yes." if act.approved_by else ""
        acted = done(act.action, act.target)
        told = {
            "": f"Sets out to {to_do(act.action, act.target)}.",
            "done": f"{acted[:1].upper()}{acted[1:]}.",
            "gone": f"{code(act.target)} was gone already: by whom nobody can tell.",
            "refused": f"Was refused to {to_do(act.action, act.target)}; nothing was changed.",
            "stopped": f"Was stopped before it could {to_do(act.action, act.target)}.",
            "unknown": f"Tried to {to_do(act.action, act.target)}; nobody can tell whether that took effect.",
        }.get(act.outcome, f"Did not {to_do(act.action, act.target)}.")
        said = f"{code(act.said)}." if act.said and act.outcome not in ("", "done") else ""
        kind = "act" if act.outcome in ("", "done", "gone") else "declined"
        yield Step(at=act.done_at or act.at, kind=kind, told=told, more=f"{said}{by}".strip())
        yield from _after(act)


def _after(act: Act) -> Iterator[Step]:
    if act.replaced_at is not None:
        yield Step(at=act.replaced_at, kind="replaced", told=f"{code(act.replacement)} is ready in its place.")
    if act.effect_at is not None and act.effect:
        change = ""
        if act.before is not None and act.after is not None:
            change = f"{share(act.before.failing)} of its requests failed before, {share(act.after.failing)} after."
        helped = act.effect == "effective"
        told = "It helped: the alert is over." if helped else "It did not help: the alert still fires."
        yield Step(at=act.effect_at, kind="helped" if helped else "failed", told=told, more=change)


def _asked(incident: Incident) -> Iterator[Step]:
    for one in incident.approvals:
        what = to_do(one.action, one.target)
        if one.answer == "expired":
            yield Step(at=one.answered_at or one.until, kind="declined", told=f"Nobody said yes in time to {what}.")
        elif one.answer:
            yield Step(at=one.answered_at or one.at, kind="person", told=f"Said {one.answer}: {what}.", who=one.by)


def _others(incident: Incident) -> Iterator[Step]:
    """What the agent's own lines tell beside all that: people's answers, the issue, quiet, the end."""
    actions = {one.action for one in incident.decisions}
    actions |= {one.action for one in incident.acts} | {one.action for one in incident.approvals}
    for one in incident.story:
        first = one.what.split(" ", 1)[0].rstrip(":")
        known = first in actions or " is ready in place of " in one.what or one.what.startswith("nobody said yes")
        if one.who == "alert" or known or (one.who not in _AGENT and one.what.startswith(("yes to ", "no to "))):
            continue
        said = outside(one.what, 300).replace("`", "'").replace("*", "")
        told = f"{said[:1].upper()}{said[1:]}".rstrip(".") + "."
        if one.who not in _AGENT:
            yield Step(at=one.at, kind="person", told=told, who=one.who)
            continue
        kind = "issue" if "issue" in one.what else "again" if "again" in one.what else "quiet"
        yield Step(at=one.at, kind=kind, told=told)


def spans(incident: Incident, started: float | None, now: float) -> Sequence[Span]:
    """Where the time went, from the alert to quiet; ``started`` is when the alert fired at its sender."""
    received = headline.began(incident)
    end = headline.ended(incident)
    last = now if end is None else end
    found: list[Span] = []

    def add(name: str, kind: str, start: float, until: float | None) -> float:
        stop = last if until is None else min(max(until, start), max(last, start))
        if stop > start:
            found.append(Span(name=name, kind=kind, start=start, end=stop, going=until is None and end is None))
        return max(stop, start)

    at = add("to arrive here", "arrive", started, received) if started is not None and started < received else received
    first = min((act for act in incident.acts if act.outcome in ("", "done", "gone")), key=_at, default=None)
    if first is None:
        judged = min((one.at for one in incident.decisions), default=None)
        at = add("to decide", "decide", at, judged) if judged is not None and judged < last else at
        add(*_unacted(incident, now), at, None)
        return found
    asked = next((one for one in incident.approvals if one.answer == "yes" and one.uid == first.uid), None)
    if asked is not None:
        at = add("to decide", "decide", at, asked.at)
        at = add("for a person to say yes", "person", at, asked.answered_at)
        at = add("to judge again", "decide", at, first.at)
    else:
        at = add("to decide", "decide", at, first.at)
    at = add("to act", "act", at, first.done_at)
    if first.done_at is not None and first.replaced_at is not None:
        at = add("to replace it", "replace", at, first.replaced_at)
    if first.done_at is not None:
        helped = "show" if first.effect == "effective" else "wait" if first.effect == "none" else "replace"
        add("until it was quiet" if end is not None else "and it still fires", helped, at, None)
    return found


def _at(act: Act) -> float:
    return act.at


def _unacted(incident: Incident, now: float) -> tuple[str, str]:
    if incident.phase is not Phase.OPEN:
        return "until it was over", "wait"
    if any(not one.answer and one.until > now for one in incident.approvals):
        return "waiting for a yes or a no", "person"
    return "and it still fires", "wait"
