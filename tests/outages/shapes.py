"""What a scrape finds over time: shapes in plain words become samples, one for each scrape.

Istio's counters are made by their first increment (`counterFromStatNames(...).add`, istio_stats.cc) and are never on
the page with 0, so a counter that has counted nothing yet is absent here too. A bucket of a histogram is there with 0
from the histogram's first request on, whichever bucket that belongs to: such a phase is `0 a second`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.outages.rows import BadRow, seconds

Sample = Fraction | None

# Nobody scrapes: Prometheus itself is away, so nothing is marked stale either.
NOT_ASKED = "not asked"
_RATE = re.compile(r"(\d+(?:\.\d+)?) (?:a|an) (second|minute|hour|day)")
_STANDS = re.compile(r"0 an? \w+")
_EVERY = re.compile(r"(\d+) every ((?:\d+[smhdw])+)")
_GAUGE = re.compile(r"is (\d+(?:\.\d+)?)")
_JUMP = re.compile(r"jumps by (\d+)")
_REPEAT = re.compile(r"(\d+) x \((.*)\)")
_PER = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What happens from ``start`` on (seconds), until the next phase: one of the ways in the README."""

    start: int
    what: str


def phases(shape: Sequence[str]) -> list[Phase]:
    """The phases of a shape, in order. Raises `BadRow` for words that nothing reads."""
    found, now = [], 0
    for text in _unrolled(shape):
        what, _, end = text.partition(" until ")
        what, _, span = what.partition(" for ")
        found.append(Phase(start=now, what=what.strip()))
        if _JUMP.fullmatch(what.strip()) or what.strip() == "starts anew":
            continue
        now = seconds(end) if end else now + seconds(span) if span else 10**9
        if now < found[-1].start:
            raise BadRow(f"`{text}` ends before it begins")
    return found


def _unrolled(shape: Iterable[str]) -> Iterator[str]:
    for text in shape:
        repeated = _REPEAT.fullmatch(text.strip())
        if repeated:
            for _ in range(int(repeated[1])):
                yield from _unrolled(repeated[2].split(", "))
        else:
            yield text.strip()


def samples(shape: Sequence[str], ever: Sequence[str], times: Sequence[int]) -> list[Sample]:
    """The value at each of ``times`` (seconds), None where the page lacks the series.

    ``ever`` is the shape in the healthy mesh, for `as ever`.
    """
    planned = [
        Phase(start=phase.start, what=ever[0] if phase.what == "as ever" and ever else phase.what)
        for phase in phases(shape)
    ]
    counter = _Counter()
    found: list[Sample] = []
    position = 0
    for time in times:
        while position < len(planned) and planned[position].start <= time:
            counter.begin(planned[position])
            position += 1
        found.append(counter.at(time))
    return found


class _Counter:
    """A counter, or a gauge, that goes through its phases."""

    def __init__(self) -> None:
        self._phase = Phase(start=0, what="absent")
        self._base = Fraction(0)

    def begin(self, phase: Phase) -> None:
        self._base += self._counted(phase.start)
        if jump := _JUMP.fullmatch(phase.what):
            self._base += int(jump[1])
            phase = Phase(start=phase.start, what="nothing")
        elif phase.what == "starts anew":
            self._base = Fraction(0)
            phase = Phase(start=phase.start, what="nothing")
        self._phase = phase
        self._counted(phase.start)

    def at(self, time: int) -> Sample:
        if self._phase.what in ("absent", NOT_ASKED):
            return None
        if gauge := _GAUGE.fullmatch(self._phase.what):
            return Fraction(gauge[1])
        counted = self._base + self._counted(time)
        return counted if _STANDS.fullmatch(self._phase.what) else counted or None

    def _counted(self, time: int) -> Fraction:
        """How many in this phase until ``time``: whole requests only."""
        what, passed = self._phase.what, max(time - self._phase.start, 0)
        if rate := _RATE.fullmatch(what):
            return Fraction(int(Fraction(rate[1]) * passed / _PER[rate[2]]))
        if every := _EVERY.fullmatch(what):
            # The first comes a moment after the phase begins.
            return Fraction(int(every[1]) * -(-passed // seconds(every[2])))
        if what in ("nothing", "absent", NOT_ASKED) or _GAUGE.fullmatch(what):
            return Fraction(0)
        raise BadRow(f"nothing reads the shape `{what}`")


def asked(shape: Sequence[str], times: Sequence[int]) -> list[bool]:
    """Whether Prometheus scrapes the target at each of ``times``."""
    planned = phases(shape)
    return [next(phase.what for phase in reversed(planned) if phase.start <= time) != NOT_ASKED for time in times]


def notation(values: Sequence[Sample], scraped: Sequence[bool] = ()) -> str:
    """The samples in promtool's notation; where a series leaves the page, Prometheus marks it stale if it asks."""
    parts, position = [], 0
    while position < len(values):
        run = _run(values, position)
        value = values[position]
        if value is None:
            gone = position > 0 and (not scraped or scraped[position])
            parts += ["stale"] if gone else []
            parts += [f"_x{run - gone}"] if run > gone else []
        elif run == 1:
            parts.append(_number(value))
        else:
            following = values[position + 1]
            assert following is not None
            step = following - value
            parts.append(f"{_number(value)}{'-' if step < 0 else '+'}{_number(abs(step))}x{run - 1}")
        position += run
    return " ".join(parts)


def sparse(values: Sequence[Sample], every: int) -> str:
    """The same for what is sent each ``every`` samples: nothing marks an end."""
    kept = [value if position % every == 0 else None for position, value in enumerate(values)]
    return " ".join("_" if value is None else _number(value) for value in kept)


def _run(values: Sequence[Sample], position: int) -> int:
    """How many samples from ``position`` on are all missing, or go up by the same step."""
    first, end = values[position], position + 1
    if first is None:
        while end < len(values) and values[end] is None:
            end += 1
        return end - position
    step = None
    while end < len(values):
        before, here = values[end - 1], values[end]
        if here is None or before is None or (step is not None and here - before != step):
            break
        step = here - before
        end += 1
    return end - position


def _number(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else repr(float(value))
