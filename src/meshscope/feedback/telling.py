"""Issues: each incident has one, and it says what is. The tracker may fail, lag or be slow: it is told again.

What is to be told follows from the incident alone, so that a call whose end nobody knows is simply made once more.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable

from meshscope.deploy.plan import Step
from meshscope.feedback.answers import Answer, Close, Unclear, Why, answers
from meshscope.feedback.casebook import Casebook
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.comments import closed, why
from meshscope.feedback.issue import draft, storm_draft
from meshscope.feedback.ports import Comment, Draft, Issue, Tracker, TrackerError
from meshscope.feedback.settings import Settings
from meshscope.feedback.state import Incident, Phase, Ticket
from meshscope.feedback.telemetry import Telemetry

_A_ROUND = 50


class Teller:
    """Keeps the issues of all incidents as they should be."""

    def __init__(
        self,
        book: Casebook,
        catalog: Catalog,
        tracker: Tracker,
        settings: Settings,
        telemetry: Telemetry,
        *,
        secret: bytes,
        hear: Callable[[Incident, Answer, str], str],
        step: Step = lambda _: None,
    ) -> None:
        """``hear`` is told what a person answered under an issue, and by whom; it says in words what came of it."""
        self.book = book
        self.catalog = catalog
        self.tracker = tracker
        self.settings = settings
        self.telemetry = telemetry
        self.hear = hear
        self.step = step
        self._secret = secret
        self._opened: deque[float] = deque()
        self._storm: str = ""
        self._storms_at: dict[str, float] = {}
        self._turn: deque[str] = deque()
        self._wait: dict[str, tuple[float, float]] = {}

    def key(self, incident: Incident) -> str:
        """What marks the incident's issue."""
        return incident.id

    def look(self) -> None:
        """Tell what is to be told now. A tracker that fails is asked again later, and nothing is lost."""
        now = self.book.clock.now()
        with self.book.lock:
            wanted = [one for one in (self.book.incidents.get(name) for name in self.book.dirty) if one is not None]
        for incident in wanted[:_A_ROUND]:
            if self._wait.get(incident.id, (0.0, 0.0))[0] > now:
                continue
            self._one(incident, now)

    def _one(self, incident: Incident, now: float) -> None:
        with self.book.lock:
            self.book.dirty.discard(incident.id)
        try:
            late = self._told(incident, now)
        except TrackerError as error:
            self.telemetry.told("failed")
            _, pause = self._wait.get(incident.id, (0.0, 0.5))
            self._wait[incident.id] = (now + pause, min(2 * pause, 60.0))
            with self.book.lock:
                self.book.dirty.add(incident.id)
            self.failure = error.finding.title
            return
        except BaseException:
            # Whatever it was, the incident is told again.
            with self.book.lock:
                self.book.dirty.add(incident.id)
            raise
        self._wait.pop(incident.id, None)
        if late:
            self._wait[incident.id] = (late, 0.5)
            with self.book.lock:
                self.book.dirty.add(incident.id)
        elif not incident.open:
            self.book.drop(incident)

    def _told(self, incident: Incident, now: float) -> float:
        """Bring the issue to what it should be; when to come back, where something has to wait."""
        if incident.folded_into and incident.issue is None:
            return 0.0
        ticket = incident.issue
        where = self.catalog.where(self.catalog.services.get(incident.service))
        if incident.security and incident.owner in self.catalog.owners:
            where = self.catalog.owners[incident.owner].issues
        if ticket is None:
            if self._is_storm(now):
                self._stormed(incident, where, now)
                return 0.0
            self._opened.append(now)
            ticket = Ticket(where=where)
            incident.issue = ticket
        if ticket.ref and ticket.ref.startswith("storm:"):
            return 0.0
        with self.book.lock:
            wanted = draft(
                incident, self.catalog, now=now, key=self.key(incident), console=self._console(), secret=self._secret,
                where=ticket.where,
            )  # fmt: skip
        digest = hashlib.sha256(f"{wanted.title}\n{wanted.body}".encode()).hexdigest()
        should_close = incident.phase in (Phase.RESOLVED, Phase.CLOSED)
        if not should_close:
            ticket.closing = 0
        if digest != ticket.digest or (not ticket.open and not should_close) or not ticket.ref:
            if ticket.ref and now < ticket.told_at + self.settings.tell_seconds and not should_close:
                return ticket.told_at + self.settings.tell_seconds
            self._open(incident, ticket, wanted, digest, now)
        self._comments(incident, ticket)
        if should_close and ticket.open:
            self._close(incident, ticket)
        return 0.0

    def _open(self, incident: Incident, ticket: Ticket, wanted: Draft, digest: str, now: float) -> None:
        with self.book.lock:
            ticket.intent_at = now
            written = self.book.save(incident, tell=False)
        written.result(timeout=self.settings.call_seconds)
        self.step("issue:before")
        issue = self.tracker.open(wanted)
        self.step("issue:after")
        self.telemetry.told("opened" if not ticket.ref else "updated")
        with self.book.lock:
            fresh = not ticket.ref
            ticket.ref, ticket.url, ticket.open = issue.ref, issue.url, issue.open
            ticket.digest, ticket.told_at, ticket.intent_at = digest, now, None
            if fresh:
                self.book.happened(incident, f"an issue is open: {issue.url}")
            self.book.save(incident, tell=fresh)

    def _comments(self, incident: Incident, ticket: Ticket) -> None:
        while incident.due:
            text = incident.due[0]
            number = ticket.comments + 1
            issue = self._issue(incident, ticket)
            self.step("comment:before")
            self.tracker.comment(issue, Comment(number=number, body=text))
            self.step("comment:after")
            self.telemetry.told("commented")
            with self.book.lock:
                ticket.comments = number
                incident.due.pop(0)
                self.book.save(incident, tell=False)

    def _close(self, incident: Incident, ticket: Ticket) -> None:
        issue = self._issue(incident, ticket)
        if not ticket.closing:
            # Known before it is written: whatever is said after a call that failed has a number of its own.
            with self.book.lock:
                ticket.comments += 1
                ticket.closing = ticket.comments
                written = self.book.save(incident, tell=False)
            written.result(timeout=self.settings.call_seconds)
        self.step("close:before")
        self.tracker.comment(issue, Comment(number=ticket.closing, body=closed(incident)))
        self.tracker.close(issue)
        self.step("close:after")
        self.telemetry.told("closed")
        with self.book.lock:
            ticket.closing, ticket.open = 0, False
            self.book.happened(incident, "the issue is closed, with the numbers")
            self.book.save(incident, tell=False)

    def _issue(self, incident: Incident, ticket: Ticket) -> Issue:
        return Issue(key=self.key(incident), where=ticket.where, ref=ticket.ref, url=ticket.url, open=ticket.open)

    def _is_storm(self, now: float) -> bool:
        while self._opened and self._opened[0] < now - self.settings.storm_seconds:
            self._opened.popleft()
        if len(self._opened) < self.settings.storm_incidents:
            self._storm = "" if not self._opened else self._storm
            return False
        return True

    def _stormed(self, incident: Incident, where: str, now: float) -> None:
        """List the incident in the storm's one issue instead of opening one of its own."""
        self._storm = self._storm or f"storm-{int(now)}"
        with self.book.lock:
            incident.issue = Ticket(where=where, ref=f"storm:{self._storm}", open=False, told_at=now)
            self.book.save(incident, tell=False)
            self.book.storms.setdefault(self._storm, []).append(incident.id)

    def storms(self) -> None:
        """Bring the summary issue of each storm up to date."""
        now = self.book.clock.now()
        for storm, names in list(self.book.storms.items()):
            soon = now - self._storms_at.get(storm, 0.0) < self.settings.tell_seconds
            if soon or self.book.storms_told.get(storm, 0) == len(names):
                continue
            with self.book.lock:
                count = len(names)
                incidents = [one for one in map(self.book.incidents.get, names) if one is not None]
            owner = self.catalog.owners.get(self.catalog.owner)
            wanted = storm_draft(
                incidents, self.catalog, now=now, key=storm, console=self._console(),
                secret=self._secret, where=owner.issues if owner else "",
            )  # fmt: skip
            try:
                self.step("issue:before")
                issue = self.tracker.open(wanted)
                self.step("issue:after")
            except TrackerError as error:
                self.failure = error.finding.title
                return
            self.telemetry.told("storm")
            with self.book.lock:
                self.book.storms_told[storm] = count
                self._storms_at[storm] = now
                for one in incidents:
                    if one.issue is not None:
                        one.issue.url = issue.url

    failure: str = ""

    def _console(self) -> str:
        return str(self.catalog.addresses.get("console", ""))

    # What people answer

    def listen(self) -> None:
        """Read what people wrote under open issues, some of them each time."""
        with self.book.lock:
            known = [one for one in self.book.incidents.values() if one.issue and one.issue.open and one.issue.ref]
        among = {one.id: one for one in known}
        self._turn.extend(name for name in among if name not in self._turn)
        for _ in range(min(len(self._turn), _A_ROUND)):
            incident = among.get(self._turn.popleft())
            if incident is not None:
                self._heard(incident)

    def _heard(self, incident: Incident) -> None:
        ticket = incident.issue
        assert ticket is not None  # noqa: S101 - asked before
        try:
            issue = self.tracker.find(ticket.where, self.key(incident))
        except TrackerError as error:
            self.failure = error.finding.title
            return
        if issue is None:
            # Somebody removed it; it is opened again.
            with self.book.lock:
                ticket.digest = ""
                self.book.dirty.add(incident.id)
            return
        if not issue.open and ticket.open and incident.phase in (Phase.OPEN, Phase.MITIGATED):
            self._reply(incident, Close(), issue, "somebody")
            return
        for comment in issue.comments:
            if comment.number or comment.uid in ticket.seen:
                continue
            for answer in answers(comment.body):
                self._reply(incident, answer, issue, comment.author)
            with self.book.lock:
                ticket.seen.append(comment.uid)
                self.book.save(incident)

    def _reply(self, incident: Incident, answer: Answer, issue: Issue, by: str) -> None:
        if isinstance(answer, Why):
            text = why(incident)
        elif isinstance(answer, Unclear):
            text = _unclear(answer)
        else:
            text = self.hear(incident, answer, by)
        with self.book.lock:
            if isinstance(answer, Close) and incident.issue is not None:
                incident.issue.open = issue.open
            if text:
                self.book.comment(incident, text)
            self.book.save(incident)


def _unclear(answer: Unclear) -> str:
    near = f" Did you mean `{answer.did_you_mean}`?" if answer.did_you_mean else ""
    known = "/approve, /reject, /noise WHY, /not-ours TEAM, /snooze 7d, /fixed-by REV, /why, /close"
    return f"That was not understood.{near} What is: {known}, each at the start of a line."
