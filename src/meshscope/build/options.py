"""How to build: for which surroundings, and how fast time runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from meshscope.findings import Finding, MeshscopeError
from meshscope.model.units import Duration, exact


class Emit(StrEnum):
    """What the artefacts are for: plain files, or objects of the Prometheus and OpenTelemetry operators."""

    FILES = "files"
    OPERATOR = "operator"


@dataclass(frozen=True, kw_only=True)
class Options:
    """``time_scale`` multiplies every duration (1/20 turns an hour into three minutes); names keep theirs.

    ``cluster`` is the one of several for whose Prometheus is built; ``everywhere`` is for one that evaluates rules over
    the series of all, and scrapes none of them.
    """

    emit: Emit = Emit.FILES
    time_scale: Fraction = Fraction(1)
    cluster: str = ""
    everywhere: bool = False

    def duration(self, length: Duration) -> str:
        """``length`` scaled, in Prometheus's spelling (whole milliseconds; nothing stays ``0s``)."""
        if not length.seconds:
            return "0s"
        if self.time_scale == 1:
            return str(length)
        scaled = Fraction(length.seconds) * self.time_scale
        milliseconds = max(1, round(scaled * 1000))
        return str(Duration(exact(milliseconds) / 1000))

    def scaled(self, length: Duration) -> Duration:
        """``length`` scaled, exact to a millisecond."""
        return Duration(exact(round(Fraction(length.seconds) * self.time_scale * 1000)) / 1000)


def time_scale(text: str) -> Fraction:
    """The scale that ``text`` (``1/20``, ``0.05``) says. Raises `MeshscopeError` for all but above 0 and up to 1."""
    try:
        scale = Fraction(text)
    except (ValueError, ZeroDivisionError):
        scale = Fraction(0)
    if 0 < scale <= 1:
        return scale
    raise MeshscopeError(
        Finding(
            code="build/bad-time-scale",
            title=f"`{text}` is no time scale",
            why="it multiplies each window, interval and pending time; only shorter ones are of use, in a demo",
            help="write a fraction above 0 and up to 1, for example --time-scale 1/20",
        )
    )
