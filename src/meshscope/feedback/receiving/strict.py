"""JSON as an honest sender writes it: no key twice, no number that is none, no nesting without end.

Readers disagree about all of these, so that what one of them checked is not what another one does.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from meshscope.feedback.state import Received

T = TypeVar("T")

MOST_DEPTH = 100
_MOST_SAID = 200
_FEW_VALUES, _BYTES_A_VALUE = 10_000, 8


class Unreadable(ValueError):
    """A body that no honest sender sends. ``reason`` is one of a few words, for a metric; the text says more."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(why[:_MOST_SAID])
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What a body holds: alerts, and how many more its sender left out of it."""

    received: tuple[Received, ...]
    truncated: int = 0


def read_json(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """What ``body`` says, by ``decoder``. Raises `Unreadable`, also for what the decoder would pass over."""
    # Before anything is built of it: an empty list is two bytes of theirs and sixty of ours.
    most = max(_FEW_VALUES, len(body) // _BYTES_A_VALUE)
    if _values(body) > most and _values(_STRING.sub(b"", body)) > most:
        raise Unreadable("values", "it has more values than an alert of its length has")
    try:
        # First, for it is the quickest to say no to what is no JSON at all; what it skips, it does not look at.
        document = decoder.decode(body)
        everything = _EVERYTHING.decode(body.decode("utf-8"))
    except msgspec.ValidationError as error:
        raise Unreadable("shape", str(error)) from error
    except (UnicodeDecodeError, msgspec.DecodeError, json.JSONDecodeError) as error:
        raise Unreadable("json", f"it is no JSON: {error}") from error
    except RecursionError as error:
        raise Unreadable("depth", _TOO_DEEP) from error
    if body.count(b"[") + body.count(b"{") > MOST_DEPTH and _deeper(everything, MOST_DEPTH):
        raise Unreadable("depth", _TOO_DEEP)
    return document


def _values(body: bytes) -> int:
    """About how many values there are, those that texts only look like among them."""
    return sum(map(body.count, (b",", b"[", b"{")))


# One without an end is taken to the end, so that nothing is looked through twice.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_TOO_DEEP = f"it is nested more than {MOST_DEPTH} deep"


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("duplicate_key", "it has a key twice in one object")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Unreadable("number", "it has a number that is too large")
    return number


def _whole(text: str) -> int:
    # Longer ones take time that grows with the square of their length.
    if len(text) > _MOST_DIGITS:
        raise Unreadable("number", "it has a number that is too large")
    return int(text)


def _no_number(text: str) -> Any:
    raise Unreadable("number", f"it has {text}, which is no number of JSON")


_MOST_DIGITS = 40
_EVERYTHING = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=_finite, parse_int=_whole, parse_constant=_no_number
)


def _deeper(document: object, most: int) -> bool:
    level = [document]
    for _ in range(most + 1):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True
