"""The first that is read of an issue: its title, what users felt, what had changed."""

from __future__ import annotations

import re

from meshscope.feedback import prose
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.prose import code
from meshscope.feedback.state import Incident, Member, Numbers, Phase
from meshscope.feedback.words import between, failing, is_name, lasted, named, stands_out, when

# A revision that is this much older is not what changed.
_RECENT_SECONDS = 6 * 3600.0

_STANDS = {
    Phase.OPEN: "",
    Phase.MITIGATED: "mitigated, cause open",
    Phase.RESOLVED: "resolved",
    Phase.CLOSED: "closed",
}


def title(incident: Incident, catalog: Catalog) -> str:
    """The issue's title: how urgent, whose, what, and how it stands."""
    lead = leading(incident, catalog)
    severity = lead.severity if lead and is_name(lead.severity) else catalog.page
    severity = "security" if incident.security else severity
    whose = f"{incident.service.namespace}/{incident.service.name}".strip("/")
    stands = _stands(incident)
    ending = f" — {stands}" if stands else ""
    what = prose.title(f"[{severity}] {whose}: {_what(lead, catalog)}")
    room = prose.LONGEST_TITLE - len(ending)
    return (what if len(what) <= room else f"{what[: room - 1].rstrip()}…") + ending


def leading(incident: Incident, catalog: Catalog) -> Member | None:
    """The alert that says most: of the service itself, a page before a ticket, the earliest."""
    return min(
        incident.members,
        key=lambda one: (one.victim, one.severity != catalog.page, one.since, one.alert),
        default=None,
    )


def _what(lead: Member | None, catalog: Catalog) -> str:
    """What is wrong in a few words of the definition, never of a label."""
    if lead is None:
        return "an alert fires"
    known = catalog.alerts.get(lead.name)
    if known and known.summary and "{{" not in known.summary:
        words = known.summary.strip().rstrip(".")
        return words[:1].lower() + words[1:] if words[1:2].islower() or words[1:2] == " " else words
    if lead.slo:
        return f"breaks its promise of {lead.slo if is_name(lead.slo) else 'an SLO'}"
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", lead.name).lower() or "an alert fires"


def began(incident: Incident) -> float:
    """When its first alert began."""
    own = [one.since for one in incident.members if not one.victim and one.since > 0]
    return min(own, default=incident.opened)


def ended(incident: Incident) -> float | None:
    """When it was quiet: its alerts over, but for those on long windows; None while it is not."""
    if not incident.quiet or incident.phase is Phase.OPEN:
        return None
    if incident.quiet_since is not None:
        return incident.quiet_since
    return max((one.until for one in incident.members if one.until is not None), default=incident.ended)


def measured(incident: Incident) -> Numbers | None:
    """The numbers with which it was first judged."""
    return min(_seen(incident), key=lambda one: one.at, default=None)


def worst(incident: Incident) -> Numbers | None:
    """The numbers with which most instances failed; of those alike the first."""
    return min(
        _seen(incident), key=lambda one: (-one.failing - one.siblings * one.siblings_failing, one.at), default=None
    )


def _seen(incident: Incident) -> list[Numbers]:
    judged = [one.numbers for one in incident.decisions if one.numbers]
    return judged + [one.before for one in incident.acts if one.before]


def felt(incident: Incident, catalog: Catalog) -> str:
    """What users felt and since when, in one or two sentences, with how it stands."""
    over = ended(incident)
    span = f"since {when(began(incident))}" if over is None else between(began(incident), over)
    return f"{_opening(incident)}{_felt(incident, catalog, over is not None, span)}"


def _stands(incident: Incident) -> str:
    """How it stands in a few words; empty while it simply goes on."""
    if incident.folded_into:
        return "part of another incident"
    if not incident.quiet and incident.phase in (Phase.RESOLVED, Phase.CLOSED):
        return "closed, though alerts of it still fire"
    return _STANDS[incident.phase]


def _opening(incident: Incident) -> str:
    if stands := _stands(incident):
        return f"**{stands[0].upper()}{stands[1:]}.** "
    if incident.reopened:
        return (
            "**It is back.** " if incident.reopened == 1 else f"**It is back for the {_nth(incident.reopened)} time.** "
        )
    return ""


def _nth(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _felt(incident: Incident, catalog: Catalog, over: bool, span: str) -> str:
    whose, numbers, lead = named(incident.service), worst(incident), leading(incident, catalog)
    if numbers is not None and not (lead and lead.slo):
        return failing(whose, numbers, over=over, span=span)
    if lead is not None and lead.slo:
        broke = "broke" if over else "breaks"
        return f"{whose} {broke} its promise of {code(lead.slo)} to its users, {span}."
    known = lead is not None and lead.name in catalog.alerts
    words = prose.plain(_what(lead, catalog)) if known or lead is None else f"alert {code(lead.name)} fires"
    return f"{whose}: {words}, {span}."


def changed(incident: Incident) -> str:
    """What had changed before it began, as far as anybody knows."""
    if not incident.revision:
        return "Not known: nobody has told the agent which revision ran."
    if ", " in incident.revision:
        return f"More than one revision ran: {code(incident.revision)}. Compare them first."
    revision, since, start = code(incident.revision), incident.revision_since, began(incident)
    if since is None:
        return f"Revision {revision} ran; since when is not known."
    if since > start:
        return f"Revision {revision} came while it went on, at {when(since)}."
    ran = f"evision {revision} was started at {when(since)}, {lasted(start - since)} before this began"
    if start - since > _RECENT_SECONDS:
        return f"Nothing that is known: r{ran}."
    if (numbers := worst(incident)) is not None and stands_out(numbers):
        return f"R{ran}. The instance's siblings are well, so that alone does not explain it."
    return f"R{ran}. Suspect it first."
