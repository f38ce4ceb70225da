"""Mesh providers by name: entry points ``meshscope.providers``, a stranger's like our own."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points

from meshscope.findings import Finding, Place
from meshscope.model.provider import MeshProvider

GROUP = "meshscope.providers"


def provider(name: str, place: Place | None) -> tuple[MeshProvider | None, list[Finding]]:
    """The provider called ``name``, and what is wrong: no such provider, or a plugin that can't be loaded."""
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name in points:
        return _loaded(points[name])
    close = get_close_matches(name, points, n=1)
    known = ", ".join(sorted(points))
    return None, [
        Finding(
            code="mesh/unknown-provider",
            title=f"there is no mesh provider `{name}`",
            place=place,
            argument="provider",
            why="the provider decides which metrics and labels every query reads",
            help=f'did you mean provider="{close[0]}"?' if close else f"the providers are {known}",
        )
    ]


def packages() -> tuple[tuple[str, str], ...]:
    """(name, version) of each package of strangers that brings a provider, sorted: it shapes what is built."""
    found = {(point.dist.name, point.dist.version) for point in entry_points(group=GROUP) if point.dist}
    return tuple(sorted(package for package in found if package[0] != "meshscope"))


def _loaded(point: EntryPoint) -> tuple[MeshProvider | None, list[Finding]]:
    try:
        value = point.load()
    except (Exception, SystemExit) as error:
        said = f"{type(error).__name__}: {error}"
        return None, [_broken(point, f"can't be loaded: {said}", "mend or uninstall the package that brings it")]
    if isinstance(value, MeshProvider):
        return value, []
    return None, [_broken(point, f"is a {type(value).__name__}", "let its entry point name a MeshProvider value")]


def _broken(point: EntryPoint, what: str, remedy: str) -> Finding:
    package = point.dist.name if point.dist else "a package"
    return Finding(
        code="plugin/broken",
        title=f"the provider plugin `{point.name}` of {package} {what}",
        why=f"it is named {point.value} in the group {GROUP}",
        help=remedy,
    )
