"""Intents without an end: whoever began them ended before it knew, or the answer did not come."""

from __future__ import annotations

from contextlib import suppress

from meshscope.deploy.plan import Plan, Verb
from meshscope.feedback.acting import Doer
from meshscope.feedback.cards import Action, Repeat
from meshscope.feedback.cases import Cases
from meshscope.feedback.catalog import Wanted
from meshscope.feedback.guards import judge
from meshscope.feedback.patience import Patience
from meshscope.feedback.state import Act, Incident
from meshscope.feedback.tools import Tools


class Recoverer:
    """Looks after what was begun: by the identity that was chosen, and never another one."""

    def __init__(self, tools: Tools, cases: Cases, doer: Doer) -> None:
        """Nothing was looked after yet."""
        self.tools = tools
        self.book = tools.book
        self.catalog = tools.catalog
        self.settings = tools.settings
        self.patience = Patience(tools.book.clock.monotonic)
        self.cases = cases
        self.doer = doer

    def recover(self, *, late: bool = False) -> None:
        """Look after every intent without an end; with ``late`` only after those that should have one by now.

        One whose service can't be asked now is looked after again, later.
        """
        now = self.book.clock.now()
        with self.book.lock:
            incidents = list(self.book.incidents.values())
        for incident in incidents:
            for act in list(incident.acts):
                if not act.outcome and not (late and now < act.deadline):
                    act.deadline = now + self.settings.call_seconds
                    # Whatever is wrong with one service, the others are looked after.
                    with suppress(Exception), self.patience.trying(incident.id):
                        self._recover(incident, act)
        self.patience.keep(self.book.incidents)

    def _recover(self, incident: Incident, act: Act) -> None:
        found = self.tools.actions.get(act.action)
        if found is None or found.card.repeat is Repeat.AT_MOST_ONCE:
            self.doer.finish(incident, act, "unknown", "the agent ended before it knew; it is never repeated")
            return
        running = self.tools.running(incident.service)
        if running is None:
            return
        if found.card.repeat is Repeat.BY_IDENTITY:
            if not act.uid:
                self.doer.finish(incident, act, "unknown", "the agent ended before it knew, and it names no identity")
                return
            own = next((one for one in running if one.uid == act.uid), None)
            if own is None or (found.card.verb is Verb.QUARANTINE and own.quarantined):
                self.doer.finish(incident, act, "gone", "the outcome was observed after a restart: by us or by another")
                return
        service = self.catalog.services.get(incident.service)
        alert = self.book.alert(act.alert)
        if service is None or alert is None:
            self._given_up(incident, act, found, "the alert is over since the agent was started again")
            return
        wanted = next(
            (one for one in self.tools.responses(alert) if one.action == act.action), Wanted(action=act.action)
        )
        case, _ = self.cases.case(alert, incident, service, wanted, found, act.approved_by, again=act)
        verdict = judge(case)
        # A repetition is of the same identity, or of none where it asks for a state.
        if verdict.code or not isinstance(case.plan, Plan) or case.uid != act.uid:
            self._given_up(incident, act, found, f"judged again after a restart: {verdict.code} {verdict.why}".strip())
            return
        self.book.again(incident, act)
        self.doer.carry_out(incident, act, case.plan, found, None)

    def _given_up(self, incident: Incident, act: Act, found: Action, why: str) -> None:
        """End an act that is not repeated: it was not done where its identity still runs; else nobody knows."""
        outcome = "expired" if found.card.repeat is Repeat.BY_IDENTITY else "unknown"
        self.doer.finish(incident, act, outcome, why)
