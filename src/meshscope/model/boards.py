"""Dashboards: a function that is called once, for the mesh or for any service of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from meshscope.findings import Place, here
from meshscope.model.units import Duration

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, kw_only=True)
class DashboardDefinition:
    """A dashboard before the mesh is known: ``draw`` is called once with the mesh's `Model`.

    ``body`` is set instead where the definition is finished JSON (a file, a jsonnet mixin).
    """

    name: str
    title: str
    draw: Callable[..., object] | None = None
    body: Mapping[str, Json] | None = None
    refresh: Duration | None = None
    place: Place | None = field(default_factory=here, compare=False, repr=False)


def dashboard(draw: Callable[..., object]) -> DashboardDefinition:
    """Make a dashboard of a function ``Board -> grafanalib.core.Dashboard``; its docstring's first line titles it."""
    title = inspect.cleandoc(draw.__doc__ or draw.__name__).partition("\n")[0].rstrip(".")
    code = draw.__code__
    return DashboardDefinition(
        name=draw.__name__.replace("_", "-"),
        title=title,
        draw=draw,
        place=Place(code.co_filename, code.co_firstlineno),
    )
