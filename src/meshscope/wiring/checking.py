"""Check a house: build it, ask our own rules, have the real programs judge the tree, and bring all of it home."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from meshscope.adapters.stores.access import access
from meshscope.adapters.stores.prometheus import PrometheusStore
from meshscope.check.crds import unproven
from meshscope.check.engine import Absent, Engine
from meshscope.check.judge import by_engines, by_rules, undeclared
from meshscope.check.live import Live, looked_up
from meshscope.check.origins import Origins
from meshscope.check.pages import catalogue
from meshscope.check.report import Report
from meshscope.check.subject import Rule, Subject
from meshscope.check.suppression import allowed, declared, permissions
from meshscope.findings import Finding, Level, MeshscopeError
from meshscope.wiring.adopting import given
from meshscope.wiring.assembly import Assembly, broken_providers, objects, plain, providers
from meshscope.wiring.discover import ASK_SECONDS, access_of
from meshscope.wiring.engines import engines
from meshscope.wiring.rules import rules

TESTS = "promtool test rules"
# Where the person's own configuration with our part in it stands while it is judged.
ADOPTED = "alertmanager/adopted.yaml"
# Files in which a comment begins with #.
_COMMENTED = (".py", ".yaml", ".yml", ".jsonnet", ".libsonnet")


@dataclass(frozen=True, kw_only=True)
class Against:
    """A live Prometheus to be asked: where it is, who asks (in promtool's format), how long each question may take."""

    url: str
    http_config: Path | None = None
    seconds: float = ASK_SECONDS


def checked(
    assembly: Assembly,
    today: date,
    tell: Callable[[str], object],
    *,
    tests: bool = True,
    against: Against | None = None,
) -> Report:
    """Everything that is wrong with a house, less what comments allow on ``today``. ``tell`` hears how far it is.

    Without ``tests`` the unit tests, which take longer than the rest, are left out. ``against`` is a Prometheus that is
    asked for what only it knows. Raises `MeshscopeError` where it can't be asked.
    """
    own, broken = rules()
    merged, reached = given(assembly)
    found = [*assembly.findings, *broken, *reached]
    suppressed = 0
    if assembly.built is not None:
        ruling = ruled(assembly, own, found, today, asked(assembly, against, tell) if against else None)
        found, suppressed = list(ruling.kept), len(ruling.held)
    said = _proved(assembly, lambda engine: tests or engine.name != TESTS, tell, merged)
    return Report(
        findings=(*(finding.located(assembly.house.root) for finding in found), *said.findings),
        suppressed=suppressed,
        rules=len(own) if assembly.built is not None else 0,
        judged=said.judged,
        absent=said.absent,
        passed_over=(*said.passed_over, *(f"objects of {kind}" for kind in unproven(objects(assembly)))),
    )


def tested(assembly: Assembly, tell: Callable[[str], object]) -> Report:
    """What the generated unit tests say; where nothing could be built, what is wrong with the definitions."""
    said = _proved(assembly, lambda engine: engine.name == TESTS, tell)
    findings: tuple[Finding, ...] = () if assembly.built is not None else assembly.findings
    absent = tuple(one for one in said.absent if one.name == TESTS.partition(" ")[0])
    return Report(findings=(*findings, *said.findings), judged=said.judged, absent=absent)


def judged(assembly: Assembly, own: tuple[Rule, ...], found: list[Finding], today: date) -> tuple[list[Finding], int]:
    """``found`` and what our own rules find, without what comments allow; and how much that is."""
    ruling = ruled(assembly, own, found, today)
    return list(ruling.kept), len(ruling.held)


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What our own rules find and what comments hold back of it; ``until`` is the last day of the first such comment.

    Only comments that hold back an error count for ``until``: after that day it is one again.
    """

    kept: tuple[Finding, ...]
    held: tuple[Finding, ...] = ()
    until: date | None = None


def ruled(
    assembly: Assembly, own: tuple[Rule, ...], found: Sequence[Finding], today: date, live: Live | None = None
) -> Ruling:
    """``found`` and what our own rules find, as comments allow it on ``today``; ``live`` is what a Prometheus said."""
    house, built, provider = assembly.house, assembly.built, assembly.provider
    if house.model is None or built is None or provider is None:
        return Ruling(kept=tuple(found))
    subject = Subject(
        model=house.model,
        provider=provider,
        artefacts=built.artefacts,
        objects=objects(assembly),
        providers=providers(),
        live=live,
    )
    # The build says some of it too.
    plugins = broken_providers(provider.name)
    every = list(dict.fromkeys([*found, *plugins, *by_rules(subject, own)]))
    paths = [path for path, _ in house.inputs if path.endswith(_COMMENTED)]

    def codes() -> set[str]:
        return {rule.code for rule in own} | catalogue().keys()

    given, wrong = permissions(house.root, paths, codes)
    more, odd = declared(house.model.allowed, codes)
    given, wrong = [*given, *more], [*wrong, *odd]
    kept, held = allowed(every, given, today)
    errors = [finding for finding in held if finding.level is Level.ERROR]
    days = [one.until for one in given if one.until >= today and any(map(one.covers, errors))]
    return Ruling(kept=(*kept, *wrong), held=tuple(held), until=min(days, default=None))


def asked(assembly: Assembly, against: Against, tell: Callable[[str], object]) -> Live | None:
    """What the Prometheus ``against`` says of what the rules read; None where nothing is built.

    Raises `MeshscopeError` where it can't be asked.
    """
    built, provider = assembly.built, assembly.provider
    if built is None or provider is None:
        return None
    asking = access(against.http_config) if against.http_config is not None else access_of(os.environ)
    try:
        with closing(PrometheusStore(against.url, asking, seconds=against.seconds)) as store:
            return looked_up(store, store.url, built.artefacts, provider, tell)
    except MeshscopeError as error:
        # The same address is given by another option to whoever writes definitions from it.
        remedy = error.finding.help.replace("--from", "--against")
        raise MeshscopeError(replace(error.finding, help=remedy)) from error


def _proved(
    assembly: Assembly, wanted: Callable[[Engine], bool], tell: Callable[[str], object], merged: str = ""
) -> Report:
    """What the engines that are ``wanted`` say of the files that were built, written to a folder for a moment.

    The real programs read plain files; objects of operators wrap the same content.
    """
    present, absent = engines()
    built, model = plain(assembly), assembly.house.model
    if built is None or model is None:
        return Report(absent=tuple(Absent(name=engine.name, why="nothing is built") for engine in present) + absent)
    with tempfile.TemporaryDirectory(prefix="meshscope-") as scratch:
        folder = Path(scratch)
        for file in built.files:
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
        paths = [file.path for file in built.files]
        if merged:
            (folder / ADOPTED).write_text(merged, encoding="utf-8")
            paths.append(ADOPTED)
        asked = (engine for engine in present if wanted(engine))
        origins = Origins(model, built.artefacts, built.files)
        found, judged, passed_over = by_engines(folder, paths, asked, origins, tell)
    found += undeclared(judged, model.mesh)
    return Report(findings=tuple(found), judged=tuple(judged), absent=absent, passed_over=tuple(passed_over))
