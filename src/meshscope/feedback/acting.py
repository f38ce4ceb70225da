"""An act from its intent, which is on disk before anything is done, to the record of what came of it."""

from __future__ import annotations

from meshscope.deploy.plan import Outcome, Plan, Receipt, applied
from meshscope.feedback.cards import Action, Repeat
from meshscope.feedback.guards import Case
from meshscope.feedback.state import Act, AlertState, Decision, Evidence, Incident
from meshscope.feedback.tools import Tools


class Doer:
    """Does what the guards had nothing against."""

    def __init__(self, tools: Tools) -> None:
        """With its hands."""
        self.tools = tools
        self.book = tools.book
        self.catalog = tools.catalog
        self.settings = tools.settings

    def begin(
        self,
        alert: AlertState,
        incident: Incident,
        found: Action,
        case: Case,
        decision: Decision,
        evidence: Evidence | None,
        approved: str,
    ) -> tuple[str, str, str]:
        """Write the intent and carry it out: the verdict, its code and why. Raises what keeps it from the disk."""
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
            self.book.decided(incident, decision)
            if evidence is not None:
                incident.evidence.append(evidence)
            self.book.remember(incident, act)
            self.book.happened(incident, f"{act.action} of {act.target}: decided, evidence gathered")
            latest = self.book.latest(alert)
            written = self.book.save(incident, alerts=[latest] if latest.key == alert.key else ())
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
        about = (alert.tenant, alert.received.fingerprint) if alert is not None else None
        with self.tools.telemetry.span("act", about=about, action=plan.action, target=act.target, incident=incident.id):
            last = applied(plan, self.tools.hands, self.tools.step)[-1]
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


def _outcome(receipt: Receipt, found: Action) -> str:
    if receipt.outcome is Outcome.UNKNOWN and found.card.repeat is not Repeat.AT_MOST_ONCE:
        return ""
    return receipt.outcome.value
