"""What is known of a part of an expression, and what can be noticed of one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from meshscope.check.promql.labels import NONE, Labels
from meshscope.check.promql.values import ANY, Values


class Kind(StrEnum):
    """What can be noticed."""

    IMPOSSIBLE = "a comparison that no value satisfies"
    IMPOSSIBLE_JOIN = "two sides that have no label in common"
    UNEVEN_JOIN = "two sides of which one has labels that the other can't have"
    MANY_TO_MANY = "two sides of which neither is unique"
    GAUGE_RATE = "a rate of a gauge"
    RATE_OF_RATE = "a rate of a rate"
    RAW_COUNTER = "a counter's value since its process began"
    COUNTER_MOVES = "how a counter moves, resets included"
    NO_LE = "a quantile of buckets without le"
    RAW_QUANTILE = "a quantile of buckets since their process began"


@dataclass(frozen=True)
class Problem:
    """One thing that was noticed: ``of`` is the part of the expression, ``why`` the fact that decides."""

    kind: Kind
    of: str
    why: str = ""
    certain: bool = True


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What is known of a part's series.

    ``is_scalar``: one number. ``filtered``: there may be none although what it reads is there. ``always``: there is one
    whatever happens. ``unique``: aggregated, so that its labels tell its series apart. ``chosen``: which series it has
    changes with their values. ``counter``: values of this counter as it stands.
    """

    labels: Labels = NONE
    values: Values = ANY
    is_scalar: bool = False
    filtered: bool = False
    always: bool = False
    unique: bool = False
    chosen: bool = False
    counter: str = ""


@dataclass(frozen=True, kw_only=True)
class Range:
    """A range of samples that a function needs two of, in seconds."""

    function: str
    metric: str
    seconds: float
