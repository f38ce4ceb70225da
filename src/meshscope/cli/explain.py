"""``meshscope explain``: what a finding's code or a word means, what an alert asks, what is known of a service."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import click

from meshscope.artefacts.rules import Rule as PrometheusRule
from meshscope.build.options import Options
from meshscope.build.rules.annotations import CHOSEN
from meshscope.check.pages import catalogue, entry, index, page, summary
from meshscope.check.subject import Rule
from meshscope.cli import exits, options
from meshscope.cli.provider_page import provider_page
from meshscope.cli.words import markdown
from meshscope.cli.words import pages as word_pages
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.alerting import Alert
from meshscope.model.model import Model
from meshscope.model.services import Service
from meshscope.model.slo import Latency
from meshscope.wiring.assembly import Assembly, assembled, providers
from meshscope.wiring.rules import rules
from meshscope.wiring.words import words


@click.command()
@click.argument("what", required=False)
@options.house
@click.option("--pages", type=click.Path(file_okay=False, path_type=Path), hidden=True)
@click.option("--reference", type=click.Path(file_okay=False, path_type=Path), hidden=True)
def command(
    what: str | None,
    root: Path,
    environment: str | None,
    load_seconds: float,
    pages: Path | None,
    reference: Path | None,
) -> int:
    """Explain WHAT: a finding's code, a word of definitions, an alert, or a service. Without it, list the codes."""
    own, _ = rules()
    known = {word.name: word for word in words()}
    if pages is not None or reference is not None:
        if pages is not None:
            _write(pages, own)
        if reference is not None:
            signals = {"providers.md": provider_page(providers().values())}
            _put(reference, {**word_pages(tuple(known.values())), **signals})
    elif what is None:
        width = max(len(rule.code) for rule in own)
        click.echo("".join(f"{rule.code:{width}}  {summary(rule)}\n" for rule in own), nl=False)
    elif any(rule.code == what for rule in own):
        click.echo(next(page(rule) for rule in own if rule.code == what), nl=False)
    elif what in known:
        click.echo(markdown(known[what]), nl=False)
    elif (found := entry(what)) is not None:
        why = found.why.strip("…") and found.why
        click.echo(f"{what}: {found.title}\n  why:  {why or 'each finding says it'}\n  help: {found.help}")
    else:
        click.echo("\n".join(_defined(what, own, assembled(root, environment, Options(), seconds=load_seconds))))
    return exits.CLEAN


def _write(folder: Path, own: Sequence[Rule]) -> None:
    _put(folder, {f"{rule.code}.md": page(rule) for rule in own} | {"README.md": index(own)})


def _put(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _defined(what: str, own: Sequence[Rule], assembly: Assembly) -> Iterator[str]:
    model = assembly.house.model
    if model is None:
        raise MeshscopeError(assembly.findings[0])
    alert = next((alert for alert in model.alerts if what in (alert.name, alert.camel)), None)
    raised = [
        rule
        for file in (assembly.built.artefacts.rules if assembly.built else ())
        for group in file.groups
        for rule in group.rules
        if rule.alert == (alert.camel if alert else what)
    ]
    services = [service for service in model.services if what in _names(service)]
    if alert is not None or raised:
        yield from _alert(alert, raised)
    elif services:
        for service in services:
            yield from _service(service, model)
    else:
        raise MeshscopeError(_unknown(what, own, model))


def _names(service: Service) -> tuple[str, str, str]:
    return service.name, f"{service.namespace}/{service.name}", str(service.identity)


def _alert(alert: Alert | None, raised: Sequence[PrometheusRule]) -> Iterator[str]:
    if alert is not None:
        yield f"{alert.camel}, a {alert.severity} about every {alert.scope} ({alert.place})"
        yield from (f"  {text}" for text in (alert.summary, alert.description) if text)
        if alert.respond:
            yield f"  the agent may: {', '.join(response.name for response in alert.respond)}"
    else:
        said = f"{raised[0].alert}: {_readable(raised[0].annotations.get('description', ''))}"
        yield from (line.rstrip() for line in said.splitlines())
    for rule in raised:
        labels = ", ".join(f"{name}={value}" for name, value in rule.labels.items())
        yield f"  fires with {labels}, after {rule.pending or 'one evaluation'}, when"
        yield from (f"    {line}" for line in rule.expr.splitlines())


def _readable(template: str) -> str:
    """A message of Prometheus's template language for a person: each choice on a line of its own, values in <>."""
    text = CHOSEN.sub(r"\n  \g<label>=\g<value>: \g<text>", template)
    text = re.sub(r"{{ with printf .*?{{ end }}", "<looked up>", text)
    return re.sub(r"{{ \$(?:labels\.)?(\w+).*? }}", r"<\1>", text)


def _service(service: Service, model: Model) -> Iterator[str]:
    identity = service.identity
    yield f"{identity}, tier {service.tier}, {service.replicas} replicas ({service.place})"
    yield f"  owner:    {_owner(service)}"
    yield f"  runbook:  {service.runbook or 'none'}"
    for slo in service.slos:
        kind = f"answers within {slo.of.under}" if isinstance(slo.of, Latency) else "answers without failing"
        yield f"  promises: {slo.name}: {slo.objective} of requests {kind}, over {slo.over} ({slo.place})"
    yield f"  calls:    {', '.join(str(callee) for caller, callee in model.calls if caller == identity) or 'nobody'}"
    called_by = ", ".join(str(caller) for caller, callee in model.calls if callee == identity)
    yield f"  called by: {called_by or 'nobody in the mesh'}"


def _owner(service: Service) -> str:
    owner = service.owner
    if owner is None:
        return "nobody"
    ways = (
        ("issues", owner.issues),
        ("pager", owner.pager),
        ("chat", owner.chat),
        ("mail", owner.mail),
        ("hours", owner.hours),
    )
    return f"{owner.name} ({', '.join(f'{way} {address}' for way, address in ways if address)})"


def _unknown(what: str, own: Sequence[Rule], model: Model) -> Finding:
    known = [rule.code for rule in own] + list(catalogue()) + [word.name for word in words()]
    known += [alert.camel for alert in model.alerts] + [alert.name for alert in model.alerts]
    known += [name for service in model.services for name in _names(service)]
    close = get_close_matches(what, known, n=1)
    return Finding(
        code="explain/unknown",
        title=f"there is no finding, alert or service called `{what}`",
        why="codes are family/name, alerts and services are called as in their definitions",
        help=f"did you mean `{close[0]}`?" if close else "run `meshscope explain` for the list of codes",
    )
