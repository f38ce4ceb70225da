"""Some forty incidents of the boutique, as an agent would have written them: one bad night, and the week before it."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

from meshscope.adapters.memory.ledger import MemoryLedger
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.guards import GUARDS
from meshscope.feedback.ports import Entry
from meshscope.feedback.state import (
    Act,
    AlertState,
    Approval,
    Decision,
    Evidence,
    Happened,
    Incident,
    Key,
    Member,
    Numbers,
    Phase,
    Received,
    Ticket,
    alert_entry,
    incident_entry,
)
from tests.console.desk_twin import DeskTwin, Moment

NOW = datetime(2026, 11, 26, 3, 12, 4, tzinfo=UTC).timestamp()
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
_GUARDS = ["resolved_first", "restored", "unreadable", "observe_mode", *(code for code, _ in GUARDS)]
_LOG = (
    "2026-11-26T02:59:40Z INFO  accepted connection from checkout-6b9d",
    "2026-11-26T02:59:41Z WARN  pool \"ledger-db\" has 0 of 40 connections left, 213 wait",
    "2026-11-26T02:59:44Z ERROR timed out after 3000 ms waiting for a connection (POST /v1/entries)",
    "2026-11-26T02:59:44Z ERROR timed out after 3000 ms waiting for a connection (POST /v1/entries)",
    "2026-11-26T02:59:47Z ERROR password=hunter2pw rejected by upstream, retrying",
    "2026-11-26T02:59:51Z ERROR giving up on entry 99182 after 5 tries",
)  # fmt: skip


class Night:
    """Writes incidents one by one, each with its alerts, and all of them into a ledger in the order of time."""

    def __init__(self, known: Catalog) -> None:
        self.known = known
        self.entries: list[tuple[float, Entry]] = []
        self.number = 480

    def key(self, name: str) -> Key:
        return next(key for key in self.known.services if key.name == name)

    def incident(self, name: str, began: float, **more: object) -> Incident:
        key = self.key(name)
        service = self.known.services[key]
        digest = hashlib.sha256(f"{name}/{began}".encode()).hexdigest()[:10]
        self.number += 1
        ref = str(self.number)
        where = service.where or self.known.owners[self.known.owner_of(service)].issues
        one = Incident(
            id=f"{name}-{digest}", service=key, owner=self.known.owner_of(service), opened=began,
            revision=f"2026.11.{25 - self.number % 3}-{digest[:4]}", revision_since=began - 5 * HOUR,
            issue=Ticket(where=where, ref=ref, url=_url(where, ref), open=True, told_at=began + 4),
        )  # fmt: skip
        one.story.append(Happened(at=began + 4, what=f"issue #{ref} opened"))
        for field, value in more.items():
            setattr(one, field, value)
        return one

    def fires(
        self, one: Incident, name: str, at: float, *, until: float | None = None, on: str = "", **more: str
    ) -> Member:
        known = self.known.alerts.get(name)
        key = self.key(on) if on else one.service
        fingerprint = hashlib.sha256(f"{name}{key}{at}{sorted(more.items())}".encode()).hexdigest()[:16]
        alert = f"alertmanager/{fingerprint}/{int(at * 1000)}"
        runbook = self.known.services[key].runbook
        member = Member(
            alert=alert, name=name, severity=more.get("severity", known.severity if known else "page"), service=key,
            summary=more.get("summary", known.summary if known and "{{" not in known.summary else ""),
            slo=more.get("slo", ""), stage=more.get("stage", ""), pod=more.get("pod", ""), since=at, until=until,
            definition=known.definition if known else "", runbook=runbook, victim=bool(on),
            dashboard=f"https://grafana.boutique.example/d/service?var-service={key.name}",
        )  # fmt: skip
        one.members.append(member)
        one.story.append(Happened(at=at, what=f"{name} fires", who="alert"))
        started = datetime.fromtimestamp(at - 1.4, UTC).isoformat().replace("+00:00", "Z")
        labels = {"alertname": name, "cluster": key.cluster, "namespace": key.namespace, "service": key.name,
                  "severity": member.severity, **({"pod": member.pod} if member.pod else {})}  # fmt: skip
        state = AlertState(
            key=alert, tenant="alertmanager", episode=int(at * 1000), at=at, service=key, incident=one.id,
            received=Received(source="alertmanager", fingerprint=fingerprint, labels=labels, starts_at=started,
                              status="firing", annotations={"summary": member.summary}),
            resolved_at=until, terminal="acted", code="issue", ended_at=at + 1,
        )  # fmt: skip
        self.entries.append((at, alert_entry(state)))
        return member

    def numbers(self, at: float, pod: str, failing: float, siblings_failing: float = 0.002) -> Numbers:
        return Numbers(at=at, instance=pod, requests=9.8, failing=failing, siblings=2, siblings_requests=20.4,
                       siblings_failing=siblings_failing, seen_requests=2940.0)  # fmt: skip

    def judged(
        self, one: Incident, member: Member, at: float, verdict: str, *, code: str = "", why: str = "",
        action: str = "kill_instance", failing: float = 0.412,
    ) -> Decision:  # fmt: skip
        uid = hashlib.sha256(member.pod.encode()).hexdigest()
        uid = f"{uid[:8]}-{uid[8:12]}-4{uid[12:15]}-a{uid[15:18]}-{uid[18:30]}"
        passed = _GUARDS[: _GUARDS.index(code)] if code in _GUARDS else [*_GUARDS]
        decision = Decision(
            at=at, alert=member.alert, action=action, verdict=verdict, code=code, why=why, target=member.pod, uid=uid,
            passed=passed, numbers=self.numbers(at, member.pod, failing),
            plan=[f"1. {action.split('_')[0]} {member.pod}, only while it is {uid}"],
        )  # fmt: skip
        one.decisions.append(decision)
        one.story.append(Happened(at=at, what=f"{action}: {verdict}" + (f", {code}: {why}" if code else "")))
        return decision

    def kills(
        self, one: Incident, member: Member, at: float, *, effect: str = "effective", effect_at: float | None = None,
        replaced: bool = True, approved_by: str = "",
    ) -> Act:  # fmt: skip
        decision = self.judged(one, member, at, "acted")
        lines = list(_LOG)
        one.evidence.append(Evidence(at=at + 0.1, instance=member.pod, lines=lines,
                                     digest=hashlib.sha256("\n".join(lines).encode()).hexdigest()))  # fmt: skip
        name = f"{member.pod.rsplit('-', 1)[0]}-{decision.uid[:5]}"
        act = Act(
            key=f"{one.id}/kill_instance/{decision.uid}", action="kill_instance", target=member.pod, uid=decision.uid,
            at=at + 0.2, deadline=at + 10, alert=member.alert, outcome="done", said="evicted", done_at=at + 0.9,
            before=decision.numbers, approved_by=approved_by,
        )  # fmt: skip
        if replaced:
            act.replaced_at, act.replacement = at + 11.6, name
        if effect:
            act.effect, act.effect_at = effect, effect_at or at + 80
            act.after = self.numbers(act.effect_at, name, 0.001 if effect == "effective" else 0.39)
        one.acts.append(act)
        one.story.append(Happened(at=at + 0.9, what=f"kill_instance of {member.pod}: done (evicted)"))
        return act

    def asks(self, one: Incident, member: Member, at: float, until: float, action: str = "kill_instance") -> None:
        decision = self.judged(one, member, at, "asked", code="needs_approval", why="a person has to say yes",
                               action=action)  # fmt: skip
        token = hashlib.sha256(one.id.encode()).hexdigest()[:22]
        one.approvals.append(Approval(token=token, alert=member.alert, action=action, target=member.pod,
                                      uid=decision.uid, at=at, until=until))  # fmt: skip

    def put(self, one: Incident, at: float) -> Incident:
        one.changed = at
        one.story.sort(key=lambda each: each.at)
        self.entries.append((at, incident_entry(one)))
        return one

    def written(self) -> MemoryLedger:
        clock = Moment(min(at for at, _ in self.entries) - 60)
        ledger = MemoryLedger(clock)
        for at, entry in sorted(self.entries, key=lambda one: one[0]):
            clock.at = at
            ledger.append([entry]).result()
        clock.at = NOW
        return ledger


def _url(where: str, ref: str) -> str:
    kind, _, repository = where.partition(":")
    host = {"github": "https://github.com", "gitlab": "https://gitlab.com"}.get(kind, "")
    return f"{host}/{repository}/{'-/' if kind == 'gitlab' else ''}issues/{ref}" if host else ref


def _burn(night: Night, name: str, began: float, percent: float, slo: str = "availability", **more: str) -> Incident:
    one = night.incident(name, began)
    whose = f"{one.service.namespace}/{name}"
    summary = f"{whose} breaks its promise of {slo}: {percent}% of requests were bad in the last 1h"
    night.fires(one, "ErrorBudgetBurn", began, slo=slo, summary=summary, **more)
    return one


def tonight(night: Night) -> None:
    """What is open now."""
    began = NOW - 4 * MINUTE
    one = night.incident("checkout", began)
    member = night.fires(one, "LoneFailingInstance", began, pod="checkout-7c9d5b6f4-x2k8p", stage="agent")
    night.asks(one, member, began + 2, NOW + 11 * MINUTE)
    night.fires(one, "ErrorBudgetBurn", began + 70, slo="availability", on="frontend")
    one.victims = [night.key("frontend")]
    night.put(one, began + 70)

    began = NOW - 9 * MINUTE
    one = night.incident("frontend", began, security=True, owner="platform")
    member = night.fires(one, "Terminal shell in container", began, pod="frontend-66d8f7c9b-q7w2m", severity="Notice")
    night.asks(one, member, began + 3, NOW + 6 * MINUTE, action="quarantine")
    night.put(one, began + 4)

    one = _burn(night, "payment", NOW - 23 * MINUTE, 14.2)
    night.fires(one, "ErrorBudgetBurn", NOW - 21 * MINUTE, slo="latency", severity="ticket",
                summary="shop/payment breaks its promise of latency: 22% of requests were bad in the last 1d",
                )  # fmt: skip
    night.put(one, NOW - 20 * MINUTE)

    began = NOW - 17 * MINUTE
    one = night.incident("catalog", began)
    member = night.fires(one, "LoneFailingInstance", began, pod="catalog-5f7b8d9c6-7vn4d", stage="agent")
    night.kills(one, member, began + 3, effect="none", effect_at=NOW - 8 * MINUTE)
    second = night.fires(one, "LoneFailingInstance", began + 300, pod="catalog-5f7b8d9c6-7vn4d", stage="page")
    night.judged(one, second, began + 303, "declined", code="cool_down",
                 why="the last act did not help 40 s ago; 600 s must pass")  # fmt: skip
    for name in ("search", "recommendation", "frontend", "checkout"):
        night.fires(one, "ErrorBudgetBurn", began + 200, on=name, slo="availability")
        one.victims.append(night.key(name))
    night.put(one, NOW - 8 * MINUTE)

    began = NOW - 2 * MINUTE
    one = night.incident("cart", began)
    member = night.fires(one, "LoneFailingInstance", began, pod="cart-6c5f9b7d8-mm4xz", stage="agent")
    night.kills(one, member, began + 2, effect="")
    night.put(one, began + 15)

    began = NOW - 2 * HOUR
    one = night.incident("ledger", began, phase=Phase.MITIGATED, quiet_since=began + 96)
    member = night.fires(one, "LoneFailingInstance", began, pod="ledger-84d6c9f5b-h9t2r", stage="agent",
                         until=began + 95)  # fmt: skip
    night.kills(one, member, began + 3, effect_at=began + 96)
    one.story.append(Happened(at=began + 96, what="quiet, and the cause is still there"))
    night.put(one, began + 97)

    _later(night)


def _later(night: Night) -> None:
    one = night.incident("search", NOW - 38 * MINUTE)
    member = night.fires(one, "LoneFailingInstance", NOW - 38 * MINUTE, pod="search-79c8d6f5b-2lq9w", stage="agent")
    night.judged(one, member, NOW - 38 * MINUTE + 3, "proposed", code="propose_mode",
                 why="eu-1/web/search is in mode propose")  # fmt: skip
    one.snoozed_until = NOW + 5 * HOUR
    one.story.append(Happened(at=NOW - 30 * MINUTE, what="snoozed", who="ada"))
    night.put(one, NOW - 30 * MINUTE)

    for name, alert, hours in (
        ("email", "PlaintextTraffic", 7), ("recommendation", "SlowAndFailing", 3), ("shipping", "IndicatorAbsent", 11),
    ):  # fmt: skip
        one = night.incident(name, NOW - hours * HOUR)
        summary = f"shop/{name} has no indicator for latency" if alert == "IndicatorAbsent" else ""
        night.fires(one, alert, NOW - hours * HOUR, severity="ticket", **({"summary": summary} if summary else {}))
        night.put(one, NOW - hours * HOUR + 5)
    one = _burn(night, "adverts", NOW - 26 * HOUR, 1.3, severity="ticket")
    one.noise = "adverts fail open, nobody notices"
    one.story.append(Happened(at=NOW - 25 * HOUR, what="called noise: adverts fail open, nobody notices", who="ben"))
    night.put(one, NOW - 25 * HOUR)


def week(night: Night) -> None:
    """What is over."""
    names = ("ledger", "checkout", "cart", "currency", "catalog", "frontend", "payment", "shipping", "search", "email")
    refusals = ("no_outlier", "too_few_healthy", "dependency_fires", "numbers_unknown", "cap_owner", "freeze")
    for number in range(28):
        name = names[number % len(names)]
        began = NOW - HOUR * 5 * (number + 1) + 431 * number
        lasted = 95.0 + 61 * (number % 7)
        phase = Phase.RESOLVED if number < 2 else Phase.CLOSED
        kind = number % 4
        if kind == 3:
            one = _burn(night, name, began, 2.1 + number)
            one.members[0].until = began + lasted
        else:
            one = night.incident(name, began)
            member = night.fires(one, "LoneFailingInstance", began, pod=f"{name}-6f7d8c9b5-{'abcdefgh'[number % 8]}2k9",
                                 stage="agent", until=began + lasted)  # fmt: skip
            if kind == 0:
                night.kills(one, member, began + 2.5, effect_at=began + lasted)
                one.fixed_by = f"2026.11.{20 + number % 5}"
            else:
                night.judged(one, member, began + 2.5, "declined", code=refusals[number % len(refusals)],
                             why="3.1% of its requests fail and 2.8% of its siblings'; it would have to be more than "
                             "19.0%", failing=0.031)  # fmt: skip
        one.phase, one.quiet_since, one.ended = phase, began + lasted, began + lasted + 1
        one.story.append(Happened(at=began + lasted + 1, what="over; nothing was done to it"))
        if one.issue is not None:
            one.issue.open = False
        night.put(one, began + lasted + 2)


def nights(known: Catalog) -> DeskTwin:
    """A desk with all of it."""
    night = Night(known)
    week(night)
    tonight(night)
    ledger = night.written()
    return DeskTwin(catalog=known, ledger=ledger, now=lambda: NOW)


def open_ids(desk: DeskTwin) -> Iterator[str]:
    """The names of the incidents that are open."""
    for record in desk.ledger.heads("incident", open=True):
        yield record.entry.subject.removeprefix("incident:")
