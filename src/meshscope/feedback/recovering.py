"""Intents without an end: whoever began them ended before it knew, or the answer did not come."""

from __future__ import annotations

from meshscope.deploy.plan import Plan
from meshscope.feedback.acting import Doer
from meshscope.feedback.cards import Repeat
from meshscope.feedback.cases import Cases
from meshscope.feedback.catalog import Wanted
from meshscope.feedback.guards import judge
from meshscope.feedback.state import Act, Incident
from meshscope.feedback.tools import Tools, identity
from meshscope.findings import MeshscopeError


class Recoverer:
    """Looks after what was begun: by the identity that was chosen, and never another one."""

    def __init__(self, tools: Tools, cases: Cases, doer: Doer) -> None:
        """Nothing was looked after yet."""
        self.tools = tools
        self.book = tools.book
        self.catalog = tools.catalog
        self.settings = tools.settings
        self.cases = cases
        self.doer = doer

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
            self.doer.finish(incident, act, "unknown", "the agent ended before it knew; it is never repeated")
            return
        service = self.catalog.services.get(incident.service)
        alert = self.book.alert(act.alert)
        try:
            running = self.tools.target.instances(identity(incident.service))
        except MeshscopeError:
            return
        if act.uid not in {one.uid for one in running}:
            self.doer.finish(incident, act, "gone", "the outcome was observed after a restart: by us or by another")
            return
        if service is None or alert is None:
            self.doer.finish(incident, act, "expired", "the alert is over since the agent was started again")
            return
        wanted = next(
            (one for one in self.tools.responses(alert) if one.action == act.action), Wanted(action=act.action)
        )
        case, _ = self.cases.case(alert, incident, service, wanted, found, act.approved_by, again=act)
        verdict = judge(case)
        chosen = case.chosen
        if verdict.code or chosen is None or chosen.uid != act.uid or not isinstance(case.plan, Plan):
            self.doer.finish(
                incident, act, "expired", f"judged again after a restart: {verdict.code} {verdict.why}".strip()
            )
            return
        self.book.again(incident, act)
        self.doer.carry_out(incident, act, case.plan, found, None)
