"""What is asked of all incidents at once, kept up with each of them: which services fail, and who lists an alert.

In a storm it is asked for every alert, and to look through all that is open each time would take too long.
"""

from __future__ import annotations

from collections.abc import Mapping

from meshscope.feedback.state import Incident, Key, Phase


class Standing:
    """The incidents that are known, as they were when each was noted last."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.changes = 0
        """How often it came to something else which services fail, or since when."""
        self._since: dict[Key, dict[str, float]] = {}
        self._first: dict[Key, float] = {}
        self._services: dict[str, Mapping[Key, float]] = {}
        self._by_alert: dict[str, tuple[str, ...]] = {}
        self._listed: dict[str, int] = {}

    def note(self, incident: Incident) -> None:
        """The incident is new, or has changed. Alerts are only ever added to it."""
        for member in incident.members[self._listed.get(incident.id, 0) :]:
            known = self._by_alert.get(member.alert, ())
            if incident.id not in known:
                self._by_alert[member.alert] = (*known, incident.id)
        self._listed[incident.id] = len(incident.members)
        self._fails(incident.id, _failing(incident))

    def forget(self, incident: Incident) -> None:
        """The incident is over for good."""
        self._fails(incident.id, {})
        self._services.pop(incident.id, None)
        self._listed.pop(incident.id, None)
        for member in incident.members:
            left = tuple(one for one in self._by_alert.get(member.alert, ()) if one != incident.id)
            if left:
                self._by_alert[member.alert] = left
            else:
                self._by_alert.pop(member.alert, None)

    def listing(self, alert: str) -> tuple[str, ...]:
        """The incidents that list the alert of that key."""
        return self._by_alert.get(alert, ())

    def failing(self, besides: Key) -> dict[Key, float]:
        """Since when each service fails, but for one."""
        found = self._first.copy()
        found.pop(besides, None)
        return found

    def _fails(self, incident: str, services: Mapping[Key, float]) -> None:
        before = self._services.get(incident, {})
        if before == services:
            return
        self.changes += 1
        for key in {*before, *services}:
            some = self._since.setdefault(key, {})
            if key in services:
                some[incident] = services[key]
            else:
                del some[incident]
            if some:
                self._first[key] = min(some.values())
            else:
                del self._since[key], self._first[key]
        self._services[incident] = services


def _failing(incident: Incident) -> dict[Key, float]:
    """Since when each service fails, as far as the incident knows: its own, and its victims."""
    found: dict[Key, float] = {}
    if incident.phase is not Phase.OPEN or incident.security:
        return found
    for member in incident.members:
        if member.until is None:
            key = member.service or incident.service
            since = found.get(key)
            found[key] = member.since if since is None else min(since, member.since)
    return found
