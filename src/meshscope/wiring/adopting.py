"""Adopt the configuration of an Alertmanager that is there already: read it, merge our part, say what it does to us."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from meshscope.build.adoption import adopted, difference, own
from meshscope.build.fragment import our_part
from meshscope.build.reaching import silenced_by_theirs
from meshscope.findings import Finding, MeshscopeError, Place
from meshscope.wiring.assembly import Assembly

MOST_BYTES = 4 << 20


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """What a configuration becomes, how it differs from what it was, and what is wrong with it."""

    text: str
    diff: str
    findings: tuple[Finding, ...]


def adoption(assembly: Assembly, path: Path, name: str) -> Adoption:
    """The configuration at ``path``, called ``name``, with our part merged in. Nothing is written.

    Raises `MeshscopeError` where it can't be read or merged, or where nothing is built.
    """
    model, built = assembly.house.model, assembly.built
    if model is None or built is None:
        raise MeshscopeError(Finding(code="alertmanager/nothing-built", title="nothing is built from these definitions",
                                     why="what would be merged is made from them", help="meshscope check"))  # fmt: skip
    before = _read(path, name)
    mesh = model.mesh
    whose = f"{mesh.name} {mesh.environment}"
    after = adopted(before, our_part(model, assembly.options), whose, name)
    found = silenced_by_theirs(own(before, whose, name), built.artefacts.rules, mesh, name)
    return Adoption(text=after, diff=difference(before, after, name), findings=tuple(found))


def given(assembly: Assembly) -> tuple[str, tuple[Finding, ...]]:
    """The configuration that the mesh names, merged, and what is wrong with it; both empty where it names none."""
    model = assembly.house.model
    name = model.mesh.alertmanager_config if model is not None and assembly.built is not None else ""
    if not name:
        return "", ()
    try:
        found = adoption(assembly, assembly.house.root / name, name)
    except MeshscopeError as error:
        return "", (error.finding,)
    return found.text, found.findings


def _read(path: Path, name: str) -> str:
    try:
        content = path.read_bytes()
        if len(content) > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES >> 20} MiB")
        return content.decode()
    except (OSError, ValueError) as error:
        raise MeshscopeError(
            Finding(
                code="alertmanager/unreadable",
                title=f"{name} can't be read",
                place=Place(name, 1),
                why=str(error),
                help="name the alertmanager.yaml of the one that runs",
            )
        ) from error
