"""Ask every rule of our own and every engine, and gather what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from meshscope.check.engine import Engine
from meshscope.check.origins import Origins
from meshscope.check.report import Judged
from meshscope.check.subject import Rule, Subject
from meshscope.findings import Finding, Level, MeshscopeError, counted
from meshscope.model.mesh import Mesh
from meshscope.model.versions import numbers

# Whose release each engine is, as `Versions` calls it.
_OF = {"promtool": "prometheus", "amtool": "alertmanager", "otelcol": "otelcol"}


def by_rules(subject: Subject, rules: Iterable[Rule]) -> list[Finding]:
    """What our own rules find; a rule that fails is a finding, and the rest go on."""
    findings: list[Finding] = []
    for rule in rules:
        try:
            findings += rule.judge(subject)
        except Exception as error:
            findings.append(
                Finding(
                    code="plugin/broken",
                    title=f"the check {rule.code} fails: {type(error).__name__}: {error}",
                    level=Level.WARNING,
                    why="what it would have found is not known",
                    help="report it to whoever wrote the check",
                    subject=rule.code,
                )
            )
    return findings


def by_engines(
    folder: Path, paths: Sequence[str], engines: Iterable[Engine], origins: Origins, tell: Callable[[str], object]
) -> tuple[list[Finding], list[Judged], list[str]]:
    """What real programs say of the tree in ``folder``: findings, who judged what, and what they passed over.

    ``tell`` is told of each engine before it is asked and after each file, for some take their time.
    """
    findings: list[Finding] = []
    judged: list[Judged] = []
    passed_over: list[str] = []
    for engine in engines:
        own = [path for path in paths if engine.judges(path)]
        if not own:
            continue
        heard = _heard(engine.name, len(own), tell)
        heard(0)
        try:
            verdict = engine.judge(folder, own, heard)
        except MeshscopeError as error:
            findings.append(error.finding)
            continue
        heard(len(own))
        findings += (origins.finding(engine.name, complaint) for complaint in verdict.complaints)
        judged.append(Judged(name=engine.name, version=engine.version, cases=verdict.cases))
        passed_over += verdict.passed_over
    return findings, judged, passed_over


def undeclared(judged: Iterable[Judged], mesh: Mesh) -> list[Finding]:
    """A note for each program that judged and is not of the version that ``mesh`` declares."""
    declared = mesh.versions.by_program()
    versions = {one.name.partition(" ")[0]: one.version for one in judged}
    return [
        Finding(
            code="engine/other-version",
            title=f"{program} {version} judged what is built for {_OF[program]} {declared[_OF[program]]}",
            place=mesh.place,
            level=Level.NOTE,
            why="one release may refuse what another accepts",
            help=f"put {program} {declared[_OF[program]]} on PATH, "
            f'or declare what runs: versions=Versions({_OF[program]}="{version.partition(" ")[0]}")',
            subject=program,
        )
        for program, version in versions.items()
        if program in _OF
        # A collector may be judged by several builds; one of the declared version is enough.
        and not any(numbers(one) == numbers(declared[_OF[program]]) for one in version.split(" and "))
    ]


def _heard(name: str, count: int, tell: Callable[[str], object]) -> Callable[[int], object]:
    every = counted(count, "file")
    return lambda done: tell(f"{name}: {done:,} of {every}")
