"""A built bundle as a consumer reads it: its files are what the manifest says, or it is not read."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from meshscope.bundle.consumers import NAME
from meshscope.bundle.manifest import intact, read
from meshscope.feedback.catalog import Catalog, catalog
from meshscope.findings import Finding, MeshscopeError


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What the agent knows of a bundle: the catalog, and how much faster than true its windows are."""

    catalog: Catalog
    scale: Fraction


def bundle(folder: Path) -> Bundle:
    """Read the bundle in ``folder``. Raises `MeshscopeError` where there is none, or one that somebody changed."""
    manifest = read(folder)
    if manifest is None:
        raise _unusable(f"{folder} is no bundle that this program built", "there is no manifest that can be read")
    if not intact(folder, manifest):
        raise _unusable(f"the bundle in {folder} is not as it was built", "a file differs from its digest")
    try:
        text = (folder / NAME).read_bytes()
    except OSError as error:
        raise _unusable(f"{folder}/{NAME} can't be read", str(error.strerror)) from error
    return Bundle(catalog=catalog(text), scale=Fraction(manifest.recipe.time_scale))


def _unusable(title: str, why: str) -> MeshscopeError:
    return MeshscopeError(
        Finding(
            code="bundle/unusable",
            title=title,
            why=f"{why}; an agent that acts on a model that nobody built could do anything",
            help="build it anew with `meshscope build -o DIR`, and start the agent with --bundle DIR",
        )
    )
