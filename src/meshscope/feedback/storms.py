"""Many incidents that begin at once are told in one issue: a forge would not take hundreds of them, nor a person.

One that the agent does something about has its own all the same, which stays open until the cause is mended; caps bound
how many those are.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress

from meshscope.deploy.plan import Step
from meshscope.feedback.casebook import Casebook
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.deeds import waiting
from meshscope.feedback.issue import storm_draft
from meshscope.feedback.patience import Patience
from meshscope.feedback.ports import Issue, Tracker, TrackerError
from meshscope.feedback.settings import Settings
from meshscope.feedback.state import STORM_REF, Incident, Phase, Storm, Ticket
from meshscope.feedback.telemetry import Telemetry


class Storms:
    """Knows when there is a storm, and keeps the one issue of each as it should be."""

    def __init__(
        self,
        book: Casebook,
        catalog: Catalog,
        tracker: Tracker,
        settings: Settings,
        telemetry: Telemetry,
        patience: Patience,
        *,
        secret: bytes,
        step: Step,
    ) -> None:
        """``patience`` is what a tracker that fails is met with."""
        self.book = book
        self.catalog = catalog
        self.tracker = tracker
        self.settings = settings
        self.telemetry = telemetry
        self.patience = patience
        self.step = step
        self._secret = secret
        self._begun_at: deque[float] = deque()
        self._now, self._last = "", 0.0
        self._looked: dict[str, float] = {}

    def rages(self) -> bool:
        """Whether so many incidents began of late that another one is listed instead of having an issue of its own."""
        since = self.book.clock.monotonic() - self.settings.storm_seconds
        while self._begun_at and self._begun_at[0] < since:
            self._begun_at.popleft()
        return len(self._begun_at) >= self.settings.storm_incidents

    def begun(self) -> None:
        """An incident began, and is told for the first time."""
        self._begun_at.append(self.book.clock.monotonic())

    def list(self, incident: Incident, where: str) -> None:
        """List the incident in the storm's one issue instead of opening one of its own."""
        now, clock = self.book.clock.now(), self.book.clock.monotonic()
        with self.book.lock:
            if not self._now or clock - self._last > self.settings.storm_seconds:
                self._now = f"storm-{int(now)}"
            self._last = clock
            storm = self.book.storms.setdefault(self._now, Storm(key=self._now, where=self._where(), at=now))
            storm.incidents.append(incident.id)
            incident.issue = Ticket(where=where, ref=f"{STORM_REF}{storm.key}", told_at=now)
            self.book.save(incident, storms=[storm], tell=False)

    def tell(self) -> None:
        """Bring each storm's issue up to date, and close it when all is over; what fails is tried again later."""
        for storm in list(self.book.storms.values()):
            now = self.book.clock.monotonic()
            soon = now - self._looked.get(storm.key, -self.settings.tell_seconds) < self.settings.tell_seconds
            if soon or self.patience.holds(storm.key) or self._held(storm):
                continue
            self._looked[storm.key] = now
            # Whatever is wrong with one, the others are told.
            with suppress(Exception), self.patience.trying(storm.key):
                try:
                    self._tell(storm)
                except TrackerError:
                    self.telemetry.told("failed")
                    raise

    def _held(self, storm: Storm) -> bool:
        """Whether the tracker's lists may lack the issue, so that another one would be opened."""
        return bool(storm.opened_at) and 0 <= self.book.clock.now() - storm.opened_at < self.tracker.lag

    def _tell(self, storm: Storm) -> None:
        now = self.book.clock.now()
        with self.book.lock:
            known = [one for one in map(self.book.incidents.get, storm.incidents) if one and not one.folded_into]
            listed = len(storm.incidents)
            going_on = [one for one in known if one.phase is Phase.OPEN]
            apart = sum(1 for one in known if one.issue and one.issue.apart)
            asking = sum(len(waiting(one, now)) for one in known)
            told = storm.listed, storm.going_on, storm.apart, storm.asking
            if (listed, len(going_on), apart, asking) != told or not storm.opened_at:
                wanted = storm_draft(
                    known, self.catalog, now=now, key=storm.key, console=self.catalog.console, secret=self._secret,
                    where=storm.where,
                )  # fmt: skip
            elif storm.open and not going_on:
                wanted = None
            else:
                if not storm.open and not known:
                    # Over, told, and nothing of it can come back.
                    self.book.storms.pop(storm.key, None)
                return
        if wanted is not None:
            self._begun(storm)
            self.step("issue:before")
            issue = self.tracker.open(wanted)
            self.step("issue:after")
            self.telemetry.told("storm")
            with self.book.lock:
                storm.listed, storm.going_on, storm.apart, storm.asking = listed, len(going_on), apart, asking
                storm.open = True
                storm.ref, storm.url = issue.ref, issue.url
                for one in known:
                    if one.issue is not None and one.issue.in_storm:
                        one.issue.url = issue.url
                self.book.save(storms=[storm])
        if not going_on:
            self.step("close:before")
            self.tracker.close(Issue(key=storm.key, where=storm.where, ref=storm.ref, url=storm.url, open=True))
            self.step("close:after")
            self.telemetry.told("closed")
            with self.book.lock:
                storm.open = False
                self.book.save(storms=[storm])

    def _begun(self, storm: Storm) -> None:
        """Write when it is opened, before it is."""
        if storm.opened_at:
            return
        with self.book.lock:
            storm.opened_at = self.book.clock.now()
            written = self.book.save(storms=[storm])
        written.result(timeout=self.settings.call_seconds)

    def _where(self) -> str:
        owner = self.catalog.owners.get(self.catalog.owner)
        return owner.issues if owner else ""
