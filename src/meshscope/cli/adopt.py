"""``meshscope adopt``: merge our routes into the configuration of an Alertmanager that is there already."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from meshscope.cli import exits, options
from meshscope.cli.show import say, shown
from meshscope.wiring.adopting import adoption
from meshscope.wiring.assembly import assembled


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="ALERTMANAGER.YAML")
@options.house
@options.how
@options.strict
def command(
    file: Path,
    root: Path,
    environment: str | None,
    load_seconds: float,
    emit: str,
    scale: str,
    cluster: str,
    everywhere: bool,
    strict: bool,
) -> int:
    """Print how an Alertmanager's own configuration differs with our routes, receivers and inhibit rules in it.

    The file is not written: apply the difference with `patch FILE`. Comments and order stay, and alerts that are not of
    this mesh are told as before. What in the file would silence alerts of this mesh is said.
    """
    assembly = assembled(root, environment, options.chosen(emit, scale, cluster, everywhere), seconds=load_seconds)
    if assembly.built is None:
        say(shown(assembly.findings, root, sys.stderr))
        return exits.FAILED
    found = adoption(assembly, file, file.as_posix())
    say(shown(found.findings, None, sys.stderr))
    click.echo(found.diff, nl=False)
    return exits.of_findings(found.findings, strict)
