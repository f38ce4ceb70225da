"""Incidents as pages take them from the ledger: without secrets, and however long somebody's texts are, at no cost."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from meshscope.feedback.ports import Record
from meshscope.feedback.state import Incident, read_incident
from meshscope.web.console.visible import outside, shortened

_LARGE = 32 * 1024
_LONGEST = 3_000
_MOST = 2_000
# What programs go by, and nobody outside chooses.
_KEPT = frozenset(("id", "key", "alert", "token", "owner", "phase", "folded_into", "cluster", "namespace"))


def read(record: Record) -> Incident:
    """The incident that a record holds, without the rest of texts and lists that are too long for a page."""
    if len(record.entry.body) <= _LARGE:
        return read_incident(record)
    return msgspec.convert(_each(msgspec.json.decode(record.entry.body), _short), Incident)


def read_masked(record: Record) -> Incident:
    """The same without secrets in any of its texts."""
    # A name stands in many places of one incident.
    return msgspec.convert(_each(msgspec.json.decode(record.entry.body), cache(_masked)), Incident)


def _short(text: str) -> str:
    return shortened(text, _LONGEST)


def _masked(text: str) -> str:
    plain = len(text) <= 12 and text.isalnum()
    return text if plain else outside(text, _LONGEST)


def _each(value: Any, told: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return told(value)
    if isinstance(value, list):
        kept = value if len(value) <= _MOST else [*value[: _MOST // 2], *value[-_MOST // 2 :]]
        return [_each(one, told) for one in kept]
    if isinstance(value, dict):
        return {key: _each(one, _short if key in _KEPT else told) for key, one in value.items()}
    return value
