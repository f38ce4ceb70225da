"""Build a house into a tree: not at all where nothing changed, else whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import meshscope
from meshscope.build.assemble import Built
from meshscope.build.detection import told
from meshscope.build.options import Options
from meshscope.bundle.consumers import model_file
from meshscope.bundle.manifest import Manifest, Recipe, intact, manifest_of, read, rendered
from meshscope.bundle.tally import tally
from meshscope.bundle.write import write
from meshscope.findings import Finding, Level, counted, worst
from meshscope.wiring.assembly import Assembly, assembled
from meshscope.wiring.checking import ruled
from meshscope.wiring.importing import sources
from meshscope.wiring.load import LOAD_SECONDS
from meshscope.wiring.providers import packages
from meshscope.wiring.rules import rules

# Those whose own output becomes part of ours.
_LIBRARIES = ("grafanalib", "jsonnet", "promql-parser")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a build came to. ``manifest`` is None where errors prevent a tree; the old one is then as it was.

    ``changed`` is False where the tree was up to date; ``edited`` are files that somebody changed by hand since they
    were written, and that were written anew.
    """

    folder: Path
    findings: tuple[Finding, ...]
    manifest: Manifest | None = None
    changed: bool = True
    edited: tuple[str, ...] = ()


def build(
    root: Path,
    folder: Path,
    environment: str | None,
    options: Options,
    *,
    seconds: float = LOAD_SECONDS,
    today: date | None = None,
) -> Outcome:
    """Bring the tree in ``folder`` up to date with the definitions below ``root``.

    ``today`` decides which comments still allow an error. Raises `MeshscopeError` where there is no house, or
    ``folder`` can't be written.
    """
    day = today or date.today()
    before = read(folder)
    if before is not None and _current(before, root, folder, environment, options, day):
        return Outcome(folder=folder, findings=before.findings, manifest=before, changed=False)
    return built(assembled(root, environment, options, seconds=seconds), folder, environment, day)


def built(assembly: Assembly, folder: Path, environment: str | None, today: date) -> Outcome:
    """Write what was assembled to ``folder``, unless an error says that it is not right.

    Errors are those of the definitions and of our own rules; only what real programs say is left to a check.
    """
    own, _ = rules()
    ruling = ruled(assembly, own, assembly.findings, today)
    said = [finding for finding in ruling.kept if finding.level is Level.ERROR or finding in assembly.findings]
    said += _undecided(assembly)
    findings = tuple(finding.located(assembly.house.root) for finding in said)
    if assembly.built is None or worst(findings) == Level.ERROR:
        return Outcome(folder=folder, findings=findings)
    before = read(folder)
    edited = _edited(before, folder) if before is not None else ()
    manifest = _written(assembly, assembly.built, folder, environment, findings, ruling.until)
    return Outcome(folder=folder, findings=findings, manifest=manifest, edited=edited)


def _undecided(assembly: Assembly) -> Iterable[Finding]:
    model, options = assembly.house.model, assembly.options
    if model is None or not model.mesh.clusters or options.everywhere or options.cluster:
        return
    clusters = model.mesh.clusters
    yield Finding(
        code="mesh/which-cluster",
        title=f"mesh `{model.mesh.name}` has {counted(len(clusters), 'cluster')}, and one tree is for one Prometheus",
        place=model.mesh.place,
        argument="clusters",
        why="a cluster's own Prometheus scrapes that cluster and sets its name as a label; one over all of them "
        "(Thanos, Mimir) finds the label on the series and scrapes nothing",
        help=f"build --cluster {clusters[0]} and so on for each, or build --global for one over all",
    )


def _current(
    before: Manifest, root: Path, folder: Path, environment: str | None, options: Options, today: date
) -> bool:
    """Whether building again would write the same: asked of digests, without reading a definition."""
    recipe = before.recipe
    if replace(recipe, inputs=()) != _recipe(environment, options):
        return False
    if before.allowed_until is not None and before.allowed_until < today:
        return False
    known = dict(recipe.inputs)
    if any(path not in known for path in sources(root)):
        return False
    return all(_digest(root / path) == digest for path, digest in recipe.inputs) and intact(folder, before)


def _edited(before: Manifest, folder: Path) -> tuple[str, ...]:
    return tuple(entry.path for entry in before.files if _digest(folder / entry.path) not in ("", entry.sha256))


def _written(
    assembly: Assembly,
    made: Built,
    folder: Path,
    environment: str | None,
    findings: tuple[Finding, ...],
    until: date | None,
) -> Manifest:
    house = assembly.house
    model, provider = house.model, assembly.provider
    assert model is not None  # noqa: S101 - what is built has a model and a provider
    assert provider is not None  # noqa: S101
    inputs = {path: _digest(house.root / path) for path in sources(house.root)} | dict(house.inputs)
    files = [*made.files, model_file(model, provider, made.artefacts, made.detections)]
    manifest = manifest_of(
        model.mesh.name,
        replace(_recipe(environment, assembly.options), inputs=tuple(sorted(inputs.items()))),
        files,
        findings,
        (*tally(model, made.artefacts), *told(made.detections)),
        until,
    )
    write(folder, [*files, rendered(manifest)])
    return manifest


def _recipe(environment: str | None, options: Options) -> Recipe:
    return Recipe(
        meshscope=version("meshscope"),
        code=_code(),
        libraries=(*((name, _version(name)) for name in _LIBRARIES), *packages()),
        environment=environment or "",
        emit=options.emit.value,
        time_scale=str(options.time_scale),
        cluster="*" if options.everywhere else options.cluster,
        inputs=(),
    )


@cache
def _code() -> str:
    """A digest of our own code and data: a developer changes them without a new version."""
    digest = hashlib.sha256()
    home = Path(meshscope.__file__).parent
    for path in sorted(path for path in home.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(home).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""
