"""A forge in memory, and a tracker that speaks to it: lists may lag behind, and calls may fail before or after."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from meshscope.feedback.ports import Comment, Draft, Issue
from meshscope.feedback.tracking import checked_key, checked_number, gone, marked, marker, parts_of


@dataclass(kw_only=True)
class Kept:
    """An issue as the forge has it; ``since`` is when it was opened, by the tracker's clock."""

    where: str
    ref: str
    title: str
    body: str
    labels: tuple[str, ...]
    since: float
    open: bool = True
    comments: list[Comment] = field(default_factory=list)


@dataclass(kw_only=True)
class MemoryForge:
    """The world that outlives a tracker: every issue that was ever opened, doubles too."""

    issues: list[Kept] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def say(self, where: str, key: str, author: str, body: str) -> None:
        """A person comments on the issue that is marked with ``key``. Raises `LookupError` where there is none."""
        with self.lock:
            for kept in self.issues:
                if kept.where == where and f"<!-- meshscope:{key}:" in kept.body:
                    uid = f"{kept.ref}-{len(kept.comments) + 1}"
                    kept.comments.append(Comment(number=0, body=body, author=author, uid=uid))
                    return
        raise LookupError(f"no issue of {where} is marked with {key}")

    def bearing(self, key: str) -> tuple[Kept, ...]:
        """Every issue that bears a mark of ``key``, wherever it is: more than one is a double."""
        with self.lock:
            return tuple(kept for kept in self.issues if f"<!-- meshscope:{key}:" in kept.body)


class MemoryTracker:
    """Issues in ``forge``.

    ``faults`` is told ``open:before``, ``open:after`` and so on for each method and raises what is to go wrong there:
    before, nothing has happened; after, only the reply is lost. A list shows an issue ``lag`` seconds after it was
    opened, as forges do: who opens one with the same key again before that gets a double, as there. Of doubles that a
    list shows, the younger ones are closed.
    """

    def __init__(
        self,
        forge: MemoryForge | None = None,
        *,
        secret: bytes,
        faults: Callable[[str], None] = lambda _: None,
        lag: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A tracker of ``forge``, a new one where none is given."""
        self.forge = forge or MemoryForge()
        self._secret = secret
        self._faults = faults
        self.lag = lag
        self._clock = clock

    def find(self, where: str, key: str) -> Issue | None:
        """The oldest issue with that mark that a list shows."""
        _checked(where, key)
        self._faults("find:before")
        with self.forge.lock:
            kept = self._shown(where, key)
            found = self._issue(kept, key) if kept else None
        self._faults("find:after")
        return found

    def open(self, draft: Draft) -> Issue:
        """Open the issue, or bring the one that a list shows up to date."""
        _checked(draft.where, draft.key)
        if not marked(draft.body, draft.key, self._secret):
            draft = replace(draft, body=f"{draft.body}\n\n{marker(draft.key, self._secret)}")
        self._faults("open:before")
        with self.forge.lock:
            kept = self._shown(draft.where, draft.key)
            if kept is None:
                kept = Kept(
                    where=draft.where, ref=str(len(self.forge.issues) + 1), title=draft.title, body=draft.body,
                    labels=draft.labels, since=self._clock(),
                )  # fmt: skip
                self.forge.issues.append(kept)
            kept.title, kept.body, kept.labels, kept.open = draft.title, draft.body, draft.labels, True
            issue = self._issue(kept, draft.key)
        self._faults("open:after")
        return issue

    def comment(self, issue: Issue, comment: Comment) -> Issue:
        """Write the comment unless one with that number is there."""
        checked_number(comment.number)
        self._faults("comment:before")
        with self.forge.lock:
            kept = self._there(issue)
            if all(one.number != comment.number for one in kept.comments):
                kept.comments.append(replace(comment, author="meshscope"))
            found = self._issue(kept, issue.key)
        self._faults("comment:after")
        return found

    def close(self, issue: Issue) -> Issue:
        """Close the issue."""
        self._faults("close:before")
        with self.forge.lock:
            kept = self._there(issue)
            kept.open = False
            found = self._issue(kept, issue.key)
        self._faults("close:after")
        return found

    def _shown(self, where: str, key: str) -> Kept | None:
        """What a list shows of that key; doubles among it are closed."""
        until = self._clock() - self.lag
        seen = [
            kept
            for kept in self.forge.issues
            if kept.where == where and (not self.lag or kept.since <= until) and marked(kept.body, key, self._secret)
        ]
        for double in seen[1:]:
            double.open = False
        return seen[0] if seen else None

    def _there(self, issue: Issue) -> Kept:
        """The issue by its number, which never lags; by its key where no number is known."""
        _checked(issue.where, issue.key)
        for kept in self.forge.issues:
            if kept.where == issue.where and kept.ref == issue.ref:
                return kept
        kept_by_key = self._shown(issue.where, issue.key)
        if kept_by_key is None:
            raise gone(issue.where, issue.key)
        return kept_by_key

    def _issue(self, kept: Kept, key: str) -> Issue:
        return Issue(
            key=key, where=kept.where, ref=kept.ref, url=f"memory://{kept.where}/{kept.ref}", open=kept.open,
            title=kept.title, body=kept.body, comments=tuple(kept.comments),
        )  # fmt: skip


def _checked(where: str, key: str) -> None:
    parts_of(where)
    checked_key(key)
