"""What the agent needs of the world: a ledger, a tracker of issues, whoever knows which alerts fire, and a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

# A ledger's sickness: it raises this, and whoever asked says 503.
from meshscope.findings import MeshscopeError


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is to be written: the whole state of ``subject`` as it is now, as JSON.

    ``kind`` is what the subject is (delivery, alert, incident, intent, ...), ``about`` a service or "" (for lists),
    ``open`` whether somebody still has to do something about it.
    """

    kind: str
    subject: str
    body: bytes
    about: str = ""
    open: bool = False


@dataclass(frozen=True, kw_only=True)
class Record:
    """An entry as it was written: its number from 1, and when, in seconds since 1970."""

    number: int
    at: float
    entry: Entry


class LedgerError(MeshscopeError):
    """The ledger can't write or read now: locked, full, sick. Nothing of what was asked for is written."""


class Ledger(Protocol):
    """An append-only record. The newest record of a subject is its state; older ones are its history."""

    def append(self, entries: Sequence[Entry]) -> Future[Sequence[Record]]:
        """Write all entries or none; done when they are on disk. The future may hold `LedgerError`."""

    def history(self, subject: str) -> Sequence[Record]:
        """Every record of ``subject``, the oldest first. Raises `LedgerError`."""

    def heads(
        self,
        kind: str,
        *,
        open: bool | None = None,  # noqa: A002 - what the table calls it
        about: str = "",
        before: int = 0,
        limit: int = 1000,
    ) -> Sequence[Record]:
        """The newest record of each subject of ``kind``, the newest first; ``before`` a number pages on.

        ``open`` None means any, ``about`` "" any. Raises `LedgerError`.
        """

    def records(self, after: int, limit: int = 1000) -> Sequence[Record]:
        """Records of any kind with a number above ``after``, in order. Raises `LedgerError`."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An issue as it should be. ``key`` marks it as ours for that incident; ``where`` is a repository."""

    key: str
    where: str
    title: str
    body: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment: ``number`` counts them for an issue, so that none is written twice; by a person where 0."""

    number: int
    body: str
    author: str = ""
    """Who wrote it, where the tracker knows that."""
    signed: str = ""
    """Who it says that it is by, which anybody can write."""
    uid: str = ""
    """What tells a person's comment from every other one."""


@dataclass(frozen=True, kw_only=True)
class Issue:
    """An issue as the tracker has it. ``url`` is where a person reads it."""

    key: str
    where: str
    ref: str
    url: str
    open: bool
    title: str = ""
    body: str = ""
    comments: tuple[Comment, ...] = ()


class TrackerError(MeshscopeError):
    """The tracker did not answer, or not well: whether the call took effect is unknown. ``definite``: it did not.

    ``after`` is how many seconds it wants to be left alone, where it said so.
    """

    definite: bool = False
    after: float = 0.0


class Tracker(Protocol):
    """Where issues live. Every call may be repeated: it raises `TrackerError`, or the world is as asked for.

    Only an issue that its lists may not show yet is opened a second time: ``lag`` is how many seconds that can be.
    """

    @property
    def lag(self) -> float:
        """How long after an issue was opened `find` and `open` may not know of it, in seconds."""

    def find(self, where: str, key: str) -> Issue | None:
        """The issue marked with ``key``, open or closed, with its comments; None when there surely is none."""

    def open(self, draft: Draft) -> Issue:
        """Open the issue, or bring the open or closed one with that key to this title, body and labels, reopened."""

    def comment(self, issue: Issue, comment: Comment) -> Issue:
        """Write the comment unless one with that number is there."""

    def close(self, issue: Issue) -> Issue:
        """Close the issue; what is closed stays so."""


@dataclass(frozen=True, kw_only=True)
class Active:
    """An alert that a sender says is active: ``inhibited`` when another alert holds it back, ``silenced`` by a person.

    Times are as the sender spells them (RFC 3339).
    """

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: str = ""
    generator_url: str = ""
    inhibited: bool = False
    silenced: bool = False


class AlertSource(Protocol):
    """Whoever knows which alerts fire now: Alertmanager's API."""

    def active(self) -> tuple[Active, ...]:
        """Every alert that fires now, inhibited and silenced ones too. Raises `MeshscopeError` where it can't say."""


class Clock(Protocol):
    """What time it is, and a way to wait that somebody else can end."""

    def now(self) -> float:
        """Seconds since 1970."""

    def monotonic(self) -> float:
        """Seconds that only go forward."""
