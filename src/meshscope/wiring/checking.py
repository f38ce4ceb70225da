"""Check a house: build it, ask our own rules, have the real programs judge the tree, and bring all of it home."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from meshscope.artefacts.files import File
from meshscope.build.options import Emit, Options
from meshscope.check.engine import Engine
from meshscope.check.judge import by_engines, by_rules
from meshscope.check.origins import Origins
from meshscope.check.report import Report
from meshscope.check.subject import Subject
from meshscope.check.suppression import allowed, permissions
from meshscope.findings import Finding
from meshscope.wiring.assembly import Assembly, providers
from meshscope.wiring.engines import engines
from meshscope.wiring.rules import rules

TESTS = "promtool test rules"


def checked(assembly: Assembly, today: date, *, tests: bool = True) -> Report:
    """Everything that is wrong with a house, less what comments allow on ``today``; ``tests`` runs unit tests too."""
    own, broken = rules()
    findings = [*assembly.findings, *broken]
    built, model, provider = assembly.built, assembly.house.model, assembly.provider
    if built is not None and model is not None and provider is not None:
        subject = Subject(
            model=model, provider=provider, artefacts=built.artefacts, files=built.files, providers=providers()
        )
        findings += by_rules(subject, own)
    paths = [path for path, _ in assembly.house.inputs if path.endswith(".py")]
    given, wrong = permissions(assembly.house.root, paths, {rule.code for rule in own})
    kept, held = allowed(findings, given, today) if built is not None else (findings, [])
    report = proved(assembly, lambda engine: tests or engine.name != TESTS)
    located = (finding.located(assembly.house.root) for finding in [*kept, *wrong])
    return Report(
        findings=(*located, *report.findings),
        suppressed=len(held),
        rules=len(own) if built is not None else 0,
        judged=report.judged,
        absent=report.absent,
        passed_over=report.passed_over,
    )


def proved(assembly: Assembly, wanted: Callable[[Engine], bool]) -> Report:
    """What the engines that are ``wanted`` say of the files that were built, written to a folder for a moment."""
    present, absent = engines()
    asked = [engine for engine in present if wanted(engine)]
    if assembly.built is None:
        return Report(absent=absent)
    built = assembly.built
    with tempfile.TemporaryDirectory(prefix="meshscope-") as scratch:
        folder = Path(scratch)
        for file in built.files:
            _put(folder, file)
        paths = [file.path for file in built.files]
        found, judged, passed_over = by_engines(folder, paths, asked, Origins(built.artefacts, built.files))
    return Report(findings=tuple(found), judged=tuple(judged), absent=absent, passed_over=tuple(passed_over))


def tested(assembly: Assembly) -> Report:
    """What the generated unit tests say; findings of the definitions are there too where nothing could be built."""
    report = proved(assembly, lambda engine: engine.name == TESTS)
    findings: tuple[Finding, ...] = () if assembly.built is not None else assembly.findings
    absent = tuple(one for one in report.absent if one.name == TESTS.partition(" ")[0])
    return Report(findings=(*findings, *report.findings), judged=report.judged, absent=absent)


def for_engines(options: Options) -> Options:
    """The same options with plain files, which the real programs read; objects of operators wrap the same content."""
    return Options(emit=Emit.FILES, time_scale=options.time_scale)


def _put(folder: Path, file: File) -> None:
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)
