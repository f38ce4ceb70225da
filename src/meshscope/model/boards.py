"""Dashboards: a function that is called once, for the mesh or for any service of it, and finished JSON from outside."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import isfinite
from typing import get_type_hints

from meshscope.findings import DefinitionError, Finding, Place
from meshscope.model.mesh import Mesh
from meshscope.model.panels import LEAVES
from meshscope.model.signals import AnyService, Symbolic

_LEAVES = (str, int, float, Symbolic, *LEAVES)


class About(StrEnum):
    """What a dashboard is about: the whole mesh, one service chosen by variables, or what its own author says.

    A foreign one is an object of grafanalib, brought to Grafana's current schema; a carried one stays as it is written.
    """

    MESH = "mesh"
    SERVICE = "service"
    FOREIGN = "foreign"
    CARRIED = "carried"


@dataclass(frozen=True, eq=False, repr=False)
class ChosenService(AnyService):
    """The service that a dashboard's variables choose; in a text it is the variable, which Grafana fills in."""

    # In an alert a text of the stand-in is refused; here it has one.
    def __str__(self) -> str:  # type: ignore[override]
        return "${service}"

    def __format__(self, spec: str) -> str:  # type: ignore[override]
        return format(str(self), spec)


@dataclass(frozen=True, kw_only=True)
class DashboardDefinition:
    """A dashboard. ``draw`` is called once, while definitions are loaded; what it draws is ``body``.

    ``body`` is Grafana's JSON in which queries, limits and links of `meshscope.model` stand where the build will write
    texts. A foreign or carried definition (a finished object, a file, a mixin) has a body from the start. ``folder`` is
    the folder of Grafana's in which it is shown; empty for the mesh's own.
    """

    name: str
    about: About
    description: str = ""
    draw: Callable[..., object] | None = field(default=None, compare=False, repr=False)
    body: Mapping[str, object] | None = None
    folder: str = ""
    place: Place | None = field(default=None, compare=False, repr=False)

    def drawn(self, mesh: Mesh) -> DashboardDefinition:
        """The definition with its body, without its function. Raises whatever the function raises."""
        if self.draw is None:
            return self
        made = plain(self.draw(mesh if self.about is About.MESH else ChosenService()))
        if not isinstance(made, Mapping) or "panels" not in made:
            raise _refused("dashboard/not-drawn", self.place, f"dashboard `{self.name}` returns no dashboard",
                           f"it returns {type(made).__name__}, and Grafana needs a title and panels",
                           "return grafanalib.core.Dashboard(title=..., panels=[...])")  # fmt: skip
        for path, leaf in _strangers(made, ""):
            raise _refused("dashboard/not-json", self.place, f"dashboard `{self.name}` has a {leaf} at {path}",
                           "a dashboard is JSON; besides, queries, links and limits of meshscope may stand in it",
                           "write a text, a number, a list or a dict")  # fmt: skip
        return replace(self, draw=None, body=made)


def dashboard(draw: Callable[..., object]) -> DashboardDefinition:
    '''Make a dashboard of a function ``AnyService -> Dashboard`` or ``Mesh -> Dashboard``; its docstring describes it.

    Raises `DefinitionError` for a function that asks for anything else.

    Example::

        from grafanalib.core import Dashboard, Target, TimeSeries

        @dashboard
        def failures(service: AnyService) -> Dashboard:
            """What fails."""
            panel = TimeSeries(title="Failed", targets=[Target(expr=service.failure_ratio)])
            return Dashboard(title=f"{service}: failures", panels=[panel])
    '''
    place = Place(draw.__code__.co_filename, draw.__code__.co_firstlineno)
    hints = [kind for name, kind in get_type_hints(draw).items() if name != "return"]
    kinds = {AnyService: About.SERVICE, Mesh: About.MESH}
    if len(hints) != 1 or hints[0] not in kinds:
        raise _refused("dashboard/no-stand-in", place, f"dashboard `{draw.__name__}` doesn't say what it is about",
                       "its one parameter's annotation decides whether variables choose a service or part of the mesh",
                       f"write def {draw.__name__}(service: AnyService) -> Dashboard, "
                       "or (mesh: Mesh)")  # fmt: skip
    description = inspect.cleandoc(draw.__doc__ or "")
    if not description:
        raise _refused("dashboard/no-description", place, f"dashboard `{draw.__name__}` has no description",
                       "Grafana shows it wherever dashboards are listed, so that the right one is found at night",
                       "write a docstring that says which question it answers")  # fmt: skip
    return DashboardDefinition(name=draw.__name__.replace("_", "-"), about=kinds[hints[0]],
                               description=" ".join(description.split()), draw=draw, place=place)  # fmt: skip


def plain(value: object) -> object:
    """``value`` with every object that knows its JSON (grafanalib's, ours) replaced by it, down to the leaves."""
    known = getattr(value, "to_json_data", None)
    if known is not None:
        return plain(known())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _strangers(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Where something stands that neither is JSON nor becomes it, and what it is."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strangers(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strangers(item, f"{path}[{index}]")
    elif isinstance(value, float) and not isfinite(value):
        yield path, f"number {value}"
    elif value is not None and not isinstance(value, _LEAVES):
        yield path, type(value).__name__


def _refused(code: str, place: Place | None, title: str, why: str, remedy: str) -> DefinitionError:
    return DefinitionError(Finding(code=code, title=title, place=place, why=why, help=remedy))
