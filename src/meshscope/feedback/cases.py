"""What an alert and one response look like beside the world: what runs, what fails, and what was done already."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal

from meshscope.deploy.plan import Instance, Plan
from meshscope.feedback.asking import Asking
from meshscope.feedback.calendar import frozen
from meshscope.feedback.cards import Action, Declined, World
from meshscope.feedback.catalog import KnownService, Wanted
from meshscope.feedback.folding import reachable
from meshscope.feedback.guards import Case, Spent
from meshscope.feedback.state import Act, AlertState, Evidence, Incident, Key, Numbers, Phase
from meshscope.feedback.tools import Tools, identity
from meshscope.findings import MeshscopeError
from meshscope.insight.siblings import compared, countable, pods


class Cases:
    """Makes the cases that the guards judge."""

    def __init__(self, tools: Tools) -> None:
        """With whatever can be asked."""
        self.tools = tools
        self.book = tools.book
        self.catalog = tools.catalog
        self.settings = tools.settings
        self.asking = Asking()

    def case(
        self,
        alert: AlertState,
        incident: Incident,
        service: KnownService,
        wanted: Wanted,
        found: Action,
        approved: str,
        *,
        again: Act | None = None,
    ) -> tuple[Case, Evidence | None]:
        """Everything that the guards look at, and what was gathered of the instance that the plan names.

        ``again`` is an intent that is judged once more: it takes from the budgets already, and is in no way of its own.
        Raises `NotYet` where the alert has to be taken again.
        """
        now = self.book.clock.now()
        instances: tuple[Instance, ...] = ()
        unknown = ""
        try:
            instances = self.tools.target.instances(identity(service.key))
        except MeshscopeError as error:
            unknown = error.finding.title
        plan = self._planned(found, alert, World(service=service, instances=instances, wanted=wanted))
        # Somebody who broke in is no symptom of what the service calls.
        dependency = "" if incident.security else self._dependency(service.key)
        case = Case(
            now=now, service=service, mode=self.tools.mode_of(service), card=found.card, plan=plan,
            instances=instances, settings=self.settings, resolved=self.book.latest(alert).resolved_at is not None,
            dependency=dependency, spent=self._spent(service, incident, found, again, now),
            at_most=int(wanted.limits.get("at_most", 1)), stop=self.tools.stopped(service),
            frozen=frozen(self.settings.freeze, now), restored=self.tools.restored(),
            unreadable=self._unreadable(service.key), flaps=incident.reopened, noise=incident.noise,
            snoozed_until=incident.snoozed_until or 0.0, approved=bool(approved),
        )  # fmt: skip
        evidence = None
        if (chosen := case.chosen) is not None:
            if found.card.outlier:
                # A person who said yes waits for it, and so does a start.
                wait = bool(approved) or again is not None
                numbers, why = self.numbers(service.key, chosen, alert, wait=wait)
                case = replace(case, numbers=numbers, unknown=why or unknown)
            evidence = self._evidence(chosen)
        return case, evidence

    def numbers(
        self, key: Key, chosen: Instance, alert: AlertState | None, *, wait: bool = True
    ) -> tuple[Numbers | None, str]:
        """How the instance does beside its siblings; None and why where nobody can tell.

        Raises `NotYet` where the store takes its time, unless ``wait``.
        """
        now = self.book.clock.now()
        why = "there is no store of metrics"
        if (store := self.tools.metrics) is not None:
            try:
                every = self.asking.answer(key, lambda: pods(store, identity(key), Decimal(f"{now:.3f}")), wait=wait)
            except MeshscopeError as error:
                why = error.finding.title
            else:
                found = compared(chosen.name, every)
                if found is None:
                    return None, f"the metrics know nothing of {chosen.name}"
                return Numbers(
                    at=now, instance=chosen.name, requests=found.requests, failing=found.failing,
                    siblings=found.siblings, siblings_requests=found.siblings_requests,
                    siblings_failing=found.siblings_failing,
                    seen_requests=found.requests * self.settings.window_seconds,
                ), ""  # fmt: skip
        told = _told_numbers(alert, chosen, now) if alert is not None else None
        return told, why

    def _evidence(self, chosen: Instance) -> Evidence:
        lines = self.tools.target.logs(chosen, self.settings.evidence_lines)
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return Evidence(at=self.book.clock.now(), instance=chosen.name, lines=list(lines), digest=digest)

    def _dependency(self, key: Key) -> str:
        callers = reachable(key, self.catalog.callers)
        below = sorted(callee for callee in reachable(key, self.catalog.callees) if self._fails(callee))
        # What calls it as well is its victim as much as its cause.
        return next((f"{one.namespace}/{one.name}" for one in below if one not in callers), "")

    def _fails(self, key: Key) -> bool:
        """Whether the service has a trouble of its own that goes on."""
        found = self.book.open_for(key)
        return found is not None and found.phase is Phase.OPEN and bool(found.firing)

    def _planned(self, found: Action, alert: AlertState, seen: World) -> Plan | Declined:
        plan = found.plan(alert, seen)
        # Before anything is written: an intent that nobody can carry out would look like one that was.
        if isinstance(plan, Plan) and (lacks := {one.verb for one in plan.changes} - self.tools.hands.keys()):
            return Declined(code="no_hand", why=f"nothing here can {', '.join(sorted(lacks))}")
        return plan

    def _unreadable(self, key: Key) -> str:
        found = self.book.unreadable.about(str(key))
        return "" if found is None else f"record {found.number} of it can't be read, and nobody has cleared it"

    def _spent(self, service: KnownService, incident: Incident, found: Action, again: Act | None, now: float) -> Spent:
        clock = self.book.clock.monotonic()
        every = [one for one in self.book.acts() if one.act is not again]
        mine = [one for one in every if one.incident.service == service.key]
        bad = [one for one in mine if one.act.effect == "none"]
        alike = [clock - one.since for one in mine if one.act.action == found.card.name]
        # How long ago it was seen not to help, counted from the act.
        useless = [max(0.0, clock - one.since - (one.act.effect_at or one.act.at) + one.act.at) for one in bad]
        owner = self.catalog.owner_of(service)
        # Whoever a security incident belongs to: it is the service's owner on whose services something is done.
        owned = [one for one in every if self.catalog.owner_at(one.incident.service) == owner]
        # By any card.
        unknown = self.tools.unknown_acts()
        return Spent(
            service=len(mine),
            owner=len(owned) + unknown[owner],
            mesh=len(every) + unknown.total(),
            card=sum(1 for one in every if one.act.action == found.card.name) + unknown.total(),
            last=now - min(alike) if alike else None,
            last_without_effect=now - min(useless) if useless else None,
            strikes=len(bad),
            going_on=sum(
                1
                for act in incident.acts
                if act is not again
                and act.action == found.card.name
                and act.outcome in ("", "done")
                and not (act.replaced_at or act.effect)
            ),
        )


def _told_numbers(alert: AlertState, chosen: Instance, now: float) -> Numbers | None:
    """What the alert itself tells of the instance and its siblings, where its rule does."""
    notes = alert.received.annotations
    try:
        failing, siblings_failing = float(notes["instance_failing"]), float(notes["siblings_failing"])
        requests, siblings = float(notes["instance_requests"]), int(float(notes["siblings"]))
    except (KeyError, ValueError, OverflowError):
        return None
    if not (0 <= failing <= 1 and 0 <= siblings_failing <= 1 and countable(requests) and countable(siblings)):
        return None
    return Numbers(
        at=now, instance=chosen.name, requests=0.0, failing=failing, siblings=siblings, siblings_requests=0.0,
        siblings_failing=siblings_failing, seen_requests=requests, origin="alert",
    )  # fmt: skip
