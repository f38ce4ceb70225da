"""``meshscope ledger``: copies of what the agent wrote."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from meshscope.cli import exits
from meshscope.wiring.ledgers import backed_up, rebuilt, restored

_STATE = click.argument("state", type=click.Path(file_okay=False, path_type=Path))


@click.group()
def command() -> None:
    """Back up, restore or rebuild the agent's ledger."""


@command.command()
@_STATE
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def backup(state: Path, target: Path) -> int:
    """Copy the ledger in STATE to the new file TARGET, while an agent runs."""
    made = backed_up(state, target)
    click.echo(f"{made.path}: {made.head.number:,} records, {made.size / 1024:,.0f} KiB")
    return exits.CLEAN


@command.command()
@click.argument("source", type=click.Path(dir_okay=False, path_type=Path))
@_STATE
@click.option("--anchors", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="The signed anchors, where they lie in a second place.")  # fmt: skip
def restore(source: Path, state: Path, anchors: Path | None) -> int:
    """Put the backup SOURCE in the place of the ledger in STATE; until a person clears it, the agent observes only."""
    made = restored(source, state, anchors, getpass.getuser())
    lost = f"; {made.lost:,} records after it are lost" if made.lost else ""
    click.echo(
        f"{made.base:,} records restored{lost}; the agent observes only, until an admin clears it on the console"
    )
    return exits.CLEAN


@command.command()
@_STATE
def rebuild(state: Path) -> int:
    """Make the derived table of the ledger in STATE anew, from its records."""
    click.echo(f"{rebuilt(state):,} rows were wrong")
    return exits.CLEAN
