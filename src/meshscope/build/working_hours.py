"""Owners' hours as time intervals of Alertmanager, and when a route tells.

One interval serves both ways: a route active within it, and one muted within it, leave no minute out and share none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from meshscope.model.model import Model
from meshscope.model.people import Owner

# The settings of a route that say when it tells.
When: TypeAlias = Mapping[str, Sequence[str]]
ALWAYS: When = {}


def time_intervals(model: Model) -> list[dict[str, object]]:
    """The hours of each owner that has some, as Alertmanager reads them.

    Days stand one by one: a range can't begin before Sunday and end after it (timeinterval/timeinterval.go of 0.34).
    """
    return [
        {
            "name": _interval(owner),
            "time_intervals": [
                {
                    "times": [{"start_time": owner.hours.start, "end_time": owner.hours.end}],
                    "weekdays": list(owner.hours.weekdays),
                    "location": owner.hours.zone,
                }
            ],
        }
        for owner in model.owners
        if owner.hours
    ]


def within(owner: Owner) -> When:
    """A route that tells in ``owner``'s hours alone."""
    return {"active_time_intervals": [_interval(owner)]}


def outside(owner: Owner) -> When:
    """A route that tells at any time but in ``owner``'s hours."""
    return {"mute_time_intervals": [_interval(owner)]}


def _interval(owner: Owner) -> str:
    return f"{owner.name}-hours"
