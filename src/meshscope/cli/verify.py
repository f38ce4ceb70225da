"""``meshscope verify``: whether what was written is as it was written."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from meshscope.cli import exits
from meshscope.cli.show import say, shown
from meshscope.findings import counted
from meshscope.wiring.ledgers import verified


@click.group()
def command() -> None:
    """Verify that nobody changed what the agent wrote."""


@command.command()
@click.argument("state", type=click.Path(file_okay=False, path_type=Path))
@click.option("--anchors", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="The signed anchors, where they lie in a second place.")  # fmt: skip
def ledger(state: Path, anchors: Path | None) -> int:
    """Look at every record of the ledger in the folder STATE: any change, removal or reorder before its last anchor."""
    found = verified(state, anchors, lambda _: None)
    if found.findings:
        say(shown(found.findings, None, sys.stderr))
    click.echo(
        f"{counted(found.records, 'record')}, {counted(found.anchors, 'anchor')}; not protected yet: the last "
        f"{counted(found.tail, 'record')}, of {found.tail_seconds:.0f} s"
    )
    unchanged = "nobody changed what lies before the last anchor" if found.anchors else "no anchor protects any of it"
    click.echo(unchanged if found.clean else "somebody changed it")
    return exits.CLEAN if found.clean else exits.FAILED
