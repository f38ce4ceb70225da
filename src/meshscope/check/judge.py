"""Ask every rule of our own and every engine, and gather what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from meshscope.check.engine import Engine
from meshscope.check.origins import Origins
from meshscope.check.report import Judged
from meshscope.check.subject import Rule, Subject
from meshscope.findings import Finding, Level, MeshscopeError, counted


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

    ``tell`` is told of each engine before it is asked, for some take their time.
    """
    findings: list[Finding] = []
    judged: list[Judged] = []
    passed_over: list[str] = []
    for engine in engines:
        own = [path for path in paths if engine.judges(path)]
        if not own:
            continue
        tell(f"{engine.name}: {counted(len(own), 'file')}")
        try:
            verdict = engine.judge(folder, own)
        except MeshscopeError as error:
            findings.append(error.finding)
            continue
        findings += (origins.finding(engine.name, complaint) for complaint in verdict.complaints)
        judged.append(Judged(name=engine.name, version=engine.version, cases=verdict.cases))
        passed_over += verdict.passed_over
    return findings, judged, passed_over
