"""An alert is matched with the model, joins an incident, is judged, and acted on: the part that decides.

Every step writes before it acts, so that whatever ends this process, the next one knows how far it came.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from decimal import Decimal

from msgspec import structs

from meshscope.deploy.plan import Instance, Outcome, Plan, Receipt, applied, explained
from meshscope.feedback.calendar import frozen
from meshscope.feedback.cards import Action, Repeat, World
from meshscope.feedback.catalog import KnownAlert, KnownService, Wanted
from meshscope.feedback.folding import deepest, reachable
from meshscope.feedback.guards import Case, Spent, Verdict, judge
from meshscope.feedback.joining import Joiner
from meshscope.feedback.ports import Record
from meshscope.feedback.state import Act, AlertState, Approval, Decision, Evidence, Incident, Key, Numbers, Phase
from meshscope.feedback.tools import OWN, Tools, identity, name_of
from meshscope.findings import MeshscopeError
from meshscope.insight.siblings import compared, pods

# Outcomes of acts that may have changed the world.
_MAY_HAVE_HAPPENED = ("", "done", "gone", "unknown")


class Decider:
    """Takes one alert at a time from received to its end."""

    def __init__(self, tools: Tools) -> None:
        """Nothing is decided yet."""
        self.tools = tools
        self.joiner = Joiner(tools)
        self.book = tools.book
        self.catalog = tools.catalog
        self.settings = tools.settings
        self._ends: deque[tuple[AlertState, AlertState, Future[Sequence[Record]]]] = deque()

    def take(self, alert: AlertState) -> None:
        """Bring ``alert`` to its end. Raises what goes wrong; it is tried again then."""
        now = self.book.clock.now()
        service = self.catalog.service_of(alert.received.labels)
        known = self.catalog.alerts.get(name_of(alert))
        if name_of(alert).startswith(OWN):
            self._end(alert, "declined", "own_alert", "it is about the agent itself, which never acts on that")
            return
        security = alert.received.source == "falco"
        if service is None:
            service = self.joiner.by_instance(alert)
        if service is None:
            self._end(alert, "declined", "unknown_service", "its labels name no service of the model")
            return
        if known is None and not security:
            self._end(alert, "declined", "unknown_alert", "the model has no alert of that name", service)
            return
        with self.book.lock:
            incident = self.joiner.joined(alert, service, known, now)
            alert = structs.replace(
                self._latest(alert),
                service=service.key,
                incident=self.joiner.root(incident).id,
                attempts=alert.attempts,
            )
            self.book.save(incident, alerts=[alert])
        self._respond(alert, incident, service, known)

    def victim(self, alert: AlertState) -> None:
        """Take an alert that its sender holds back, since another one says it: a victim, and never acted on."""
        service = self.catalog.service_of(alert.received.labels)
        if service is None:
            self._end(alert, "declined", "unknown_service", "its labels name no service of the model")
            return
        with self.book.lock:
            root = deepest(service.key, self.catalog.callees, self.joiner.failing(service.key))
            incident = self.book.open_for(root) if root is not None else None
            incident = incident or self.book.open_for(service.key)
            if incident is not None:
                known = self.catalog.alerts.get(name_of(alert))
                self.joiner.add(incident, alert, service, known, victim=incident.service != service.key)
                self.book.save(incident)
        self._end(alert, "superseded", "folded", "its sender holds it back: another alert says it", service, incident)

    def _latest(self, alert: AlertState) -> AlertState:
        return self.book.alerts.get((alert.tenant, alert.received.fingerprint), alert)

    # Responding

    def _respond(self, alert: AlertState, incident: Incident, service: KnownService, known: KnownAlert | None) -> None:
        if alert.resolved_at is not None:
            self._end(
                alert, "superseded", "resolved_first", "it was over before anything was decided", service, incident
            )
            return
        if any(member.alert == alert.key and member.victim for member in incident.members):
            self._end(alert, "superseded", "folded", f"{incident.service} is the cause", service, incident)
            return
        wanted = self._wanted(alert, known)
        if not wanted:
            self._end(alert, "declined", "no_response", "its definition declares no response", service, incident)
            return
        ends = [self._one(alert, incident, service, response) for response in wanted if response.action != "open_issue"]
        if not ends:
            self._end(alert, "acted", "issue", "its incident has an issue", service, incident)
            return
        acted = next((end for end in ends if end[0] == "acted"), None)
        verdict, code, why = acted or ends[-1]
        if verdict == "asked":
            return
        self._end(alert, verdict, code, why, service, incident)

    def _wanted(self, alert: AlertState, known: KnownAlert | None) -> tuple[Wanted, ...]:
        if alert.received.source == "falco":
            rule = self.catalog.rules.get(name_of(alert))
            return rule.responses if rule is not None else ()
        return known.responses if known is not None else ()

    def _one(
        self, alert: AlertState, incident: Incident, service: KnownService, wanted: Wanted, approved: str = ""
    ) -> tuple[str, str, str]:
        """Judge and carry out one response: the verdict, its code and why."""
        found = self.tools.actions.get(wanted.action)
        if found is None:
            return "declined", "no_response", f"there is no action called {wanted.action} here"
        if not approved and (before := _begun(alert, incident, wanted)) is not None:
            if before.alert == alert.key:
                return _came_to(before)
            return "superseded", "repeated", "another alert of this incident was decided on with the same response"
        case, evidence = self._case(alert, incident, service, wanted, found, approved)
        verdict = judge(case)
        plan = list(explained(case.plan)) if isinstance(case.plan, Plan) else []
        chosen = case.chosen
        decision = Decision(
            at=case.now, alert=alert.key, action=wanted.action, verdict=_word(verdict), code=verdict.code,
            why=verdict.why, target=chosen.name if chosen else alert.received.labels.get("pod", ""),
            uid=chosen.uid if chosen else "", passed=list(verdict.passed), plan=plan, numbers=case.numbers,
        )  # fmt: skip
        self.tools.telemetry.decided(wanted.action, decision.verdict, decision.code)
        if verdict.code == "needs_approval":
            return self._ask(alert, incident, decision)
        if verdict.code or not isinstance(case.plan, Plan):
            with self.book.lock:
                incident.decisions.append(decision)
                self.book.happened(incident, f"{wanted.action}: {decision.verdict}, {verdict.code}: {verdict.why}")
                self.book.save(incident)
            return decision.verdict, verdict.code, verdict.why
        return self._act(alert, incident, found, case, decision, evidence, approved)

    def _case(
        self,
        alert: AlertState,
        incident: Incident,
        service: KnownService,
        wanted: Wanted,
        found: Action,
        approved: str,
    ) -> tuple[Case, Evidence | None]:
        now = self.book.clock.now()
        instances: tuple[Instance, ...] = ()
        unknown = ""
        try:
            instances = self.tools.target.instances(identity(service.key))
        except MeshscopeError as error:
            unknown = error.finding.title
        plan = found.plan(alert, World(service=service, instances=instances, wanted=wanted))
        case = Case(
            now=now, service=service, mode=self.tools.mode_of(service), card=found.card, plan=plan,
            instances=instances, settings=self.settings, resolved=self._latest(alert).resolved_at is not None,
            dependency=self._dependency(service.key), spent=self._spent(service, incident, found),
            at_most=int(wanted.limits.get("at_most", 1)), stop=self.tools.stopped(service),
            frozen=frozen(self.settings.freeze, now), restored=self.tools.restored(), flaps=incident.reopened,
            noise=incident.noise, snoozed_until=incident.snoozed_until or 0.0, approved=bool(approved),
        )  # fmt: skip
        evidence = None
        if (chosen := case.chosen) is not None:
            if found.card.outlier:
                numbers, why = self.numbers(service.key, chosen, alert)
                case = replace(case, numbers=numbers, unknown=why or unknown)
            evidence = self._evidence(chosen)
        return case, evidence

    def numbers(self, key: Key, chosen: Instance, alert: AlertState | None) -> tuple[Numbers | None, str]:
        """How the instance does beside its siblings; None and why where nobody can tell."""
        now = self.book.clock.now()
        why = "there is no store of metrics"
        if self.tools.metrics is not None:
            try:
                every = pods(self.tools.metrics, identity(key), Decimal(f"{now:.3f}"))
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

    def _spent(self, service: KnownService, incident: Incident, found: Action) -> Spent:
        mine = [(owner, act) for owner, one, act in self.book.acts() if one.service == service.key]
        every = list(self.book.acts())
        bad = [act for _, act in mine if act.effect == "none"]
        owner = self.catalog.owner_of(service)
        return Spent(
            service=len(mine),
            owner=sum(1 for whose, _, _ in every if whose == owner),
            mesh=len(every),
            card=sum(1 for _, _, act in every if act.action == found.card.name),
            last=max((act.at for _, act in mine if act.action == found.card.name), default=None),
            last_without_effect=max((act.effect_at or act.at for act in bad), default=None),
            strikes=len(bad),
            going_on=sum(
                1
                for act in incident.acts
                if act.action == found.card.name and act.outcome in ("", "done") and not (act.replaced_at or act.effect)
            ),
        )

    def _ask(self, alert: AlertState, incident: Incident, decision: Decision) -> tuple[str, str, str]:
        with self.book.lock:
            mine = [one for one in incident.approvals if (one.alert, one.action) == (alert.key, decision.action)]
            if any(not one.answer for one in mine):
                return "superseded", "repeated", "a person was asked already"
            if mine:
                return "declined", "expired", "a person answered, and the agent ended before anything was done"
            decision.verdict = "asked"
            incident.decisions.append(decision)
            incident.approvals.append(
                Approval(
                    token=self.tools.new_token(), alert=alert.key, action=decision.action, target=decision.target,
                    uid=decision.uid, at=decision.at, until=decision.at + self.settings.approval_seconds,
                )
            )  # fmt: skip
            self.book.happened(
                incident, f"{decision.action} of {decision.target or incident.service.name}: a person is asked"
            )
            self.book.save(incident)
        return "asked", "needs_approval", decision.why

    # Acting

    def _act(
        self,
        alert: AlertState,
        incident: Incident,
        found: Action,
        case: Case,
        decision: Decision,
        evidence: Evidence | None,
        approved: str,
    ) -> tuple[str, str, str]:
        plan = case.plan
        assert isinstance(plan, Plan)  # noqa: S101 - the guards refused every other one
        now = self.book.clock.now()
        decision.verdict = "acted"
        act = Act(
            key=f"{incident.id}/{plan.action}/{decision.uid or plan.changes[0].subject}", action=plan.action,
            target=decision.target or plan.changes[0].subject, uid=decision.uid, at=now,
            deadline=now + self.settings.call_seconds, alert=alert.key, before=case.numbers, approved_by=approved,
        )  # fmt: skip
        with self.book.lock:
            incident.decisions.append(decision)
            if evidence is not None:
                incident.evidence.append(evidence)
            self.book.remember(incident, act)
            self.book.happened(incident, f"{act.action} of {act.target}: decided, evidence gathered")
            written = self.book.save(incident)
        self.tools.step("intent:before")
        try:
            # Nothing is done that the ledger doesn't know.
            written.result(timeout=self.settings.call_seconds)
        except BaseException:
            self._taken_back(incident, act, decision)
            raise
        self.tools.step("intent:after")
        return self.carry_out(incident, act, plan, found, alert)

    def _taken_back(self, incident: Incident, act: Act, decision: Decision) -> None:
        """Nothing was done, for the ledger could not keep that it would be; the alert is decided on again."""
        with self.book.lock:
            incident.acts.remove(act)
            incident.decisions.remove(decision)
            self.book.forget(act)
            self.book.happened(incident, f"{act.action} of {act.target}: not done, the ledger can't keep it now")

    def carry_out(
        self, incident: Incident, act: Act, plan: Plan, found: Action, alert: AlertState | None
    ) -> tuple[str, str, str]:
        """Apply a plan whose intent is written, and write what came of it."""
        service = self.catalog.services.get(incident.service)
        # The switch may have been thrown since the guards were asked.
        if why := self.tools.stopped(service):
            self.finish(incident, act, "stopped", why)
            return "declined", "stopped", why
        receipts = applied(plan, self.tools.hands, self.tools.step)
        last = receipts[-1]
        self.tools.telemetry.acted(plan.action, last.outcome.value)
        self.finish(incident, act, _outcome(last, found), last.said)
        if alert is not None:
            self.tools.telemetry.reacted(self.book.clock.now() - alert.at)
        if last.outcome is Outcome.REFUSED:
            return "declined", "refused", last.said
        if last.outcome is Outcome.UNKNOWN:
            return "acted", "outcome_unknown", last.said
        return "acted", "done" if last.outcome is Outcome.DONE else "gone", last.said

    def finish(self, incident: Incident, act: Act, outcome: str, said: str) -> None:
        """Write how an act ended."""
        with self.book.lock:
            act.outcome, act.said, act.done_at = outcome, said, self.book.clock.now()
            words = {"done": "done", "gone": "it was gone already", "unknown": "nobody knows whether it took effect"}
            self.book.happened(incident, f"{act.action} of {act.target}: {words.get(outcome, outcome)}"
                               + (f" ({said})" if said else ""))  # fmt: skip
            written = self.book.save(incident)
        self.tools.step("receipt:before")
        written.result(timeout=self.settings.call_seconds)
        self.tools.step("receipt:after")

    def approve(self, incident: Incident, approval: Approval) -> str:
        """Do what a person said yes to, if every guard still has nothing against it; what came of it, in words."""
        alert = next((one for one in self.book.alerts.values() if one.key == approval.alert), None)
        service = self.catalog.services.get(incident.service)
        if alert is None or service is None:
            return "the alert is over"
        known = self.catalog.alerts.get(name_of(alert))
        wanted = next((one for one in self._wanted(alert, known) if one.action == approval.action), None)
        if wanted is None:
            return "its definition declares that response no more"
        verdict, code, why = self._one(alert, incident, service, wanted, approved=approval.by)
        self._end(alert, verdict, code, why, service, incident)
        return f"{approval.action} of {approval.target}: {verdict}{f', {code}: {why}' if why else ''}"

    def recover(self, *, late: bool = False) -> None:
        """Look after every intent without an end; with ``late`` only after those that should have one by now.

        One whose service can't be asked now is looked after again, later.
        """
        now = self.book.clock.now()
        for incident in list(self.book.incidents.values()):
            for act in list(incident.acts):
                if not act.outcome and not (late and now < act.deadline):
                    act.deadline = now + self.settings.call_seconds
                    self._recover(incident, act)

    def _recover(self, incident: Incident, act: Act) -> None:
        found = self.tools.actions.get(act.action)
        if found is None or found.card.repeat is Repeat.AT_MOST_ONCE:
            self.finish(incident, act, "unknown", "the agent ended before it knew; it is never repeated")
            return
        service = self.catalog.services.get(incident.service)
        alert = next((one for one in self.book.alerts.values() if one.key == act.alert), None)
        try:
            running = self.tools.target.instances(identity(incident.service))
        except MeshscopeError:
            return
        if act.uid not in {one.uid for one in running}:
            self.finish(incident, act, "gone", "the outcome was observed after a restart: by us or by another")
            return
        if service is None or alert is None:
            self.finish(incident, act, "expired", "the alert is over since the agent was started again")
            return
        known = self.catalog.alerts.get(name_of(alert))
        wanted = next(
            (one for one in self._wanted(alert, known) if one.action == act.action), Wanted(action=act.action)
        )
        # The intent itself is in the budgets already, and must not stand in its own way.
        incident.acts.remove(act)
        self.book.forget(act)
        case, _ = self._case(alert, incident, service, wanted, found, act.approved_by)
        verdict = judge(case)
        self.book.remember(incident, act)
        chosen = case.chosen
        if verdict.code or chosen is None or chosen.uid != act.uid or not isinstance(case.plan, Plan):
            self.finish(incident, act, "expired", f"judged again after a restart: {verdict.code} {verdict.why}".strip())
            return
        self.carry_out(incident, act, case.plan, found, None)

    def _end(
        self,
        alert: AlertState,
        terminal: str,
        code: str,
        why: str,
        service: KnownService | None = None,
        incident: Incident | None = None,
    ) -> None:
        """Write the alert's one terminal record."""
        with self.book.lock:
            latest = self._latest(alert)
            if latest.key != alert.key:
                # A later episode is going on; this one is written beside it.
                self.book.write_apart(structs.replace(alert, terminal=terminal, code=code, why=why))
                return
            ended = structs.replace(
                latest, terminal="superseded" if terminal == "asked" else terminal, code=code, why=why,
                ended_at=self.book.clock.now(), service=service.key if service else latest.service,
                incident=incident.id if incident else latest.incident,
            )  # fmt: skip
            self._ends.append((latest, ended, self.book.save(alerts=[ended])))
        self.tools.step("terminal:before")

    @property
    def ending(self) -> int:
        """How many ends may not be on disk yet."""
        return len(self._ends)

    def written(self) -> list[tuple[AlertState, Exception]]:
        """Wait until every end is on disk. Those that could not be written have none: as they were, and why.

        The ledger keeps the order, so that nothing is done after an end that is on disk before it.
        Raises `TimeoutError` where the ledger does not say; the next call waits on.
        """
        failed: list[tuple[AlertState, Exception]] = []
        while self._ends:
            was, ended, written = self._ends[0]
            error = written.exception(timeout=self.settings.call_seconds)
            self._ends.popleft()
            if not isinstance(error, Exception):
                self.tools.step("terminal:after")
                continue
            key = was.tenant, was.received.fingerprint
            with self.book.lock:
                if self.book.alerts.get(key) is ended:
                    self.book.alerts[key] = was
            failed.append((was, error))
        return failed

    def dead(self, alert: AlertState, error: Exception) -> None:
        """Give an alert up that can't be dealt with."""
        self._end(alert, "dead", "failed", f"{type(error).__name__}: {error}"[:300])


def _begun(alert: AlertState, incident: Incident, wanted: Wanted) -> Act | None:
    """The act that was begun with this response for this alert, or by another one on the same instance."""
    name, pod = f"/{wanted.name}" if wanted.name else "", alert.received.labels.get("pod", "")
    same = [act for act in incident.acts if act.action == wanted.action and act.key.endswith(name)]
    own = next((act for act in same if act.alert == alert.key), None)
    return own or next((act for act in same if pod and act.target == pod and act.outcome in _MAY_HAVE_HAPPENED), None)


def _came_to(act: Act) -> tuple[str, str, str]:
    """The verdict, its code and why of an alert whose act was begun before it had an end."""
    if act.outcome in _MAY_HAVE_HAPPENED:
        return "acted", act.outcome if act.outcome in ("done", "gone") else "outcome_unknown", act.said
    return "declined", act.outcome, act.said


def _word(verdict: Verdict) -> str:
    return {"": "acted", "propose_mode": "proposed", "needs_approval": "asked"}.get(verdict.code, "declined")


def _outcome(receipt: Receipt, found: Action) -> str:
    if receipt.outcome is Outcome.UNKNOWN and found.card.repeat is not Repeat.AT_MOST_ONCE:
        return ""
    return receipt.outcome.value


def _told_numbers(alert: AlertState, chosen: Instance, now: float) -> Numbers | None:
    """What the alert itself tells of the instance and its siblings, where its rule does."""
    notes = alert.received.annotations
    try:
        failing, siblings_failing = float(notes["instance_failing"]), float(notes["siblings_failing"])
        requests, siblings = float(notes["instance_requests"]), int(float(notes["siblings"]))
    except (KeyError, ValueError):
        return None
    if not (0 <= failing <= 1 and 0 <= siblings_failing <= 1 and requests >= 0 and siblings >= 0):
        return None
    return Numbers(
        at=now, instance=chosen.name, requests=0.0, failing=failing, siblings=siblings, siblings_requests=0.0,
        siblings_failing=siblings_failing, seen_requests=requests, origin="alert",
    )  # fmt: skip
