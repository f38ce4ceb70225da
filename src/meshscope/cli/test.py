"""``meshscope test``: run the generated unit tests of the rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from meshscope.check.report import Report
from meshscope.cli import exits, options
from meshscope.cli.formats import FORMS
from meshscope.cli.formats.result import Result
from meshscope.cli.progress import working
from meshscope.findings import Finding
from meshscope.wiring.assembly import assembled
from meshscope.wiring.checking import tested


@click.command()
@options.house
@options.how
@options.output_format
def command(
    root: Path,
    environment: str | None,
    load_seconds: float,
    emit: str,
    scale: str,
    cluster: str,
    everywhere: bool,
    form: str,
) -> int:
    """Run the generated unit tests of the rules in promtool."""
    how = options.chosen(emit, scale, cluster, everywhere)
    with working("reading the definitions") as tell:
        report = with_absence(tested(assembled(root, environment, how, seconds=load_seconds), tell))
    code = exits.of_findings(report.findings, strict=False)
    click.echo(FORMS[form](Result(verb="test", report=report, root=root, code=code)), nl=False)
    return code


def with_absence(report: Report) -> Report:
    """The report, in which tests that could not run are an error: they are what was asked for."""
    missing = tuple(
        Finding(
            code="engine/absent",
            title=f"the unit tests are not run: {one.name}: {one.why}",
            why="they run in Prometheus's own tool, on its own evaluation",
            help=f"put {one.name} on PATH; it comes with Prometheus",
            subject=one.name,
        )
        for one in report.absent
    )
    return replace(report, findings=(*report.findings, *missing))
