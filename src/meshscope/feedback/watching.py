"""What time brings: replacements, effects, quiet, approvals that expire, incidents that are over."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from msgspec import structs

from meshscope.build.detection import spoken
from meshscope.deploy.plan import Instance
from meshscope.feedback import comments
from meshscope.feedback.cases import Cases
from meshscope.feedback.patience import Patience
from meshscope.feedback.state import CHANGED, Act, AlertState, Incident, Numbers, Phase, read_alert
from meshscope.feedback.tools import Tools, identity
from meshscope.feedback.unreadable import attempted
from meshscope.findings import MeshscopeError
from meshscope.insight.siblings import Pod, pods, whole
from meshscope.model.units import Duration, exact

# Two clocks of one machine, read one after the other.
_SAME = 0.05
_EVENTS_SECONDS, _AT_ONCE = 60.0, 500


@dataclass(frozen=True, kw_only=True)
class _Mended:
    """Since when which revision has run quiet, and the service's own numbers now, where somebody can tell."""

    at: float
    by: str
    since: float
    whole: Pod | None


class Watcher:
    """Looks at everything that is open, again and again."""

    def __init__(self, tools: Tools, cases: Cases) -> None:
        """Nothing was looked at yet."""
        self.tools = tools
        self.book = tools.book
        self.cases = cases
        self._ask_at: dict[str, float] = {}
        self.patience = Patience(tools.book.clock.monotonic)
        self._events_at = 0.0

    def look(self) -> None:
        """Look at each open incident once. A service that can't be asked leaves its incident as it is, and no other."""
        with self.book.lock:
            incidents = list(self.book.incidents.values())
        for incident in incidents:
            if incident.open and not self.patience.holds(incident.id):
                with suppress(Exception), self.patience.trying(incident.id):
                    self._one(incident)
        self.patience.keep(self.book.incidents)
        self.tools.keep_noted(self.book.incidents)
        self._end_events()
        self.book.prune()
        clock = self.book.clock.monotonic()
        self._ask_at = {about: at for about, at in self._ask_at.items() if at > clock}

    def _end_events(self) -> None:
        """End what its sender never ends and is old; looked for once a minute. A person ends its incident."""
        clock = self.book.clock.monotonic()
        if clock < self._events_at:
            return
        self._events_at = clock + _EVENTS_SECONDS
        now = self.book.clock.now()
        before = now - self.tools.settings.event_seconds
        with self.book.lock:
            old = [
                state
                for state in self.book.alerts.values()
                if state.received.source == "falco" and state.terminal and state.resolved_at is None
                and state.at < before
            ]  # fmt: skip
        for first in range(0, len(old), _AT_ONCE):
            with self.book.lock:
                still = (state for state in old[first : first + _AT_ONCE] if self.book.latest(state) is state)
                ended = [structs.replace(state, resolved_at=now) for state in still]
                self.book.save(alerts=ended)
            for state in ended:
                self.resolved(state)

    def catch_up(self) -> None:
        """Take note of alerts that were over when the last process ended, before their incidents knew."""
        with self.book.lock:
            known = {state.key for state in self.book.alerts.values()}
            incidents = list(self.book.incidents.values())
        for incident in incidents:
            for member in incident.firing if incident.open else ():
                if member.alert not in known and (records := self.book.ledger.history(f"alert:{member.alert}")):
                    state = attempted(records[-1], read_alert)
                    if isinstance(state, AlertState) and state.resolved_at is not None:
                        self.resolved(state)

    def resolved(self, alert: AlertState) -> None:
        """An alert is over: its incidents know."""
        with self.book.lock:
            for incident in self.book.listing(alert):
                changed = False
                for member in incident.members:
                    if member.alert == alert.key and member.until is None:
                        member.until = alert.resolved_at
                        changed = True
                        self.book.happened(incident, f"{member.name} is over", who="alert", at=alert.resolved_at)
                if changed:
                    self._quiet(incident)
                    self.book.save(incident)

    def fires_again(self, alert: AlertState) -> None:
        """An alert that was over for a moment goes on: its incidents know. What was decided of it stays decided."""
        with self.book.lock:
            over = {one.service for one in self._of(alert) if one.phase is not Phase.OPEN}
        running = {key: self.tools.running(key) for key in over}
        with self.book.lock:
            for incident in self._of(alert):
                back = [one for one in incident.members if one.alert == alert.key and one.until is not None]
                for member in back:
                    member.until = None
                    self.book.happened(incident, f"{member.name} fires again", who="alert")
                unlisted = incident.phase is not Phase.OPEN and not self.book.listing(alert)
                if (back or unlisted) and not (incident.phase is Phase.MITIGATED and incident.quiet):
                    incident.quiet_since = None
                    if incident.phase is not Phase.OPEN:
                        self.tools.reopen(incident)
                        if (found := running.get(incident.service)) is not None:
                            self.tools.note_revision(incident, found)
                    self.book.recurred(incident, self.tools.settings.recur_seconds)
                    self.book.save(incident)

    def _of(self, alert: AlertState) -> list[Incident]:
        return self.book.listing(alert) or self._unlisting(alert)

    def _unlisting(self, alert: AlertState) -> list[Incident]:
        """The incident that the alert belongs to without being listed, one of too many."""
        found = self.book.incidents.get(alert.incident)
        return [found] if found is not None and found.unlisted else []

    def _one(self, incident: Incident) -> None:
        with self.book.lock:
            before = structs.asdict(incident), incident.story[-1:]
            now = self.book.clock.now()
            self._expire(incident, now)
            self._phase(incident, now)
        running: tuple[Instance, ...] | None = None
        # Where it can't be asked now, it is asked again after a while.
        unnoted = self.tools.unnoted(incident) and self._may_ask(f"revision {incident.id} {incident.reopened}")
        if unnoted or any(_waits(act) for act in incident.acts) or incident.phase is Phase.MITIGATED:
            running = self.tools.running(incident.service)
        # A store of metrics may take its time, in which nobody else must have to wait for the book.
        calm = self._calm(incident, now)
        after = {
            act.key: self._after(incident, act, running)
            for act in incident.acts
            if running is not None and self._wants_numbers(incident, act)
        }
        mended = self._mended(incident, running, now) if running is not None else None
        with self.book.lock:
            if calm is not None and calm is not (incident.calm_since is not None):
                incident.calm_since = now if calm else None
            if running is not None:
                if unnoted and self.tools.unnoted(incident):
                    self.tools.note_revision(incident, running)
                for act in incident.acts:
                    self._act(incident, act, running, after)
            if mended is not None and self._runs_quiet(incident) and (incident.quiet_since or 0.0) <= mended.since:
                self._close(incident, mended)
            if (structs.asdict(incident), incident.story[-1:]) != before:
                self.book.save(incident)

    def _calm(self, incident: Incident, now: float) -> bool | None:
        """Whether the service is well by its own numbers; None where nobody wants to know, or can."""
        lagging = bool(incident.firing) and all(member.slo for member in incident.firing)
        if not incident.acts or not (lagging or incident.calm_since is not None):
            return None
        if not self._may_ask(incident.id):
            return None
        every = self._whole(incident, now)
        if every is None:
            return None
        return every.requests > 0 and every.failures / every.requests < self.tools.settings.calm

    def _whole(self, incident: Incident, now: float) -> Pod | None:
        """The service's own numbers; None where nobody can tell."""
        if self.tools.metrics is None:
            return None
        try:
            return whole(pods(self.tools.metrics, identity(incident.service), Decimal(f"{now:.3f}")))
        except MeshscopeError:
            return None

    def _may_ask(self, about: str) -> bool:
        """Whether metrics may be asked about this again; they do not change at once."""
        clock = self.book.clock.monotonic()
        if clock < self._ask_at.get(about, clock):
            return False
        self._ask_at[about] = clock + self.tools.settings.window_seconds / 30
        return True

    def _expire(self, incident: Incident, now: float) -> None:
        for approval in incident.approvals:
            if not approval.answer and approval.until <= now:
                approval.answer, approval.answered_at = "expired", now
                self.book.happened(incident, f"nobody said yes to {approval.action} of {approval.target} in time")
                alert = self.book.alert(approval.alert)
                if alert is not None and not alert.terminal:
                    ended = structs.replace(
                        alert, terminal="declined", code="expired", why="nobody said yes in time", ended_at=now
                    )
                    self.book.save(alerts=[ended])

    def _act(
        self, incident: Incident, act: Act, running: tuple[Instance, ...], after: Mapping[str, Numbers | None]
    ) -> None:
        now = self.book.clock.now()
        if act.outcome in ("done", "gone") and act.replaced_at is None:
            known = {one.target for one in incident.acts} | {one.replacement for one in incident.acts}
            fresh = [one for one in running if one.ready and one.started >= act.at - _SAME and one.name not in known]
            if fresh:
                newest = max(fresh, key=lambda one: one.started)
                act.replaced_at, act.replacement = now, newest.name
                self.book.happened(incident, f"{newest.name} is ready in place of {act.target}")
        if _to_judge(act):
            self._effect(incident, act, now, after)
        elif act.effect == "effective" and act.after is None and (found := after.get(act.key)) is not None:
            act.after = found
            self.book.happened(incident, f"{found.instance} fails {found.failing:.1%} of its requests, after the act")

    def _wants_numbers(self, incident: Incident, act: Act) -> bool:
        """Whether it is time for what the act came to in numbers."""
        if incident.security:
            return False
        if _to_judge(act):
            return self._over(incident, act) or self._late(act)
        # Just replaced, it had served nobody yet.
        goes_on = incident.phase in (Phase.OPEN, Phase.MITIGATED)
        return act.effect == "effective" and act.after is None and goes_on and self._may_ask(act.key)

    def _over(self, incident: Incident, act: Act) -> bool:
        mine = [one for one in incident.members if one.alert == act.alert]
        return bool(mine) and all(one.until is not None for one in mine)

    def _late(self, act: Act) -> bool:
        return act.done_at is not None and not self._soon(act)

    def _effect(self, incident: Incident, act: Act, now: float, after: Mapping[str, Numbers | None]) -> None:
        if incident.security:
            # Nobody says that a break-in is over; what was to be done is done.
            act.effect, act.effect_at = "effective", now
            return
        over = self._over(incident, act)
        # What came meanwhile is judged at the next look, with its numbers.
        if act.key not in after or not (over or self._late(act)):
            return
        act.effect, act.effect_at = ("effective" if over else "none"), now
        act.after = after[act.key]
        took = _spoken(now - act.at)
        what = f"it helped: over after {took}" if over else f"it did not help: still firing after {took}"
        self.book.happened(incident, f"{act.action} of {act.target}: {what}")
        self.book.comment(incident, comments.effect(incident, act))

    def _after(self, incident: Incident, act: Act, running: tuple[Instance, ...]) -> Numbers | None:
        name = act.replacement or act.target
        found = next((one for one in running if one.name == name), None)
        return self.cases.numbers(incident.service, found, None)[0] if found is not None else None

    def _quiet(self, incident: Incident) -> None:
        if not incident.quiet or incident.quiet_since is not None:
            return
        incident.quiet_since = self.book.clock.now()

    def _phase(self, incident: Incident, now: float) -> None:
        acted = incident.acted_on
        over = (incident.quiet if acted else not incident.firing) and not self._more_fire(incident)
        if incident.phase is Phase.OPEN and over and incident.members:
            self._quiet(incident)
            undecided = any(state.incident == incident.id and not state.terminal for state in self.book.alerts.values())
            waiting = any(not act.outcome or (act.outcome != "unknown" and not act.effect) for act in incident.acts)
            if undecided or (waiting and any(map(self._soon, incident.acts))):
                return
            # That an event is old does not mean that whoever broke in is gone: a person says so.
            incident.phase = Phase.MITIGATED if acted or incident.security else Phase.RESOLVED
            incident.ended = now if incident.phase is Phase.RESOLVED else None
            lasts = incident.phase is Phase.MITIGATED
            words = "quiet, and the cause is still there" if lasts else "over; nothing was done to it"
            self.book.happened(incident, words)
        elif incident.phase is Phase.RESOLVED and now > (incident.ended or now) + self.tools.settings.reopen_seconds:
            incident.phase = Phase.CLOSED

    def _more_fire(self, incident: Incident) -> bool:
        """Whether alerts of it fire that it does not list."""
        return bool(incident.unlisted) and any(
            one.incident == incident.id and one.resolved_at is None for one in self.book.alerts.values()
        )

    def _soon(self, act: Act) -> bool:
        """Whether what an act came to can still be told in time."""
        settings = self.tools.settings
        took = min(max((act.done_at or act.at) - act.at, 0.0), settings.call_seconds)
        return self.book.age(act) < took + settings.settle_seconds

    def _mended(self, incident: Incident, running: tuple[Instance, ...], now: float) -> _Mended | None:
        """A cause counts as mended when another revision than the one that failed has run quiet for long enough."""
        if not self._runs_quiet(incident):
            return None
        versions = sorted({one.version for one in running if one.version and one.ready})
        told = ", ".join(versions)
        # Where nobody knows what ran when it failed, nobody knows what is another revision.
        known = bool(told and incident.revision)
        fresh = known and told != incident.revision and not set(versions) & set(incident.revision.split(", "))
        if not fresh and not (incident.fixed_by and incident.fixed_by in versions):
            return None
        since = max([one.started for one in running if one.ready] + [incident.quiet_since or now])
        if now < since + self.tools.settings.quiet_seconds:
            return None
        return _Mended(at=now, by=told, since=since, whole=self._whole(incident, now))

    def _runs_quiet(self, incident: Incident) -> bool:
        return incident.phase is Phase.MITIGATED and incident.quiet

    def _close(self, incident: Incident, mended: _Mended) -> None:
        incident.fixed_by = incident.fixed_by or mended.by
        if mended.whole is not None and mended.whole.requests > 0:
            incident.failing_since_fixed = mended.whole.failures / mended.whole.requests
        incident.phase, incident.ended = Phase.RESOLVED, mended.at
        quiet = _spoken(mended.at - mended.since)
        self.book.happened(incident, f"revision {mended.by} has run quiet for {quiet}: mended")


def _to_judge(act: Act) -> bool:
    return act.outcome in CHANGED and not act.effect


def _waits(act: Act) -> bool:
    return act.outcome in CHANGED and (act.replaced_at is None or not act.effect)


def _spoken(seconds: float) -> str:
    return spoken(Duration(exact(round(seconds))))
