"""What people answer: a yes or a no in the console, a word under an issue."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future

from msgspec import structs

from meshscope.feedback.answers import Answer, Approve, Close, FixedBy, Noise, NotOurs, Reject, Snooze
from meshscope.feedback.casebook import Casebook
from meshscope.feedback.ports import LedgerError
from meshscope.feedback.state import AlertState, Approval, Incident, Phase, read_incident
from meshscope.feedback.unreadable import UnreadableRecord, attempted
from meshscope.findings import Finding, MeshscopeError


class Answerer:
    """Keeps what people answer, and does what follows from it."""

    def __init__(
        self,
        book: Casebook,
        owners: Collection[str],
        approved: Callable[[Incident, Approval], Future[str]],
        *,
        call_seconds: float,
    ) -> None:
        """``approved`` has an act done that somebody said yes to; ``owners`` are the teams that there are."""
        self.book = book
        self._owners = owners
        self._approved = approved
        self._call_seconds = call_seconds

    def answer(self, incident: str, token: str, *, yes: bool, by: str) -> str:
        """Answer a waiting approval; says in a sentence what came of it. Raises `MeshscopeError` where none waits."""
        with self.book.lock:
            found = self.book.incidents.get(incident)
            approval = next((one for one in found.approvals if one.token == token), None) if found else None
            if found is None or approval is None:
                raise MeshscopeError(_no_approval("none of that kind was asked for"))
            now = self.book.clock.now()
            if approval.answer or approval.until <= now:
                raise MeshscopeError(_no_approval(f"it was answered before: {approval.answer or 'expired'}"))
            approval.answer, approval.by, approval.answered_at = ("yes" if yes else "no"), by, now
            self.book.happened(found, f"{'yes' if yes else 'no'} to {approval.action} of {approval.target}", who=by)
            self.book.person(by, f"{approval.answer} to {approval.action} of {approval.target}", str(found.service))
            ended = [] if yes else self._rejected(approval, by)
            written = self.book.save(found, alerts=ended)
        try:
            written.result(timeout=self._call_seconds)
        except BaseException:
            # It is not on disk, so nobody answered.
            approval.answer, approval.by, approval.answered_at = "", "", None
            self._goes_on(ended)
            raise
        if not yes:
            return f"{approval.action} of {approval.target} is not done"
        try:
            return self._approved(found, approval).result(timeout=3 * self._call_seconds)
        except LedgerError:
            with self.book.lock:
                begun = any((act.alert, act.action) == (approval.alert, approval.action) for act in found.acts)
                if not begun:
                    # Its intent is not on disk, so nothing was done: it may be answered again.
                    approval.answer, approval.by, approval.answered_at = "", "", None
                    self.book.save(found)
            raise

    def _rejected(self, approval: Approval, by: str) -> list[AlertState]:
        alert = self.book.alert(approval.alert)
        if alert is None or alert.terminal:
            return []
        now = self.book.clock.now()
        return [structs.replace(alert, terminal="declined", code="rejected", why=f"{by} said no", ended_at=now)]

    def _goes_on(self, ended: list[AlertState]) -> None:
        with self.book.lock:
            for alert in ended:
                if self.book.latest(alert) is alert:
                    self.book.alerts[alert.tenant, alert.received.fingerprint] = structs.replace(
                        alert, terminal="", code="", why="", ended_at=None
                    )

    def close_incident(self, incident: str, *, by: str) -> None:
        """A person says that it is over."""
        found = self._incident(incident)
        if not found.open:
            return
        with self.book.lock:
            found.phase, found.ended = Phase.RESOLVED, self.book.clock.now()
            self.book.happened(found, "closed", who=by)
            self.book.person(by, f"closed {incident}", str(found.service))
            self.book.save(found)

    def _incident(self, name: str) -> Incident:
        with self.book.lock:
            found = self.book.incidents.get(name)
        if found is not None:
            return found
        history = self.book.ledger.history(f"incident:{name}")
        if not history:
            raise MeshscopeError(
                Finding(
                    code="agent/no-incident", title=f"there is no incident {name}", why="the ledger has none",
                    help="look at the list of incidents",
                )
            )  # fmt: skip
        read = attempted(history[-1], read_incident)
        if isinstance(read, UnreadableRecord):
            raise MeshscopeError(
                Finding(
                    code="agent/unreadable", title=f"incident {name} can't be read",
                    why=f"record {read.number} of the ledger: {read.why}",
                    help="look at the record in the console's ledger",
                )
            )  # fmt: skip
        return read

    def heard(self, incident: Incident, answer: Answer, by: str) -> str:
        """Do what somebody wrote under an issue; what to say to that, empty for nothing."""
        with self.book.lock:
            now = self.book.clock.now()
            match answer:
                case Noise(why=why):
                    incident.noise = why or "no reason given"
                    self.book.happened(incident, f"called noise: {why}", who=by)
                    return "Noted. Nothing more is done about this incident; the alert's definition is what to mend."
                case NotOurs(team=team):
                    if team not in self._owners:
                        known = ", ".join(sorted(self._owners))
                        return f"There is no team `{team}`; those of the model are {known}."
                    incident.owner = team
                    self.book.happened(incident, f"handed to {team}", who=by)
                    return f"Handed to {team}. If the service is theirs, say so in its definition."
                case Snooze(seconds=seconds):
                    incident.snoozed_until = now + seconds
                    self.book.happened(incident, "snoozed", who=by)
                    return "Snoozed. Nothing is done until then; people are paged as ever."
                case FixedBy(revision=revision):
                    incident.fixed_by = revision
                    self.book.happened(incident, f"to be fixed by {revision}", who=by)
                    return f"Noted. This closes when {revision} has run quiet."
                case Close():
                    if incident.phase is Phase.CLOSED:
                        return ""
                    incident.phase, incident.ended = Phase.RESOLVED, now
                    self.book.happened(incident, "closed", who=by)
                    return ""
                case Approve() | Reject():
                    waiting = next((one for one in incident.approvals if not one.answer), None)
                case _:
                    return ""
        if waiting is None:
            return "Nothing waits for an answer."
        # Whoever may write under an issue is not known to be who they say: approvals go through the console.
        return "To say yes or no, sign in to the console: an act needs to know who said it."


def _no_approval(why: str) -> Finding:
    return Finding(
        code="agent/no-approval", title="nothing waits for this answer", why=why,
        help="look at the incident: it says what was answered, when and by whom",
    )  # fmt: skip
