"""Issues: each incident has one, and it says what is. The tracker may fail, lag or be slow: it is told again.

What is to be told follows from the incident alone, so that a call whose end nobody knows is simply made once more.
"""

from __future__ import annotations

import hashlib
from collections import ChainMap, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from meshscope.deploy.plan import Step
from meshscope.feedback.answers import Answer, Close, Unclear, Why, answers
from meshscope.feedback.casebook import Casebook
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.comments import closed, why
from meshscope.feedback.issue import draft
from meshscope.feedback.patience import Patience
from meshscope.feedback.ports import Comment, Draft, Issue, Tracker, TrackerError
from meshscope.feedback.settings import Settings
from meshscope.feedback.state import Incident, Phase, Ticket
from meshscope.feedback.storms import Storms
from meshscope.feedback.telemetry import Telemetry

_A_ROUND = 50
_HOUR, _REPLIES_AN_HOUR = 3600.0, 10


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
        self._turn: deque[str] = deque()
        self.patience = Patience(book.clock.monotonic)
        self._unheard = Patience(book.clock.monotonic)
        self._replies: dict[str, list[float]] = {}
        self.storms = Storms(book, catalog, tracker, settings, telemetry, self.patience, secret=secret, step=step)

    def key(self, incident: Incident) -> str:
        """What marks the incident's issue."""
        return incident.id

    def look(self) -> None:
        """Tell what is to be told now. A tracker that fails is asked again later, and nothing is lost."""
        with self.book.lock:
            due = [name for name in self.book.dirty if not self.patience.holds(name)]
            wanted = [one for one in map(self.book.incidents.get, due) if one is not None]
            self.patience.keep(ChainMap[str, Any](self.book.incidents, self.book.storms))
        for incident in wanted[:_A_ROUND]:
            if not self.patience.holds(incident.id):
                # Whatever is wrong with one, the others are told.
                with suppress(Exception):
                    self._one(incident)
        self.storms.tell()
        self.patience.tell("the issue can't be brought up to date")

    def _one(self, incident: Incident) -> None:
        with self.book.lock:
            self.book.dirty.discard(incident.id)
        late = 0.0
        try:
            with self.patience.trying(incident.id):
                late = self._told(incident, self.book.clock.now())
        except BaseException as error:
            # Whatever it was, the incident is told again.
            with self.book.lock:
                self.book.dirty.add(incident.id)
            if not isinstance(error, TrackerError):
                raise
            self.telemetry.told("failed")
            self._surely_not(incident, error)
            return
        if late:
            self.patience.wait(incident.id, late)
            with self.book.lock:
                self.book.dirty.add(incident.id)
            return
        with self.book.lock:
            # What came of it while it was told is told before it is forgotten.
            if not incident.open and incident.id not in self.book.dirty:
                self.book.drop(incident)

    def _surely_not(self, incident: Incident, error: TrackerError) -> None:
        ticket = incident.issue
        if error.definite and ticket is not None and not ticket.ref:
            with self.book.lock:
                ticket.intent_at = None

    def _told(self, incident: Incident, now: float) -> float:
        """Bring the issue to what it should be; in how many seconds to come back, where something has to wait."""
        if incident.folded_into and incident.issue is None:
            return 0.0
        ticket = incident.issue
        where = self.catalog.where(self.catalog.services.get(incident.service))
        if incident.security and incident.owner in self.catalog.owners:
            where = self.catalog.owners[incident.owner].issues
        if ticket is None:
            rages = self.storms.rages()
            self.storms.begun()
            if rages and not incident.acted_on:
                self.storms.list(incident, where)
                return 0.0
        if ticket is None or (ticket.in_storm and incident.acted_on):
            ticket = Ticket(where=where)
            incident.issue = ticket
        if ticket.in_storm:
            return 0.0
        with self.book.lock:
            wanted = draft(
                incident, self.catalog, now=now, key=self.key(incident), console=self.catalog.console,
                secret=self._secret, where=ticket.where,
            )  # fmt: skip
        digest = hashlib.sha256(f"{wanted.title}\n{wanted.body}".encode()).hexdigest()
        should_close = incident.phase in (Phase.RESOLVED, Phase.CLOSED)
        if not should_close:
            ticket.closing = 0
        if digest != ticket.digest or (not ticket.open and not should_close) or not ticket.ref:
            if wait := max(self._lags(ticket, now), 0.0 if should_close else self._soon(ticket, now)):
                return wait
            self._open(incident, ticket, wanted, digest, now)
        self._comments(incident, ticket)
        if should_close and ticket.open:
            self._close(incident, ticket)
        return 0.0

    def _soon(self, ticket: Ticket, now: float) -> float:
        """In how many seconds a change of the issue may be told after the last one."""
        since = now - ticket.told_at
        return self.settings.tell_seconds - since if ticket.ref and 0 <= since < self.settings.tell_seconds else 0.0

    def _lags(self, ticket: Ticket, now: float) -> float:
        """For how many seconds the tracker's lists may lack the issue still, so that it would be opened twice."""
        lag = self.tracker.lag
        if not ticket.ref and ticket.intent_at is not None:
            # Nobody knows whether, and when, the call took effect.
            since, most = now - ticket.intent_at, self.settings.call_seconds + lag
        else:
            since, most = now - ticket.opened_at, lag
        return most - since if lag and 0 <= since < most else 0.0

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
                ticket.opened_at = self.book.clock.now()
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

    # What people answer

    def listen(self) -> None:
        """Read what people wrote under open issues, some of them each time."""
        with self.book.lock:
            known = [one for one in self.book.incidents.values() if one.issue and one.issue.open and one.issue.ref]
        among = {one.id: one for one in known}
        self._turn.extend(name for name in among if name not in self._turn)
        for _ in range(min(len(self._turn), _A_ROUND)):
            incident = among.get(self._turn.popleft())
            if incident is not None and not self._unheard.holds(incident.id):
                with suppress(Exception), self._unheard.trying(incident.id):
                    self._heard(incident)
        self._unheard.keep(among)
        self._replies = {name: times for name, times in self._replies.items() if name in among}
        self._unheard.tell("what people wrote can't be read")

    def _heard(self, incident: Incident) -> None:
        ticket = incident.issue
        assert ticket is not None  # noqa: S101 - asked before
        try:
            issue = self.tracker.find(ticket.where, self.key(incident))
        except TrackerError as error:
            self.patience.failure = error.finding.title
            return
        if issue is None and self._lags(ticket, self.book.clock.now()):
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
                self._reply(incident, answer, issue, _writer(comment))
            with self.book.lock:
                ticket.seen.append(comment.uid)
                self.book.save(incident)

    def _may_reply(self, incident: Incident) -> bool:
        """Whether another answer may be written under the issue: only so many an hour, whoever asks for them."""
        now = self.book.clock.monotonic()
        recent = [at for at in self._replies.get(incident.id, ()) if at > now - _HOUR]
        self._replies[incident.id] = recent
        if len(recent) >= _REPLIES_AN_HOUR:
            return False
        recent.append(now)
        return True

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
            if text and self._may_reply(incident):
                self.book.comment(incident, text)
            self.book.save(incident)


def _writer(comment: Comment) -> str:
    """Who wrote a comment: whom the tracker knows, or somebody."""
    return comment.author or (f"somebody who signs as {comment.signed}" if comment.signed else "somebody")


def _unclear(answer: Unclear) -> str:
    near = f" Did you mean `{answer.did_you_mean}`?" if answer.did_you_mean else ""
    known = "/approve, /reject, /noise WHY, /not-ours TEAM, /snooze 7d, /fixed-by REV, /why, /close"
    return f"That was not understood.{near} What is: {known}, each at the start of a line."
