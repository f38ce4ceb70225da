"""Moments and lengths of time as a page shows them: UTC, with how long ago beside it."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_UNKNOWN = "not known"


def stamp(at: float | None) -> str:
    """``2026-11-26T03:02:10Z``, for programs; empty for no moment."""
    return _told(at, "%Y-%m-%dT%H:%M:%SZ", "")


def day_and_clock(at: float | None) -> str:
    """``2026-11-26 03:02:10``."""
    return _told(at, "%Y-%m-%d %H:%M:%S", _UNKNOWN)


def clock(at: float | None, now: float, *, seconds: bool = False) -> str:
    """``03:02`` of today, with its date else."""
    form = "%H:%M:%S" if seconds else "%H:%M"
    same_day = _told(at, "%Y%m%d", "") == _told(now, "%Y%m%d", "-")
    return _told(at, form if same_day else f"%-d %b {form}", _UNKNOWN)


def day(at: float | None) -> str:
    """``26 November 2026``."""
    return _told(at, "%-d %B %Y", _UNKNOWN)


def hms(at: float | None) -> str:
    """``03:02:10``."""
    return _told(at, "%H:%M:%S", _UNKNOWN)


def _told(at: float | None, form: str, otherwise: str) -> str:
    try:
        return datetime.fromtimestamp(math.nan if at is None else at, UTC).strftime(form)
    except (ValueError, OverflowError, OSError):
        return otherwise


def read(text: str) -> float | None:
    """Seconds since 1970 of an RFC 3339 moment; None for what is none, and for the year 1, which stands for never."""
    try:
        moment = datetime.fromisoformat(text[:19] + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        return None
    if moment.tzinfo is None or moment.year < 1971:
        return None
    return moment.timestamp()


def ago(at: float | None, now: float) -> str:
    """``3 min ago``, ``in 12 min``, ``just now``."""
    if at is None or not math.isfinite(at):
        return ""
    apart = now - at
    if abs(apart) < 10:
        return "just now" if apart >= 0 else "any moment"
    return f"{rough(apart)} ago" if apart > 0 else f"in {rough(-apart)}"


def rough(seconds: float) -> str:
    """A length of time in its largest unit, for a glance: ``3 min``. The page's program does the same sum."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size * (2 if unit != "min" else 1):
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def lasted(seconds: float | None) -> str:
    """A length of time in its two largest units: ``2 m 5 s``; tenths below ten seconds."""
    if seconds is None or not math.isfinite(seconds):
        return "?"
    if seconds < 0:
        return "0 s"
    if seconds < 10:
        return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"
    whole = round(seconds)
    parts = [(whole // 86_400, "d"), (whole // 3_600 % 24, "h"), (whole // 60 % 60, "m"), (whole % 60, "s")]
    first = next(place for place, (number, _) in enumerate(parts) if number)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number)
