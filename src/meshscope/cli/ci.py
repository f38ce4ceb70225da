"""``meshscope ci``: build, check and test, and say on one screen what happened."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from meshscope.cli import exits, options
from meshscope.cli.build import told
from meshscope.cli.formats import FORMS
from meshscope.cli.formats.result import Result
from meshscope.cli.show import say
from meshscope.wiring.assembly import assembled
from meshscope.wiring.building import build
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
    strict: bool,
    form: str,
) -> int:
    """Build, check and test, and say on one screen what happened."""
    how = options.chosen(emit, scale)
    where = options.tree_of(folder, root, environment)
    outcome = build(root, where, environment, how, seconds=load_seconds)
    assembly = assembled(root, environment, how, seconds=load_seconds)
    report = checked(assembly, date.today())
    code = max(exits.of_findings(report.findings, strict), exits.FAILED if outcome.manifest is None else exits.CLEAN)
    if form == "text":
        click.echo(told(outcome))
    else:
        say(told(outcome))
    click.echo(FORMS[form](Result(verb="ci", report=report, root=root, code=code)), nl=False)
    return code
