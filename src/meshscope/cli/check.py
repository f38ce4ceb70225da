"""``meshscope check``: judge the definitions and their artefacts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from meshscope.cli import exits, options
from meshscope.cli.formats import FORMS
from meshscope.cli.formats.result import Result
from meshscope.cli.progress import working
from meshscope.wiring.assembly import assembled
from meshscope.wiring.checking import checked


@click.command()
@options.house
@options.how
@options.strict
@options.output_format
def command(
    root: Path, environment: str | None, load_seconds: float, emit: str, scale: str, strict: bool, form: str
) -> int:
    """Judge the definitions and their artefacts: our own rules, and the real programs where they are.

    promtool checks the rules and runs their unit tests, amtool checks the routes, otelcol the collector tiers. The last
    line says who did not judge.
    """
    how = options.chosen(emit, scale)
    with working("reading the definitions") as tell:
        assembly = assembled(root, environment, how, seconds=load_seconds)
        report = checked(assembly, date.today(), tell)
    code = exits.of_findings(report.findings, strict)
    click.echo(FORMS[form](Result(verb="check", report=report, root=root, code=code)), nl=False)
    return code
