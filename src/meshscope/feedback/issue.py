"""The issue of an incident: the first screen makes sense alone, at night; the numbers and the evidence stand below.

It is written from the incident, the model and the time alone, so that the same incident gives the same bytes. Nothing
in it grows with time: what goes on is told by when it began, and a length of time only of what is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from re import fullmatch

from meshscope.feedback import deeds, headline
from meshscope.feedback.asked import ANSWERS, asked
from meshscope.feedback.catalog import Catalog, KnownService
from meshscope.feedback.ports import Draft
from meshscope.feedback.prose import code, fence, fitted, link, title, within
from meshscope.feedback.state import Evidence, Incident, Member, Numbers, Phase
from meshscope.feedback.tracking import marker
from meshscope.feedback.words import between, clock, is_name, named, rate, share, when
from meshscope.findings import counted

_MOST_ALERTS = 25
_MOST_VICTIMS = 25
_MOST_EVIDENCE = 3
_ROOM_FOR_EVIDENCE = 12_000
_SHARED = (
    "**What changed:** one cause is likelier than many. Look for what they share: a node, a network, a release, a "
    "certificate, a service that most of them call."
)
_CAPPED = (
    "**What the agent does:** it goes on within its hourly caps, and tells of these incidents here instead of in an "
    "issue each. One about which it does something has its own, which stays open until the cause is mended."
)


def draft(
    incident: Incident, catalog: Catalog, *, now: float, key: str, console: str, secret: bytes, where: str
) -> Draft:
    """The issue as it should be now, in the tracker at ``where``.

    ``key`` and ``secret`` mark it as ours; ``console`` is the console's address, empty where there is none.
    """
    service = catalog.services.get(incident.service)
    blocks = [
        headline.felt(incident, catalog),
        f"**What changed:** {headline.changed(incident)}",
        f"**What the agent did:** {deeds.told(incident, now)}",
        *deeds.plans(incident),
        f"**What is asked of {_whom(incident)}:** {asked(incident, now)}",
        _links(incident, catalog, service, console),
        _numbers(incident),
        *_evidence(incident),
        _alerts(incident, catalog),
        _victims(incident),
        ANSWERS if incident.phase is not Phase.CLOSED else "",
    ]
    return Draft(
        key=key,
        where=where,
        title=headline.title(incident, catalog),
        body=fitted(blocks, marker(key, secret)),
        labels=_labels(incident, catalog),
    )


def _whom(incident: Incident) -> str:
    return code(incident.owner) if incident.owner else "you"


def _labels(incident: Incident, catalog: Catalog) -> tuple[str, ...]:
    """Words of ours alone: what stands in an alert's labels is not repeated."""
    lead = headline.leading(incident, catalog)
    severity = lead.severity if lead and is_name(lead.severity) and not incident.security else ""
    states = {"mitigated": incident.phase is Phase.MITIGATED, "security": incident.security, "noise": incident.noise}
    return tuple(filter(None, ("meshscope", severity, *(word for word, holds in states.items() if holds))))


def _links(incident: Incident, catalog: Catalog, service: KnownService | None, console: str) -> str:
    bases = {name: str(catalog.addresses.get(name, "")) for name in ("grafana", "runbooks", "console")}
    own = [one for one in incident.members if not one.victim]
    runbook = service.runbook if service else ""
    runbook = runbook or _first((one.runbook for one in own), bases["runbooks"])
    found = (
        link("Runbook", runbook),
        link("Dashboard", _first((one.dashboard for one in own), bases["grafana"])),
        link("Incident in the console", f"{console.rstrip('/')}/incidents/{incident.id}" if console else ""),
    )
    return " · ".join(filter(None, found))


def _first(addresses: Iterator[str], base: str) -> str:
    return next((one for one in addresses if within(one, (base,))), "")


def _numbers(incident: Incident) -> str:
    """An instance and its siblings, before and after."""
    rows: list[tuple[str, Numbers]] = []
    first = headline.measured(incident)
    if first is not None:
        rows.append(("at first", first))
    worst = headline.worst(incident)
    if worst is not None and worst != first:
        rows.append(("at worst", worst))
    for act in sorted(incident.acts, key=lambda one: (one.at, one.key)):
        for word, numbers in (("before the act", act.before), ("after it", act.after)):
            if numbers is not None and numbers not in (first, worst):
                rows.append((word, numbers))
    if not rows:
        return ""
    table = [
        "### Numbers",
        "",
        "| when | instance: requests/s | instance: failing | siblings | siblings: requests/s | siblings: failing |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for word, one in rows[:20]:
        siblings = (rate(one.siblings_requests), share(one.siblings_failing)) if one.siblings else ("none", "none")
        cells = (f"{word}, {clock(one.at)}", rate(one.requests), share(one.failing), f"{one.siblings:,}", *siblings)
        table.append(f"| {' | '.join(cells)} |")
    if any(one.origin == "alert" for _, one in rows):
        table += ["", "The metrics could not be asked for all of these; what is missing came with the alert itself."]
    return "\n".join(table)


def _evidence(incident: Incident) -> Iterator[str]:
    kept: Sequence[Evidence] = incident.evidence[-_MOST_EVIDENCE:]
    for number, one in enumerate(kept):
        head = "### Evidence\n\n" if number == 0 else ""
        digest = one.digest if fullmatch(r"[0-9a-f]{64}", one.digest) else ""
        proof = f" SHA-256 of all that was gathered: {code(digest)}." if digest else ""
        if not one.lines:
            yield f"{head}{code(one.instance)} had written nothing that could be read at {when(one.at)}.{proof}"
            continue
        lines = counted(len(one.lines), "last line")
        yield f"{head}The {lines} of {code(one.instance)}, gathered at {when(one.at)}.{proof}"
        yield fence(one.lines, _ROOM_FOR_EVIDENCE)


def _alerts(incident: Incident, catalog: Catalog) -> str:
    own = sorted((one for one in incident.members if not one.victim), key=lambda one: (one.since, one.name, one.alert))
    if not own:
        return ""
    lines = [f"- {_alert(one, catalog)}" for one in own[:_MOST_ALERTS]]
    if len(own) > _MOST_ALERTS:
        lines.append(f"- and {len(own) - _MOST_ALERTS:,} more, which the console lists")
    return "### Alerts of this incident\n\n" + "\n".join(lines)


def _alert(member: Member, catalog: Catalog) -> str:
    known = catalog.alerts.get(member.name)
    first = "; the stage of which only the agent is told" if member.stage == "agent" else ""
    about = [code(member.name), f"({member.severity}{first})" if is_name(member.severity) else ""]
    if member.slo:
        about.append(f"for {code(member.slo)}")
    if member.pod:
        about.append(f"about {code(member.pod)}")
    span = f"since {when(member.since)}" if member.until is None else between(member.since, member.until)
    # An SLO's definition is its own, and stands in an annotation; of other alerts the model knows it.
    said = (
        member.definition if fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}\.py:[0-9]{1,7}", member.definition) else ""
    )
    definition = said if member.slo and said else (known.definition if known else "")
    where = f"; defined at {code(definition)}" if definition else ""
    return f"{' '.join(filter(None, about))}, {span}{where}"


def _victims(incident: Incident) -> str:
    names = sorted(
        {named(one) for one in incident.victims}
        | {named(one.service) for one in incident.members if one.victim and one.service}
    )
    if not names:
        return ""
    more = f" and {len(names) - _MOST_VICTIMS:,} more" if len(names) > _MOST_VICTIMS else ""
    shown = ", ".join(names[:_MOST_VICTIMS])
    return f"### Who else suffers\n\nThese call {named(incident.service)} and fail because of it: {shown}{more}."


def storm_draft(
    incidents: Sequence[Incident], catalog: Catalog, *, now: float, key: str, console: str, secret: bytes, where: str
) -> Draft:
    """One issue that lists many incidents which began together; what it is given is as for `draft`."""
    ordered = sorted(incidents, key=lambda one: (headline.began(one), one.id))
    services = {one.service for one in ordered}
    start = headline.began(ordered[0]) if ordered else now
    firing = sum(1 for one in ordered if one.firing)
    asking = sum(len(deeds.waiting(one, now)) for one in ordered)
    counts = f"{counted(len(ordered), 'incident')} of {counted(len(services), 'service')}"
    blocks = [
        f"{counts} began within a short time, the first at {when(start)}; {firing:,} of them go on.",
        _SHARED,
        _CAPPED,
        f"**What is asked of {code(catalog.owner) if catalog.owner else 'you'}:** find the shared cause first."
        + (f" {counted(asking, 'act waits', 'acts wait')} for a yes in the console." if asking else ""),
        link("Incidents in the console", f"{console.rstrip('/')}/incidents" if console else ""),
        *_listed(ordered, catalog, now),
    ]
    return Draft(
        key=key,
        where=where,
        title=title(f"[{catalog.page}] {counts} at once"),
        body=fitted(blocks, marker(key, secret)),
        labels=("meshscope", "storm"),
    )


def _listed(ordered: Sequence[Incident], catalog: Catalog, now: float) -> Iterator[str]:
    """The incidents in blocks of fifty, so that what does not fit is left out by the block."""
    for first in range(0, len(ordered), 50):
        head = "### Incidents\n\n" if first == 0 else ""
        yield head + "\n".join(
            f"- {headline.felt(one, catalog)}{_apart(one)}{_asks(one, now)}" for one in ordered[first : first + 50]
        )


def _apart(incident: Incident) -> str:
    ticket = incident.issue
    if ticket is None or not ticket.apart:
        return ""
    return f" It has {link('an issue of its own', ticket.url) or 'an issue of its own'}."


def _asks(incident: Incident, now: float) -> str:
    asked = deeds.waiting(incident, now)
    return f" {code(asked[0].action)} waits for a yes." if asked else ""
