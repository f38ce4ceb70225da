"""How what fails is met: each by itself, tried again ever more slowly, a tracker not before it says that it may be."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager

from meshscope.feedback.ports import TrackerError
from meshscope.findings import Finding, MeshscopeError

_FIRST, _LONGEST = 0.5, 60.0
_MOST_NAMED, _MOST_SAID = 5, 200


class Patience:
    """Knows by a name of each thing to do when it may be tried again, in seconds that only go forward."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Nothing has failed yet."""
        self._monotonic = monotonic
        self._until: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._all_until = 0.0
        self._faults: dict[str, str] = {}
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
        """Something is done about ``name``; what goes wrong comes out after it is known when to try again."""
        try:
            yield
        except TrackerError as error:
            now = self._later(name, error.after)
            if error.after:
                # Whoever says so means all calls.
                self._all_until = max(self._all_until, now + error.after)
            self.failure = error.finding.title
            raise
        except Exception as error:
            self._later(name)
            self._faults[name] = f"{type(error).__name__}: {error}"[:_MOST_SAID]
            raise
        for each in (self._until, self._pauses, self._faults):
            each.pop(name, None)

    def _later(self, name: str, after: float = 0.0) -> float:
        pause = self._pauses.get(name, _FIRST)
        self._pauses[name] = min(2 * pause, _LONGEST)
        now = self._monotonic()
        self._until[name] = now + max(pause, after)
        return now

    def keep(self, names: Container[str]) -> None:
        """Forget all but these: the others are over."""
        for each in (self._until, self._pauses, self._faults):
            for name in [one for one in each if one not in names]:
                del each[name]

    def tell(self, what: str) -> None:
        """Raise `MeshscopeError` while something fails for another reason than a tracker's; ``what`` is not done."""
        if not self._faults:
            return
        told = [f"{name}: {why}" for name, why in sorted(self._faults.items())]
        more = f"; and {len(told) - _MOST_NAMED} more" if len(told) > _MOST_NAMED else ""
        raise MeshscopeError(
            Finding(
                code="agent/failing", title=f"of {len(told)} incidents {what}",
                why="; ".join(told[:_MOST_NAMED]) + more,
                help="they are tried again, ever more slowly; the others go on",
            )
        )  # fmt: skip
