"""From a folder of definitions to everything that is built from it, with all that is wrong on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from meshscope.artefacts.objects import KubernetesObject
from meshscope.build.assemble import Built, assemble
from meshscope.build.operator import operator_objects
from meshscope.build.options import Emit, Options
from meshscope.findings import Finding, Level, worst
from meshscope.model.one_cluster import in_cluster
from meshscope.model.provider import MeshProvider
from meshscope.wiring.load import LOAD_SECONDS, House, load
from meshscope.wiring.providers import GROUP, provider


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """A loaded house and what was built from it; ``provider`` and ``built`` are None where errors prevent them."""

    options: Options
    house: House
    provider: MeshProvider | None
    built: Built | None
    findings: tuple[Finding, ...]


def assembled(root: Path, environment: str | None, options: Options, *, seconds: float = LOAD_SECONDS) -> Assembly:
    """Load the definitions below ``root`` and build them, unless an error says that the model is not whole.

    Raises `MeshscopeError` where there is no house.
    """
    house = load(root, environment, seconds=seconds)
    findings = list(house.findings)
    if house.model is not None and options.cluster:
        part, wrong = in_cluster(house.model, options.cluster)
        house = replace(house, model=part)
        findings += wrong
    chosen: MeshProvider | None = None
    if house.model is not None:
        mesh = house.model.mesh
        chosen, wrong = provider(mesh.provider, mesh.place)
        findings += wrong
    built: Built | None = None
    if house.model is not None and chosen is not None and worst(findings) != Level.ERROR:
        built = assemble(house.model, chosen, options)
        findings += built.findings
    return Assembly(
        options=options,
        house=house,
        provider=chosen,
        built=built,
        findings=tuple(findings),
    )


def plain(assembly: Assembly) -> Built | None:
    """The same as plain files, whatever it was built for; None where nothing is built."""
    if assembly.built is None or assembly.house.model is None or assembly.provider is None:
        return None
    if assembly.options.emit is Emit.FILES:
        return assembly.built
    return assemble(assembly.house.model, assembly.provider, replace(assembly.options, emit=Emit.FILES))


def objects(assembly: Assembly) -> tuple[KubernetesObject, ...]:
    """The objects of operators that were built; none where plain files were."""
    model, provider, built = assembly.house.model, assembly.provider, assembly.built
    if model is None or provider is None or built is None or assembly.options.emit is not Emit.OPERATOR:
        return ()
    return operator_objects(model, provider, built.artefacts, assembly.options)


def providers() -> dict[str, MeshProvider]:
    """Every mesh provider that can be loaded, by name."""
    return {name: value for name, (value, _) in sorted(_loaded().items()) if value is not None}


def broken_providers(used: str) -> list[Finding]:
    """The provider plugins that can't be loaded, but for the one that is ``used``, which is an error elsewhere."""
    wrong = [finding for name, (_, findings) in sorted(_loaded().items()) if name != used for finding in findings]
    return [replace(finding, level=Level.WARNING) for finding in wrong]


@cache
def _loaded() -> dict[str, tuple[MeshProvider | None, list[Finding]]]:
    return {point.name: provider(point.name, None) for point in entry_points(group=GROUP)}
