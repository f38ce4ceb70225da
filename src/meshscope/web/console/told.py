"""An incident in a line or two: what users feel, and what the agent did or why it did nothing."""

from __future__ import annotations

from dataclasses import dataclass

from meshscope.feedback import headline
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.prose import code
from meshscope.feedback.reasons import reason
from meshscope.feedback.state import Act, Approval, Decision, Incident, Key, Numbers
from meshscope.feedback.words import done, listed, share, to_do
from meshscope.findings import counted
from meshscope.web.console.board import Group
from meshscope.web.console.visible import outside, web_address


@dataclass(frozen=True, kw_only=True)
class Line:
    """An incident as a list shows it. ``felt`` and ``did`` are sentences of ours, with names in back-ticks."""

    id: str
    service: Key
    owner: str
    decider: str
    """The team that may answer for it."""
    tier: int | None
    group: Group
    since: float
    ended: float | None
    felt: str
    did: str
    issue: str
    issue_url: str
    until: float | None
    alerts: int
    victims: int
    folded_into: str
    back: int
    aside: str
    """What a person has said, so that it can wait."""
    aside_until: float | None


def line(incident: Incident, catalog: Catalog, group: Group, now: float) -> Line:
    """What a list shows of an incident."""
    service = catalog.services.get(incident.service)
    ticket = incident.issue
    waits = waiting(incident, now)
    snoozed = (incident.snoozed_until or 0.0) > now
    return Line(
        id=incident.id,
        service=incident.service,
        owner=incident.owner,
        decider=catalog.decider(incident.service, security=incident.security),
        tier=service.tier if service else None,
        group=group,
        since=headline.began(incident),
        ended=headline.ended(incident),
        felt=felt(incident, catalog),
        did=did(incident, now),
        issue=issue_name(ticket.url, ticket.ref) if ticket else "",
        issue_url=web_address(ticket.url) if ticket else "",
        until=min((one.until for one in waits), default=None),
        alerts=sum(1 for one in incident.members if not one.victim),
        victims=len(incident.victims),
        folded_into=incident.folded_into,
        back=incident.reopened,
        aside="called noise" if incident.noise else "snoozed" if snoozed else "",
        aside_until=incident.snoozed_until if snoozed and not incident.noise else None,
    )


def waiting(incident: Incident, now: float) -> list[Approval]:
    """Acts that wait for a person's yes."""
    return [one for one in incident.approvals if not one.answer and one.until > now]


def issue_name(url: str, ref: str) -> str:
    """What an issue is called in a line: ``#481``, or its last name."""
    name = outside(ref or url).rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1]
    return f"#{name}" if name.isdecimal() else outside(name, 40)


def felt(incident: Incident, catalog: Catalog) -> str:
    """What users feel, in a sentence without times."""
    lead, numbers = headline.leading(incident, catalog), headline.worst(incident)
    over = headline.ended(incident) is not None
    if lead is None:
        return "An alert fires."
    if incident.security:
        return f"Something is in it that should not be: {code(lead.name)}."
    if lead.slo:
        said = _own_words(lead.summary, incident.service)
        told = said if said.startswith("breaks its promise of ") else f"breaks its promise of {code(lead.slo)}"
        told = told.replace("breaks its", "broke its", 1) if over else told
        return f"{told[:1].upper()}{told[1:]}."
    if numbers is not None:
        return _compared(numbers, over=over)
    known = catalog.alerts.get(lead.name)
    if known and known.summary and "{{" not in known.summary:
        return known.summary
    said = _own_words(lead.summary, incident.service)
    return f"{said[:1].upper()}{said[1:]}." if known and said else f"Alert {code(lead.name)} fires."


def _own_words(summary: str, service: Key) -> str:
    """An alert's summary without the service that stands above it, and without marks of ours."""
    said = outside(summary, 300).replace("`", "'").replace("*", "").replace("\\", "/")
    return said.removeprefix(f"{service.namespace}/{service.name}").lstrip(": ").rstrip(".")


def _compared(numbers: Numbers, *, over: bool) -> str:
    verb = "failed" if over else "fails"
    told = f"{code(numbers.instance)} {verb} {share(numbers.failing)} of its requests"
    if numbers.siblings < 1:
        return f"{told}; it has no sibling to compare it with."
    others = verb if over or numbers.siblings == 1 else "fail"
    return f"{told}; its {counted(numbers.siblings, 'sibling')} {others} {share(numbers.siblings_failing)}."


def did(incident: Incident, now: float) -> str:
    """What the agent did, asks, or why it did nothing, in a sentence or two."""
    if incident.folded_into:
        return f"Told as a part of {code(incident.folded_into)}: that service fails, and this one calls it."
    if waits := waiting(incident, now):
        return f"Asks you: may it {listed(to_do(one.action, one.target) for one in waits)}?"
    if incident.acts:
        return act_told(max(incident.acts, key=lambda one: one.at))
    left = next((one for one in reversed(incident.decisions) if one.verdict != "acted" and one.code), None)
    if left is not None:
        return _left(left, expired=any(one.answer == "expired" for one in incident.approvals))
    return "Told you. Nothing else is to be done about an alert like this."


def act_told(act: Act) -> str:
    """An act and what came of it, in a sentence or two."""
    what = to_do(act.action, act.target)
    match act.outcome:
        case "":
            return f"Is about to {what}; whether that works is not known yet."
        case "done":
            acted = done(act.action, act.target)
            place = f"; {code(act.replacement)} took its place" if act.replacement else ""
            return f"{acted[:1].upper()}{acted[1:]}{place}. {_effect(act)}"
        case "gone":
            return f"Set out to {what} and found it gone: by whom nobody can tell. {_effect(act)}"
        case "refused":
            return f"Tried to {what} and was refused. Nothing was changed."
        case "stopped":
            return f"Was about to {what} when it was stopped. Nothing was changed."
        case "unknown":
            return f"Tried to {what}. **Nobody can tell whether that took effect**, so it is not repeated."
        case _:
            return f"Meant to {what}, and did not: {outside(act.said, 200) or 'it was too late'}."


def _effect(act: Act) -> str:
    if act.effect == "effective":
        return "**It helped.**"
    return "**It did not help.**" if act.effect == "none" else "Whether it helped does not show yet."


def _left(decision: Decision, *, expired: bool) -> str:
    what = to_do(decision.action, decision.target)
    if expired:
        return f"Asked to {what}, and nobody answered in time."
    if decision.code in ("observe_mode", "propose_mode"):
        return f"Would {what}. It only {decision.code.removesuffix('_mode')}s here."
    return f"Did not {what}: {_lower(reason(decision.code).why)}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text
