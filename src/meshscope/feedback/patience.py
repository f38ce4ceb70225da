"""How a tracker that fails is met: asked again ever more slowly, and not before it says that it may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from meshscope.feedback.ports import TrackerError

_FIRST, _LONGEST = 0.5, 60.0


class Patience:
    """Knows by a name of each thing to tell when it may be tried again, in seconds that only go forward."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Nothing has failed yet."""
        self._monotonic = monotonic
        self._until: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._all_until = 0.0
        self.failure = ""
        """What the tracker said last when it failed."""

    def holds(self, name: str) -> bool:
        """Whether it is too early to try ``name``."""
        now = self._monotonic()
        return now < self._all_until or now < self._until.get(name, 0.0)

    def wait(self, name: str, seconds: float) -> None:
        """Leave ``name`` alone for so long: nothing failed, but it is too early."""
        self._until[name] = self._monotonic() + seconds

    @contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """Something is done about ``name``; a `TrackerError` comes out after it is known when to try again."""
        try:
            yield
        except TrackerError as error:
            pause = self._pauses.get(name, _FIRST)
            self._pauses[name] = min(2 * pause, _LONGEST)
            now = self._monotonic()
            self._until[name] = now + max(pause, error.after)
            if error.after:
                # Whoever says so means all calls.
                self._all_until = max(self._all_until, now + error.after)
            self.failure = error.finding.title
            raise
        self._until.pop(name, None)
        self._pauses.pop(name, None)
