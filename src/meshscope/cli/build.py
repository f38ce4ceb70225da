"""``meshscope build``: write the artefacts of the mesh."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from meshscope.cli import exits, options
from meshscope.cli.show import say, shown
from meshscope.wiring.building import Outcome, build


@click.command()
@options.tree
@options.house
@options.how
@options.strict
def command(
    folder: Path | None,
    root: Path,
    environment: str | None,
    load_seconds: float,
    emit: str,
    scale: str,
    cluster: str,
    everywhere: bool,
    strict: bool,
) -> int:
    """Write the artefacts of the mesh as a tree with a manifest.

    The tree is exchanged as a whole or left as it was. When nothing changed, nothing is read or written.
    """
    how = options.chosen(emit, scale, cluster, everywhere)
    where = options.tree_of(folder, root, environment, how)
    outcome = build(root, where, environment, how, seconds=load_seconds)
    say(shown(outcome.findings, root, sys.stderr))
    click.echo(result(outcome), nl=False)
    return exits.FAILED if outcome.manifest is None else exits.of_findings(outcome.findings, strict)


def result(outcome: Outcome, *, full: bool = True) -> str:
    """The result of a build in a few lines; without the detection times unless ``full``."""
    manifest = outcome.manifest
    if manifest is None:
        kept = "; the tree that is there is as it was" if outcome.folder.exists() else ""
        return f"nothing is built{kept}\n"
    size = sum(entry.size for entry in manifest.files)
    if outcome.changed:
        wrote = f"wrote {len(manifest.files) + 1} files, {_size(size)}, to {outcome.folder}"
    else:
        wrote = f"nothing changed since {outcome.folder} was built: {len(manifest.files) + 1} files, {_size(size)}"
    lines = [*(manifest.told if full else manifest.told[:2]), wrote]
    if outcome.edited:
        lines.append(f"written anew, though changed by hand: {', '.join(outcome.edited)}")
    return "".join(f"{line}\n" for line in lines)


def _size(size: int) -> str:
    return f"{size / 1024:.0f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MiB"
