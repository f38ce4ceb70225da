"""``meshscope demo``: show the whole story on this machine."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path

import click

from meshscope.cli import exits
from meshscope.cli.show import coloured, say, shown
from meshscope.demo.page import WIDTH, Page
from meshscope.demo.reference import found
from meshscope.demo.show import LIVE_SECONDS, Wanted, show


@click.command()
@click.option(
    "--house",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    metavar="DIR",
    help="The folder of mesh.py (the current one; where it has none, the reference mesh).",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=40),
    default=LIVE_SECONDS,
    show_default=True,
    metavar="N",
    help="About how long the live part takes: fewer, and time runs faster.",
)
@click.option("--no-live", is_flag=True, help="Build and check, and start no program.")
def command(root: Path | None, seconds: float, no_live: bool) -> int:
    """Show the whole story on this machine: build a mesh, run it, break it, see what the agent does and who is told.

    The live part needs Prometheus, Alertmanager and an OpenTelemetry Collector, on PATH or built by `make engines`;
    without them alerts come from a recording. On a terminal it stays up afterwards, for you to break it by keys.
    Everything listens on this machine alone and ends with the command.
    """
    # Whoever ends us politely gets everything ended that we started.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 0)).columns)
    page = Page(write=_write, colour=coloured(sys.stdout), width=width)
    house = root or found()
    try:
        outcome = show(Wanted(house=house, seconds=seconds, live=not no_live), page)
    except KeyboardInterrupt:
        say("\ninterrupted; every process that was started is ended, no file is left\n")
        return exits.INTERRUPTED
    if outcome.errors:
        say(shown(outcome.errors, house, sys.stderr))
    return exits.CLEAN if outcome.well else exits.FAILED


def _write(line: str) -> None:
    click.echo(line.rstrip())
