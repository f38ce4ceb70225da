"""From a folder of definitions to everything that is built from it, with all that is wrong on the way."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from meshscope.build.assemble import Built, assemble
from meshscope.build.options import Options
from meshscope.findings import Finding, Level, worst
from meshscope.model.provider import MeshProvider
from meshscope.wiring.load import LOAD_SECONDS, House, load
from meshscope.wiring.providers import GROUP, provider


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """A loaded house and what was built from it; ``provider`` and ``built`` are None where errors prevent them."""

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
        house=house,
        provider=chosen,
        built=built,
        findings=tuple(finding.located(house.root) for finding in findings),
    )


def providers() -> dict[str, MeshProvider]:
    """Every mesh provider that can be loaded, by name."""
    loaded = {point.name: provider(point.name, None)[0] for point in entry_points(group=GROUP)}
    return {name: value for name, value in sorted(loaded.items()) if value is not None}
