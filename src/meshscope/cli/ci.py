"""``meshscope ci``: build, check and test, and say on one screen what happened."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from meshscope.cli import exits, options
from meshscope.cli.build import result
from meshscope.cli.formats import FORMS
from meshscope.cli.formats.result import Result
from meshscope.cli.progress import working
from meshscope.cli.show import say
from meshscope.wiring.assembly import assembled
from meshscope.wiring.building import built
from meshscope.wiring.checking import checked


@click.command()
@options.tree
@options.house
@options.how
@options.strict
@options.output_format
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
    form: str,
) -> int:
    """Build, check and test, and say on one screen what happened.

    The definitions are read once; what was built is what is checked and tested.
    """
    how = options.chosen(emit, scale, cluster, everywhere)
    with working("reading the definitions") as tell:
        assembly = assembled(root, environment, how, seconds=load_seconds)
        today = date.today()
        outcome = built(assembly, options.tree_of(folder, root, environment, how), environment, today)
        report = checked(assembly, today, tell)
    code = exits.FAILED if outcome.manifest is None else exits.of_findings(report.findings, strict)
    ended = Result(verb="ci", report=report, root=root, code=code)
    text = result(outcome, full=False) + "\n" + FORMS["text"](ended)
    # For a person all of it is the result; a program gets what it can read, and the log gets the rest.
    if form == "text":
        click.echo(text, nl=False)
    else:
        say(text)
        click.echo(FORMS[form](ended), nl=False)
    return code
