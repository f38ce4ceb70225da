"""Times in which nothing is done: ``WEEKDAYS HH:MM-HH:MM`` in UTC, for example ``sat,sun 00:00-24:00``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from meshscope.findings import Finding, MeshscopeError

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"(?P<days>[a-z,*]+) (?P<h1>\d\d):(?P<m1>\d\d)-(?P<h2>\d\d):(?P<m2>\d\d)")


def frozen(times: Iterable[str], now: float) -> str:
    """The one of ``times`` that ``now`` lies in, in words; empty where none does. Raises `MeshscopeError`."""
    moment = datetime.fromtimestamp(now, UTC)
    minute = moment.hour * 60 + moment.minute
    for text in times:
        days, begin, end = span(text)
        if moment.weekday() in days and begin <= minute < end:
            return f"nothing is done {text} UTC"
    return ""


def span(text: str) -> tuple[frozenset[int], int, int]:
    """The weekdays (Monday is 0) and the minutes of the day. Raises `MeshscopeError` for what is no such time."""
    match = _TIME.fullmatch(text.strip().lower())
    if match:
        names = _DAYS if match["days"] == "*" else tuple(match["days"].split(","))
        begin, end = int(match["h1"]) * 60 + int(match["m1"]), int(match["h2"]) * 60 + int(match["m2"])
        if set(names) <= set(_DAYS) and 0 <= begin < end <= 24 * 60 and int(match["m1"]) < 60 and int(match["m2"]) < 60:
            return frozenset(map(_DAYS.index, names)), begin, end
    raise MeshscopeError(
        Finding(
            code="agent/bad-freeze",
            title=f"`{text}` is no time in which nothing is done",
            why="a freeze that can't be read would be none, and something would be killed in it",
            help='write weekdays and a time in UTC within one day: "sat,sun 00:00-24:00", "* 22:00-24:00"',
        )
    )
