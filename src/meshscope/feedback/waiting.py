"""Alerts that wait to be decided: what wakes people comes before the rest, and the rest does not wait for ever."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from meshscope.feedback.casebook import Fingerprint

_IN_A_ROW = 8


class Waiting:
    """A queue of two lanes; of each nine that are taken, one is of the lane that can wait, if there is any."""

    def __init__(self, urgent: Callable[[Fingerprint], bool]) -> None:
        """``urgent`` says whether an alert comes first."""
        self._urgent = urgent
        self._first: deque[Fingerprint] = deque()
        self._rest: deque[Fingerprint] = deque()
        self._in_a_row = 0

    def __len__(self) -> int:
        return len(self._first) + len(self._rest)

    def append(self, alert: Fingerprint) -> None:
        """Have ``alert`` wait, behind those of its lane."""
        (self._first if self._urgent(alert) else self._rest).append(alert)

    def extend(self, alerts: Iterable[Fingerprint]) -> None:
        """Have each of them wait."""
        for alert in alerts:
            self.append(alert)

    def take(self) -> Fingerprint:
        """Whose turn it is; one thread takes, any may append. Raises `IndexError` where none waits."""
        if self._first and (self._in_a_row < _IN_A_ROW or not self._rest):
            self._in_a_row += 1
            return self._first.popleft()
        self._in_a_row = 0
        return self._rest.popleft()
