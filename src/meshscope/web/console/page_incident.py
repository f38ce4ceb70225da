"""One incident: how it stands, what is asked, the story, the time it took, and why the agent did what it did."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from meshscope.feedback import headline
from meshscope.feedback.asked import asked
from meshscope.feedback.cards import Card
from meshscope.feedback.prose import within
from meshscope.feedback.state import AlertState, Approval, Decision, Incident, Numbers, read_alert
from meshscope.feedback.unreadable import attempted
from meshscope.web.console import times
from meshscope.web.console.board import Group, group, read_seen
from meshscope.web.console.page_incidents import TITLES, WORDS
from meshscope.web.console.reading import read_masked
from meshscope.web.console.story import Span, distinct, spans, steps
from meshscope.web.console.told import line, waiting
from meshscope.web.console.visible import web_address
from meshscope.web.console.visit import Room, Visit


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A part of the bar of times, as the drawing has it: out of 1000 wide."""

    span: Span
    x: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A line of the comparison: how much fails of how many requests, drawn out of 100 wide."""

    name: str
    kind: str
    numbers: Numbers
    failing: float
    requests: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What waits for a yes: the approval, the decision that asks, and what would die."""

    approval: Approval
    decision: Decision | None
    card: Card | None


def found(room: Room, name: str) -> tuple[Incident, Group] | None:
    """The incident as the ledger has it now, and how much it needs a person; None where there is none."""
    row = room.board.rows.get(name)
    records = room.desk.ledger.records(row.number - 1, 1) if row else ()
    if not records or row is None or records[0].number != row.number:
        records = room.desk.ledger.history(f"incident:{name}")[-1:]
    if not records:
        return None
    one, seen = read_masked(records[0]), read_seen(records[0])
    return one, group(seen, room.now(), room.desk.catalog.page) if seen else Group.LATER


def incident(visit: Visit) -> Response:
    """The page of one incident."""
    name = visit.request.path_params["incident"]
    known = found(visit.room, name)
    if known is None:
        return visit.missing(
            "There is no such incident.",
            "The ledger has none of that name. It may have been cut off by the ledger's retention.",
            "/incidents",
        )
    one, which = known
    catalog, now = visit.room.desk.catalog, visit.room.now()
    started = _started(visit.room, one)
    service = catalog.services.get(one.service)
    decider = catalog.decider(one.service, security=one.security)
    return visit.page(
        "incident.html", incident=one, group=which, Group=Group, title=TITLES[which], words=WORDS, service=service,
        line=line(one, catalog, which, now), changed=headline.changed(one), asked=asked(one, now),
        asks=_asks(visit.room, one, now), may_answer=visit.person.may_answer(decider), decider=decider,
        answerers=visit.room.people.who(lambda person: person.may_answer(decider)), steps=steps(one),
        bars=_bars(spans(one, started, now)),
        measures=list(_measures(one)), decisions=distinct(one.decisions), links=_links(visit.room, one),
        mode=visit.room.desk.mode_of(str(one.service)), started=started, last=one.phase.value,
    )  # fmt: skip


def _asks(room: Room, one: Incident, now: float) -> list[Ask]:
    found: list[Ask] = []
    for approval in waiting(one, now):
        decision = next(
            (made for made in reversed(one.decisions) if made.verdict == "asked" and made.action == approval.action
             and made.target == approval.target), None,
        )  # fmt: skip
        found.append(Ask(approval=approval, decision=decision, card=room.desk.cards.get(approval.action)))
    return found


def _started(room: Room, one: Incident) -> float | None:
    """When the first alert fired at its sender, by the sender's word; None where that makes no sense."""
    first = min((member for member in one.members if not member.victim), key=lambda each: each.since, default=None)
    if first is None:
        return None
    records = room.desk.ledger.history(f"alert:{first.alert}")[-1:]
    if not records:
        return None
    alert = attempted(records[0], read_alert)
    said = times.read(alert.received.starts_at) if isinstance(alert, AlertState) else None
    return said if said is not None and 0 <= first.since - said < 86_400 else None


def _bars(found: Sequence[Span]) -> list[Bar]:
    total = sum(span.seconds for span in found)
    if total <= 0:
        return []
    least = 14.0
    widths = [max(least, 1000 * span.seconds / total) for span in found]
    scale = 1000 / sum(widths)
    bars, x = [], 0.0
    for span, width in zip(found, widths, strict=True):
        bars.append(Bar(span=span, x=round(x, 1), width=round(width * scale, 1)))
        x += width * scale
    return bars


def _measures(one: Incident) -> Iterator[Measure]:
    first = headline.measured(one)
    if first is None:
        return
    act = next((act for act in sorted(one.acts, key=lambda each: each.at) if act.after is not None), None)
    after = act.after if act else None
    told = [("the instance", first.instance, first, first.failing, first.requests)]
    if first.siblings:
        told.append(("its siblings", f"{first.siblings} siblings", first, first.siblings_failing,
                     first.siblings_requests))  # fmt: skip
    if after is not None:
        helped = act is not None and act.effect == "effective"
        told.append(("helped" if helped else "after", after.instance, after, after.failing, after.requests))
    most = max(0.01, *(share for _, _, _, share, _ in told))
    for kind, name, numbers, failing, requests in told:
        width = round(100 * min(1.0, max(0.0, failing) / most), 2) if math.isfinite(failing) else 0.0
        yield Measure(name=name, kind=kind, numbers=numbers, failing=failing, requests=requests, width=width)


def _links(room: Room, one: Incident) -> dict[str, str]:
    """Addresses that the model vouches for: what an alert says of itself must lie below the mesh's own."""
    catalog = room.desk.catalog
    service = catalog.services.get(one.service)
    grafana, runbooks = (str(catalog.addresses.get(name) or "") for name in ("grafana", "runbooks"))
    own = [member for member in one.members if not member.victim]
    runbook = web_address(service.runbook) if service else ""
    runbook = runbook or next((each.runbook for each in own if within(each.runbook, (runbooks,))), "")
    dashboard = next((each.dashboard for each in own if within(each.dashboard, (grafana,))), "")
    return {"runbook": runbook, "dashboard": web_address(dashboard)}
