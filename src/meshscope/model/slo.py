"""What users were promised: an indicator, an objective, and the period in which it must hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import TypeAlias

from meshscope.findings import DefinitionError, Finding, Place, here
from meshscope.model.people import dns_label
from meshscope.model.units import Duration, Number, Ratio, days, exact, hours

PERIODS = (7, 14, 28, 30, 90)
BURN_WINDOWS = (1 * hours, 6 * hours, 1 * days, 3 * days)


class Side(StrEnum):
    """From where requests are counted: at the caller, who sees a dead server fail, or at the service itself.

    Example::

        SLO(name="availability", of=Availability(), objective=99 * percent, over=7 * days, side=Side.SERVER)
    """

    CLIENT = "client"
    """At the caller, who also sees a server that is dead or hung."""
    SERVER = "server"
    """At the service itself, which sees callers outside the mesh too."""


@dataclass(frozen=True)
class Availability:
    """The share of requests that did not fail (5xx, no answer or a torn one, or a gRPC status that says so).

    Answers 4xx never count: they are their sender's fault, a request that the mesh itself denies among them.

    Example::

        SLO(name="availability", of=Availability(), objective=99.9 * percent, over=30 * days)
    """


@dataclass(frozen=True, kw_only=True)
class Latency:
    """The share of requests answered within ``under``, which must be a bucket boundary of the mesh provider.

    Example::

        SLO(name="latency", of=Latency(under=250 * ms), objective=99 * percent, over=28 * days)
    """

    under: Duration
    """How fast a good answer is; one of the bucket boundaries of the mesh provider."""


Indicator: TypeAlias = Availability | Latency


@dataclass(frozen=True, kw_only=True)
class SLO:
    """A promise: the share ``objective`` of the requests is good over the period ``over`` (7, 14, 28, 30 or 90 days).

    ``side`` None means the client's side where the mesh has a caller of the service, else the server's.
    ``burn_rates`` are how many times too fast the error budget must go over 1 hour and 6 hours for a page, over 1 day
    and 3 days for a ticket; where not said 14.4, 6, 3 and 1, for 7 days 13.4, 3.5, 1.4 and 1.
    Raises `DefinitionError` for an objective that leaves no budget or promises nothing, for another period, and for
    burn rates that are not four, grow with the window, or are below 1.

    Example::

        SLO(name="availability", of=Availability(), objective=99.9 * percent, over=30 * days)
    """

    name: str
    """What tells the service's SLOs apart: lower case letters, digits, dashes."""
    of: Indicator
    """What is counted: `Availability()` or `Latency(under=...)`."""
    objective: Ratio
    """The share of requests that must be good; above 0 and below 100%."""
    over: Duration
    """The period in which it must hold: 7, 14, 28, 30 or 90 days."""
    side: Side | None = None
    """From where requests are counted; not given, at the client's where the mesh has a caller."""
    burn_rates: tuple[Number, ...] = ()
    """How many times too fast the budget must go over 1 h and 6 h (pages), 1 d and 3 d (tickets); not given, those of
    the period."""
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
        object.__setattr__(self, "burn_rates", _burn_rates(self.burn_rates, self.name, self.place))

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


def _burn_rates(given: tuple[Number, ...], name: str, place: Place | None) -> tuple[Decimal, ...]:
    """``given`` exact; none, or one for each window. Raises `DefinitionError` for those that would mislead."""
    rates = tuple(exact(rate) for rate in given)
    if not rates:
        return ()
    falling = all(before >= after for before, after in pairwise(rates))
    if len(rates) == len(BURN_WINDOWS) and all(rate.is_finite() for rate in rates) and falling and rates[-1] >= 1:
        return rates
    raise DefinitionError(
        Finding(
            code="slo/bad-burn-rates",
            title=f"the burn rates of SLO `{name}` are {', '.join(str(rate) for rate in rates)}",
            place=place,
            argument="burn_rates",
            why="there is one for each of the windows of 1 hour, 6 hours, 1 day and 3 days; one that grows with its "
            "window would never be the first to tell, and one below 1 alerts for ever while the promise is kept",
            help="write four numbers that don't grow, none below 1, for example (14.4, 6, 3, 1)",
        )
    )
