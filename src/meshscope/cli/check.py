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
from meshscope.wiring.checking import Against, checked


@click.command()
@options.house
@options.how
@options.strict
@options.output_format
@click.option("--against", "url", metavar="URL", help="A live Prometheus, asked for what only it knows.")
@options.asking
def command(
    root: Path,
    environment: str | None,
    load_seconds: float,
    emit: str,
    scale: str,
    cluster: str,
    everywhere: bool,
    strict: bool,
    form: str,
    url: str | None,
    http_config: Path | None,
    ask_seconds: float,
) -> int:
    """Judge the definitions and their artefacts: our own rules, and the real programs where they are.

    promtool checks the rules and runs their unit tests, amtool checks the routes, otelcol the collector tiers. The last
    line says who did not judge. With --against a live Prometheus says which series and labels exist, whether bounds are
    buckets, and which rules it runs twice.
    """
    against = Against(url=url, http_config=http_config, seconds=ask_seconds) if url is not None else None
    how = options.chosen(emit, scale, cluster, everywhere)
    with working("reading the definitions") as tell:
        assembly = assembled(root, environment, how, seconds=load_seconds)
        report = checked(assembly, date.today(), tell, against=against)
    code = exits.of_findings(report.findings, strict)
    click.echo(FORMS[form](Result(verb="check", report=report, root=root, code=code)), nl=False)
    return code
