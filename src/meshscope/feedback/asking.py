"""Questions that may take their time: one at once about each service, so that what hangs for one costs no other.

Whoever asks comes back for the answer. While one is under way no other is asked about that service, so that a store is
not asked again and again what it is slow to answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")
# An answer that is there at once is worth waiting for; the next alert is decided after that.
_AT_ONCE = 0.1
# Nobody came for it: what it says is of the past.
_OLD = 5.0
_MOST = 16


class NotYet(Exception):
    """The answer is under way, or cannot be asked for yet: come back."""


@dataclass(frozen=True)
class _Question:
    answer: Future[Any] = field(default_factory=Future)
    at: float = field(default_factory=time.monotonic)


class Asking:
    """The questions that are under way, by what they are about; safe in any thread."""

    def __init__(self) -> None:
        """None yet."""
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, _Question] = {}

    def answer(self, about: Hashable, ask: Callable[[], _Answer], *, wait: bool) -> _Answer:
        """What ``ask`` returns or raises; `NotYet` where that takes longer and ``wait`` is False."""
        one = self._question(about, ask)
        try:
            # Waited for without an end: whatever asks a store has one of its own.
            found: _Answer = one.answer.result(timeout=None if wait else _AT_ONCE)
        except TimeoutError:
            if not one.answer.done():
                raise NotYet from None
            raise
        finally:
            if one.answer.done():
                self._forget(about, one)
        return found

    def _question(self, about: Hashable, ask: Callable[[], _Answer]) -> _Question:
        with self._lock:
            known = self._under_way.get(about)
            if known is not None and not (known.answer.done() and time.monotonic() - known.at > _OLD):
                return known
            if len(self._under_way) >= _MOST and known is None:
                raise NotYet
            one = self._under_way[about] = _Question()
        threading.Thread(target=_answered, args=(one, ask), name="meshscope-ask", daemon=True).start()
        return one

    def _forget(self, about: Hashable, one: _Question) -> None:
        with self._lock:
            if self._under_way.get(about) is one:
                del self._under_way[about]


def _answered(one: _Question, ask: Callable[[], object]) -> None:
    try:
        one.answer.set_result(ask())
    except BaseException as error:
        one.answer.set_exception(error)
