"""Times, shares, names and acts in words, spelt the same wherever the agent tells of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from meshscope.feedback.prose import code
from meshscope.feedback.state import Key, Numbers
from meshscope.findings import counted

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# To do, done, and what is done to: an action of the house. Others are called by their names.
_DEEDS = {
    "kill_instance": ("kill", "killed", "instance"),
    "quarantine": ("quarantine", "quarantined", "instance"),
    "run_command": ("run", "ran", "the command"),
    "webhook": ("call", "called", "the web hook"),
}
UNKNOWN_TIME = "a time that is not known"


def when(at: float | None) -> str:
    """A moment with its date: ``2026-11-26 14:02:10 UTC``."""
    return _told(at, "%Y-%m-%d %H:%M:%S UTC")


def clock(at: float | None) -> str:
    """A moment of a day that is known: ``14:02:10 UTC``."""
    return _told(at, "%H:%M:%S UTC")


def _told(at: float | None, form: str) -> str:
    try:
        return datetime.fromtimestamp(at or math.nan, UTC).strftime(form)
    except (ValueError, OverflowError, OSError):
        return UNKNOWN_TIME


def between(start: float | None, end: float) -> str:
    """Two moments and what lies between them: ``from 2026-11-26 14:02:10 to 14:04:15 UTC (2 m 5 s)``."""
    first, last = when(start), when(end)
    if UNKNOWN_TIME in (first, last) or start is None:
        return f"until {last}"
    last = clock(end) if first[:10] == last[:10] else last
    return f"from {first.removesuffix(' UTC')} to {last} ({lasted(end - start)})"


def lasted(seconds: float) -> str:
    """A length of time in its two largest units: ``2 m 5 s``."""
    if not math.isfinite(seconds):
        return "for how long is not known"
    whole = max(0, round(seconds))
    parts = [(whole // 86_400, "d"), (whole // 3_600 % 24, "h"), (whole // 60 % 60, "m"), (whole % 60, "s")]
    first = next((place for place, (number, _) in enumerate(parts) if number), 3)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number) or "0 s"


def share(ratio: float) -> str:
    """A share in per cent with three digits; only all of them is 100%, only none is 0%."""
    if not math.isfinite(ratio):
        return "an unknown share"
    percent = 100 * ratio
    if not 0 <= percent <= 1000:
        return "an impossible share"
    if 0 < percent < 0.01:
        return "less than 0.01%"
    if 99.9 < percent < 100:
        return "more than 99.9%"
    return f"{percent:.3g}%" if percent < 100 else f"{percent:.0f}%"


def rate(number: float) -> str:
    """A rate with three digits."""
    if not math.isfinite(number):
        return "unknown"
    return f"{number:,.0f}" if 100 <= number < 1e9 else f"{number:.3g}"


def listed(things: Iterable[str]) -> str:
    """Things in a sentence: ``a, b and c``."""
    *others, last = list(things) or ["none"]
    return f"{', '.join(others)} and {last}" if others else last


def is_name(text: str) -> bool:
    """Whether it is a name as the model has them: lower case letters, digits and dashes, at most 63."""
    return _NAME.fullmatch(text) is not None


def named(service: Key) -> str:
    """A service in a sentence, without its cluster."""
    if is_name(service.namespace) and is_name(service.name):
        return code(f"{service.namespace}/{service.name}")
    return f"{code(service.namespace)}/{code(service.name)}"


def to_do(action: str, target: str) -> str:
    """What an action would do: ``kill instance `ledger-1```."""
    return _deed(action, target, 0, "carry out")


def done(action: str, target: str) -> str:
    """What an action did: ``killed instance `ledger-1```."""
    return _deed(action, target, 1, "carried out")


def _deed(action: str, target: str, form: int, other: str) -> str:
    words = _DEEDS.get(action)
    if words is None:
        return f"{other} {code(action)}" + (f" on {code(target)}" if target else "")
    if not target:
        return f"{words[form]} {'an instance' if words[2] == 'instance' else words[2]}"
    return f"{words[form]} {words[2]} {code(target)}"


def stands_out(numbers: Numbers) -> bool:
    """Whether the instance fails while its siblings, of which there are some, are well."""
    return numbers.siblings > 0 and numbers.siblings_failing < 0.2 * numbers.failing


def failing(whose: str, numbers: Numbers, *, over: bool, span: str) -> str:
    """What an instance and its siblings fail, in a sentence or two; in the past when it is ``over``."""
    if numbers.siblings > 0 and not stands_out(numbers):
        others = f"its {counted(numbers.siblings, 'sibling')} {share(numbers.siblings_failing)} of theirs"
        verb = "failed" if over else "fail"
        return f"Instances of {whose} {verb} together: one {share(numbers.failing)} of its requests, {others}, {span}."
    verb = "failed" if over else "fails"
    told = f"One instance of {whose} {verb} {share(numbers.failing)} of its requests {span}."
    if numbers.siblings < 1:
        return f"{told} It has no siblings to compare it with."
    others = "failed" if over else "fail" if numbers.siblings > 1 else "fails"
    return f"{told} Its {counted(numbers.siblings, 'sibling')} {others} {share(numbers.siblings_failing)} of theirs."
