"""An alert is matched with the model, joins an incident, is judged, and acted on: the part that decides.

Every step writes before it acts, so that whatever ends this process, the next one knows how far it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from msgspec import structs

from meshscope.deploy.plan import Plan, explained
from meshscope.feedback.acting import Doer
from meshscope.feedback.cases import Cases
from meshscope.feedback.catalog import KnownService, Wanted
from meshscope.feedback.guards import BY_MODE, Verdict, judge
from meshscope.feedback.joining import Joiner
from meshscope.feedback.ports import Record
from meshscope.feedback.state import CHANGED, Act, AlertState, Approval, Decision, Incident, Key
from meshscope.feedback.tools import Tools, is_own, name_of

NOWHERE = "unattributed"
"""The name of what stands for a service in incidents of events that don't say where they were seen."""
DEFINITIONS = "alert-definitions"
"""The name of what stands for a service in incidents of alerts that can't be evaluated."""
_MOST_SAID = 300
# Outcomes of acts that may have changed the world.
_MAY_HAVE_HAPPENED = ("", *CHANGED)


@dataclass(frozen=True, kw_only=True)
class _End:
    """An alert before and after it came to its end."""

    was: AlertState
    now: AlertState


class Decider:
    """Takes one alert at a time from received to its end."""

    def __init__(self, tools: Tools, cases: Cases, doer: Doer) -> None:
        """Nothing is decided yet."""
        self.tools = tools
        self.cases = cases
        self.doer = doer
        self.joiner = Joiner(tools)
        self.book = tools.book
        self.catalog = tools.catalog
        self.settings = tools.settings
        self._ends: list[_End] = []
        self._touched: dict[str, Incident] = {}
        self._writing: tuple[Sequence[_End], Future[Sequence[Record]]] | None = None
        self._since = 0.0

    def take(self, alert: AlertState) -> None:
        """Bring ``alert`` to its end. Raises what goes wrong; it is tried again then."""
        now = self.book.clock.now()
        service = self.catalog.service_of(alert.received.labels)
        known = self.catalog.alerts.get(name_of(alert))
        if is_own(alert.received.labels):
            self._end(alert, "declined", "own_alert", "it is about the agent itself, which never acts on that")
            return
        if why := _query_failed(alert):
            self._definition_fails(alert, why, now)
            return
        security = alert.received.source == "falco"
        if service is None:
            service = self.joiner.by_instance(alert)
        if service is None and security and _of_nowhere(alert):
            service = self._stand_in(NOWHERE, self.catalog.security)
        if service is None:
            self._end(alert, "declined", "unknown_service", "its labels name no service of the model")
            return
        if known is None and not security:
            self._end(alert, "declined", "unknown_alert", "the model has no alert of that name", service)
            return
        with self.book.lock:
            opens = self.joiner.opens(service, known, security=security)
        running = self.tools.running(service.key) if opens else None
        with self.book.lock:
            incident = self.joiner.joined(alert, service, known, now)
            if running is not None and incident.service == service.key and self.tools.unnoted(incident):
                self.tools.note_revision(incident, running)
            alert = structs.replace(
                self.book.latest(alert),
                service=service.key,
                incident=self.joiner.root(incident).id,
                attempts=alert.attempts,
            )
            self.book.alerts[alert.tenant, alert.received.fingerprint] = alert
            self._keep(incident)
        self._respond(alert, incident, service)

    def _stand_in(self, name: str, owner: str) -> KnownService:
        """What stands for a service in an incident that is about none."""
        return KnownService(
            key=Key(cluster=self.catalog.cluster, namespace="", name=name), workload="", owner=owner, where="", tier=1,
            replicas=0, stateful=False, mode=None, runbook="", definition="",
        )  # fmt: skip

    def _definition_fails(self, alert: AlertState, why: str, now: float) -> None:
        """An alert whose query failed says nothing of any service: whoever owns the mesh mends the definition."""
        service = self._stand_in(DEFINITIONS, self.catalog.owner)
        with self.book.lock:
            incident = self.joiner.joined(alert, service, None, now)
            self._keep(incident)
        self._end(alert, "declined", "query_failed", why, service, incident)

    def victim(self, alert: AlertState) -> None:
        """Take an alert that its sender holds back, since another one says it: a victim, and never acted on."""
        service = self.catalog.service_of(alert.received.labels)
        if service is None:
            self._end(alert, "declined", "unknown_service", "its labels name no service of the model")
            return
        with self.book.lock:
            root = self.joiner.cause(service.key)
            incident = self.book.open_for(root) if root is not None else None
            incident = incident or self.book.open_for(service.key)
            if incident is not None:
                known = self.catalog.alerts.get(name_of(alert))
                self.joiner.add(incident, alert, service, known, victim=incident.service != service.key)
                self._keep(incident)
        self._end(alert, "superseded", "folded", "its sender holds it back: another alert says it", service, incident)

    # Responding

    def _respond(self, alert: AlertState, incident: Incident, service: KnownService) -> None:
        if alert.resolved_at is not None:
            self._end(
                alert, "superseded", "resolved_first", "it was over before anything was decided", service, incident
            )
            return
        if any(member.alert == alert.key and member.victim for member in incident.members):
            self._end(alert, "superseded", "folded", f"{incident.service} is the cause", service, incident)
            return
        wanted = self.tools.responses(alert)
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
        case, evidence = self.cases.case(alert, incident, service, wanted, found, approved)
        verdict = judge(case)
        plan = list(explained(case.plan)) if isinstance(case.plan, Plan) else []
        chosen = case.chosen
        decision = Decision(
            at=case.now, alert=alert.key, action=wanted.action, verdict=_word(verdict), code=verdict.code,
            why=verdict.why, target=chosen.name if chosen else alert.received.labels.get("pod", ""),
            uid=case.uid, passed=list(verdict.passed), plan=plan, numbers=case.numbers,
            against=_against(verdict),
        )  # fmt: skip
        self.tools.telemetry.decided(wanted.action, decision.verdict, decision.code)
        if verdict.code == "needs_approval":
            return self._ask(alert, incident, decision)
        if verdict.code or not isinstance(case.plan, Plan):
            with self.book.lock:
                self.book.decided(incident, decision)
                what = f"{wanted.action} of {decision.target}" if decision.target else wanted.action
                self.book.happened(incident, f"{what}: {decision.verdict}, {verdict.code}: {verdict.why}")
                self._keep(incident)
            return decision.verdict, verdict.code, verdict.why
        return self.doer.begin(alert, incident, found, case, decision, evidence, approved)

    def _ask(self, alert: AlertState, incident: Incident, decision: Decision) -> tuple[str, str, str]:
        with self.book.lock:
            mine = [one for one in incident.approvals if (one.alert, one.action) == (alert.key, decision.action)]
            same = (one for one in incident.approvals if (one.uid, one.action) == (decision.uid, decision.action))
            if any(not one.answer for one in (*mine, *(one for one in same if one.uid))):
                return "superseded", "repeated", "a person was asked already"
            if (said_no := next((one for one in mine if one.answer == "no"), None)) is not None:
                return "declined", "rejected", f"{said_no.by} said no"
            if mine:
                return "declined", "expired", "a person answered, and the agent ended before anything was done"
            decision.verdict = "asked"
            self.book.decided(incident, decision)
            incident.approvals.append(
                Approval(
                    token=self.tools.new_token(), alert=alert.key, action=decision.action, target=decision.target,
                    uid=decision.uid, at=decision.at, until=decision.at + self.settings.approval_seconds,
                )
            )  # fmt: skip
            self.book.happened(
                incident, f"{decision.action} of {decision.target or incident.service.name}: a person is asked"
            )
            self.book.save(incident, alerts=[self.book.latest(alert)])
        return "asked", "needs_approval", decision.why

    def approve(self, incident: Incident, approval: Approval) -> str:
        """Do what a person said yes to, if every guard still has nothing against it; what came of it, in words."""
        alert = self.book.alert(approval.alert)
        service = self.catalog.services.get(incident.service)
        if alert is None or service is None:
            return "the alert is over"
        wanted = next((one for one in self.tools.responses(alert) if one.action == approval.action), None)
        if wanted is None:
            return "its definition declares that response no more"
        verdict, code, why = self._one(alert, incident, service, wanted, approved=approval.by)
        self._end(alert, verdict, code, why, service, incident)
        return f"{approval.action} of {approval.target}: {verdict}{f', {code}: {why}' if why else ''}"

    def _end(
        self,
        alert: AlertState,
        terminal: str,
        code: str,
        why: str,
        service: KnownService | None = None,
        incident: Incident | None = None,
    ) -> None:
        """Give the alert its one terminal record; it is written with others, and with what they did to incidents."""
        with self.book.lock:
            latest = self.book.latest(alert)
            if latest.key != alert.key:
                # A later episode is going on; this one is written beside it.
                self.book.save(past=[structs.replace(alert, terminal=terminal, code=code, why=why)])
                return
            ended = structs.replace(
                latest, terminal="superseded" if terminal == "asked" else terminal, code=code, why=why,
                ended_at=self.book.clock.now(), service=service.key if service else latest.service,
                incident=incident.id if incident else latest.incident,
            )  # fmt: skip
            self.book.alerts[alert.tenant, alert.received.fingerprint] = ended
            if not self._ends:
                self._since = self.book.clock.monotonic()
            self._ends.append(_End(was=latest, now=ended))
        self.tools.step("terminal:before")

    def _keep(self, incident: Incident) -> None:
        """Have the incident written with the next ends: of a thousand alerts of one service not a thousand times."""
        self.book.keep(incident)
        self._touched[incident.id] = incident

    @property
    def ending(self) -> int:
        """How many ends may not be on disk yet."""
        return len(self._ends) + (len(self._writing[0]) if self._writing else 0)

    @property
    def waiting(self) -> float:
        """For how many seconds an end has not been written."""
        return self.book.clock.monotonic() - self._since if self._ends else 0.0

    def written(self) -> list[tuple[AlertState, Exception]]:
        """Write every end, and wait until all are on disk. Which alerts have none, since it can't be written, and why.

        Raises `TimeoutError` where the ledger does not say; the next call waits on.
        """
        failed: list[tuple[AlertState, Exception]] = []
        if self._writing is None:
            with self.book.lock:
                ends, touched = self._ends, list(self._touched.values())
                self._ends, self._touched = [], {}
                if not ends and not touched:
                    return []
                try:
                    self._writing = ends, self._saved(touched, ends)
                except Exception:
                    # Something of it can't be written by anybody: what that is shows one by one.
                    return self._apart(ends)
        done, written = self._writing
        error = written.exception(timeout=self.settings.call_seconds)
        self._writing = None
        for end in done:
            if isinstance(error, Exception):
                failed += self._not_ended(end, error)
            else:
                self.tools.step("terminal:after")
        return failed

    def _saved(self, incidents: Sequence[Incident], ends: Sequence[_End]) -> Future[Sequence[Record]]:
        now = [(end.now, self.book.latest(end.now)) for end in ends]
        alerts = [latest for end, latest in now if latest.key == end.key]
        # Another episode may have begun meanwhile. Whatever came after this end, and before that, was written with it.
        past = [end for end, latest in now if latest.key != end.key and end.resolved_at is not None]
        return self.book.save(*incidents, alerts=alerts, past=past, tell=False)

    def _apart(self, ends: Sequence[_End]) -> list[tuple[AlertState, Exception]]:
        failed: list[tuple[AlertState, Exception]] = []
        for end in ends:
            found = self.book.incidents.get(end.now.incident)
            try:
                self._saved([found] if found is not None else [], [end])
            except Exception as error:
                failed += self._not_ended(end, error)
        return failed

    def _not_ended(self, end: _End, error: Exception) -> list[tuple[AlertState, Exception]]:
        with self.book.lock:
            latest = self.book.latest(end.now)
            if latest.key != end.now.key:
                # Another episode is decided on; the end of this one stays to be written.
                self._ends.append(end)
                return []
            if latest is end.now:
                self.book.alerts[end.was.tenant, end.was.received.fingerprint] = end.was
        return [(end.was, error)]

    def dead(self, alert: AlertState, error: Exception) -> None:
        """Give an alert up that can't be dealt with."""
        self.tools.telemetry.given_up()
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


def _query_failed(alert: AlertState) -> str:
    """Why Grafana could not evaluate what it tells of; empty where it could.

    It then fires the alert itself with an annotation ``Error`` (pkg/services/ngalert/state/state.go), or one called
    DatasourceError or DatasourceNoData in its place (compat.go beside it).
    """
    received = alert.received
    if received.source != "grafana":
        return ""
    of_data = received.labels.get("alertname", "") in ("DatasourceError", "DatasourceNoData")
    return received.annotations.get("Error", "")[:_MOST_SAID] or ("its query gave nothing" if of_data else "")


def _of_nowhere(alert: AlertState) -> bool:
    """Whether an event says of no pod and no namespace that it was seen there; what Falco says of itself is none."""
    labels = alert.received.labels
    return not (labels.get("namespace") or labels.get("pod") or labels.get("source") == "internal")


def _against(verdict: Verdict) -> dict[str, str]:
    """What the guards say against an act that the mode forbids: people decide by it whether to let the agent act."""
    if verdict.code not in BY_MODE:
        return {}
    return {code: why for code, why in verdict.also if code not in BY_MODE}


def _word(verdict: Verdict) -> str:
    return {"": "acted", "propose_mode": "proposed", "needs_approval": "asked"}.get(verdict.code, "declined")
