"""What stories about the platform are told with: counters and gauges that run for half an hour."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from meshscope.build.proofs.series import Phase, Series, series, steady
from meshscope.build.proofs.synthetic import Bench

STEPS = 60
# What happens, the series that say so, the labels that the alert gets from them, and its value as its text says it.
Firing: TypeAlias = Sequence[tuple[str, list[Series], dict[str, str], str]]
Quiet: TypeAlias = Sequence[tuple[str, list[Series]]]
Over: TypeAlias = Sequence[tuple[str, list[Series], dict[str, str]]]


@dataclass(frozen=True, kw_only=True)
class Stories:
    """When one alert fires, when it is quiet all along, and what it fires for only so long."""

    firing: Firing
    quiet: Quiet
    over: Over = ()


Teller: TypeAlias = Callable[[Bench], Stories]
Tellers: TypeAlias = Mapping[str, Teller]


def counter(name: str, increment: int, **labels: str) -> Series:
    """A counter that grows steadily."""
    return series(name, labels, steady(increment, STEPS))


def gauge(name: str, value: str, **labels: str) -> Series:
    """A gauge that stands still."""
    return {**series(name, labels, (Phase(Decimal(0), STEPS),)), "values": f"{value}x{STEPS}"}
