"""What a person can ask of a running agent and tell it: the console's side of it, and the receivers'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from meshscope.feedback.cards import Card
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.ports import Ledger
from meshscope.feedback.state import Received
from meshscope.feedback.unreadable import UnreadableRecord
from meshscope.model.modes import Mode


class Role(StrEnum):
    """What a person may do: look, say yes or no to acts, stop and start the agent."""

    VIEWER = "viewer"
    APPROVER = "approver"
    ADMIN = "admin"


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A stop switch that is on: ``scope`` is ``all`` or a service as ``namespace/name``; ``by`` who, ``why``."""

    scope: str
    by: str
    why: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the agent that must live: when it last said so, how long it may be silent, in seconds."""

    name: str
    at: float
    patience: float
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The caps of a card or of the mesh: how many acts an hour, and how many there were in the last one."""

    what: str
    cap: int
    used: int


class Desk(Protocol):
    """A running agent."""

    @property
    def catalog(self) -> Catalog:
        """The mesh that it knows."""

    @property
    def ledger(self) -> Ledger:
        """What it knows of the past."""

    @property
    def cards(self) -> Mapping[str, Card]:
        """The actions that it can take."""

    def accept(self, tenant: str, received: Sequence[Received], raw: bytes, truncated: int = 0) -> Future[int]:
        """Store a sender's alerts; how many were new, once they are on disk. The future may hold `LedgerError`."""

    def answer(self, incident: str, token: str, *, yes: bool, by: str) -> str:
        """Answer a waiting approval; says in a sentence what came of it. Raises `MeshscopeError` where none waits."""

    def stop(self, scope: str, *, by: str, why: str) -> None:
        """Turn a stop switch on: no act from now on, in ``scope`` (``all`` or ``namespace/name``)."""

    def start(self, scope: str, *, by: str) -> None:
        """Turn a stop switch off."""

    def close_incident(self, incident: str, *, by: str) -> None:
        """A person says that it is over."""

    def stops(self) -> Sequence[Stop]:
        """The stop switches that are on."""

    def parts(self) -> Sequence[Part]:
        """Its parts, and when each last said that it lives."""

    def limits(self) -> Sequence[Limits]:
        """The caps, and how much of each is used."""

    def mode_of(self, service: str) -> Mode:
        """The mode of the service called ``cluster/namespace/name``, as it is in force now."""

    @property
    def restored(self) -> bool:
        """Whether its ledger was restored, so that it only observes until a person says otherwise."""

    def clear_restored(self, *, by: str) -> None:
        """A person says that the restored ledger may be acted on."""

    def unreadable(self) -> Sequence[UnreadableRecord]:
        """The records that could not be read at the start, and that nobody cleared."""

    def clear_unreadable(self, *, by: str) -> None:
        """A person has looked at them: their services may be acted on again."""
