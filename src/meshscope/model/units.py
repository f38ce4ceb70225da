"""Exact quantities that know their unit: ``250 * ms``, ``30 * days``, ``99.9 * percent``, ``20 * per_second``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

Number: TypeAlias = int | float | Decimal

_DURATION_WORDS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def exact(number: Number) -> Decimal:
    """``number`` as the decimal that a person wrote: 99.9 stays 99.9."""
    return number if isinstance(number, Decimal) else Decimal(str(number))


@dataclass(frozen=True, order=True)
class Duration:
    """A length of time in seconds."""

    seconds: Decimal

    def __rmul__(self, number: Number) -> Duration:
        return Duration(exact(number) * self.seconds)

    def __mul__(self, number: Number) -> Duration:
        return Duration(self.seconds * exact(number))

    def __add__(self, other: Duration) -> Duration:
        return Duration(self.seconds + other.seconds)

    def __truediv__(self, other: Duration) -> Decimal:
        return self.seconds / other.seconds

    @property
    def milliseconds(self) -> Decimal:
        """The same length in milliseconds."""
        return self.seconds * 1000

    def __str__(self) -> str:
        """Prometheus's spelling in its largest whole unit: ``30d``, ``90s``, ``250ms``."""
        for size, word in _DURATION_WORDS:
            if self.seconds and self.seconds % size == 0:
                return f"{int(self.seconds // size)}{word}"
        return f"{int(self.milliseconds)}ms"


@dataclass(frozen=True, order=True)
class Ratio:
    """A share of a whole: 1 is all of it."""

    value: Decimal

    def __rmul__(self, number: Number) -> Ratio:
        return Ratio(exact(number) * self.value)

    def __str__(self) -> str:
        return f"{plain(self.value * 100)}%"


@dataclass(frozen=True, order=True)
class Rate:
    """Events a second."""

    value: Decimal

    def __rmul__(self, number: Number) -> Rate:
        return Rate(exact(number) * self.value)

    def __str__(self) -> str:
        return f"{plain(self.value)}/s"


def plain(number: Decimal) -> str:
    """``number`` without exponent or trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


ms = Duration(Decimal("0.001"))
seconds = Duration(Decimal(1))
minutes = Duration(Decimal(60))
hours = Duration(Decimal(3600))
days = Duration(Decimal(86400))
percent = Ratio(Decimal("0.01"))
per_second = Rate(Decimal(1))
per_minute = Rate(Decimal(1) / Decimal(60))
