"""The door: how often somebody may try a password, and how long an answer takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_WINDOW = 300.0
_FREE_OF_ADDRESS = 10
_FREE_OF_NAME = 3
_LONGEST_DELAY = 4.0
_MOST_KEYS = 20_000


class Gate:
    """Counts the tries that failed. An address is turned away; a name is only answered later, at that address.

    So nobody can lock somebody else out, nor hold them up from elsewhere, and a name that nobody has is treated as one
    that somebody has.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Nobody has tried anything."""
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failed: dict[str, list[float]] = {}

    def turned_away(self, address: str) -> float:
        """For how many seconds this address is not listened to; 0 where it is."""
        with self._lock:
            recent = self._recent(f"address {address}")
        if len(recent) < _FREE_OF_ADDRESS:
            return 0.0
        return max(1.0, recent[-_FREE_OF_ADDRESS] + _WINDOW - self._monotonic())

    def delay(self, address: str, name: str) -> float:
        """How many seconds an answer about this name is held back at this address."""
        with self._lock:
            failures = len(self._recent(_both(address, name)))
        return min(_LONGEST_DELAY, 0.25 * 2.0 ** (failures - _FREE_OF_NAME)) if failures >= _FREE_OF_NAME else 0.0

    def failed(self, address: str, name: str) -> None:
        """A try failed."""
        now = self._monotonic()
        with self._lock:
            if len(self._failed) > _MOST_KEYS:
                self._failed = {key: times for key, times in self._failed.items() if times[-1] > now - _WINDOW}
            if len(self._failed) > _MOST_KEYS:
                self._failed.clear()
            for key in (f"address {address}", _both(address, name)):
                self._failed[key] = [*self._recent(key), now][-50:]

    def passed(self, address: str, name: str) -> None:
        """A try succeeded: the name is answered at once again at this address."""
        with self._lock:
            self._failed.pop(_both(address, name), None)

    def _recent(self, key: str) -> list[float]:
        since = self._monotonic() - _WINDOW
        return [at for at in self._failed.get(key, ()) if at > since]


def _both(address: str, name: str) -> str:
    return f"name {name} at {address}"
