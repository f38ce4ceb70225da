"""What users were promised: an indicator, an objective, and the period in which it must hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from meshscope.findings import DefinitionError, Finding, Place, here
from meshscope.model.people import dns_label
from meshscope.model.units import Duration, Ratio, days

PERIODS = (7, 14, 28, 30, 90)


class Side(StrEnum):
    """From where requests are counted: at the caller, who sees a dead server fail, or at the service itself."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True)
class Availability:
    """The share of requests that did not fail (5xx, no answer, or a gRPC status that says so)."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """The share of requests answered within ``under``, which must be a bucket boundary of the mesh provider."""

    under: Duration


Indicator: TypeAlias = Availability | Latency


@dataclass(frozen=True, kw_only=True)
class SLO:
    """A promise: the share ``objective`` of the requests is good over the period ``over`` (7, 14, 28, 30 or 90 days).

    ``side`` None means the client's side where the mesh has a caller of the service, else the server's.
    Raises `DefinitionError` for an objective that leaves no budget or promises nothing, and for another period.
    """

    name: str
    of: Indicator
    objective: Ratio
    over: Duration
    side: Side | None = None
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        dns_label(self.name, "SLO", "name", self.place)
        check_objective(self.objective, self.name, self.over, self.place)
        if self.over not in [count * days for count in PERIODS]:
            raise DefinitionError(
                Finding(
                    code="slo/unknown-period",
                    title=f"the period of SLO `{self.name}` is {self.over}",
                    place=self.place,
                    argument="over",
                    why="burn-rate windows and budgets are laid out for 7, 14, 28, 30 and 90 days",
                    help="write one of them, for example 30 * days",
                )
            )

    @property
    def budget(self) -> Decimal:
        """The share of requests that may be bad, between 0 and 1."""
        return 1 - self.objective.value


def check_objective(
    objective: Ratio, name: str, over: Duration, place: Place | None, argument: str = "objective"
) -> None:
    """Refuse an objective of 100% or more, and one of nothing."""
    if objective.value >= 1:
        raise DefinitionError(
            Finding(
                code="slo/no-budget",
                title=f"the objective of SLO `{name}` leaves no error budget",
                place=place,
                argument=argument,
                why=f"{objective} means not one bad event in {over}; "
                "every burn-rate alert divides by the budget, which is zero",
                help="write an objective below 100%, for example 99.9 * percent",
            )
        )
    if objective.value <= 0:
        raise DefinitionError(
            Finding(
                code="slo/no-promise",
                title=f"the objective of SLO `{name}` promises nothing",
                place=place,
                argument=argument,
                why=f"{objective} is kept even when every request fails",
                help="write a share that users would notice, for example 99.9 * percent",
            )
        )
