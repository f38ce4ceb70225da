"""promtool: whether Prometheus would load our rules and configuration, and whether the rules do as they were meant to.

A complaint about a rule reads ``FILE: LINE:COLUMN: group "G", rule N, "NAME": MESSAGE``, one about a file
``FILE: MESSAGE``. Unit tests are read from the JUnit report, since the printed text doesn't say which passed.
"""

from __future__ import annotations

import os
import re
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from meshscope.adapters.engines.program import Said, run
from meshscope.adapters.engines.proved import keep, passed_before, proved_at
from meshscope.check.engine import Case, Complaint, Heard, Verdict, unheard

_LINE = re.compile(
    r"^(?P<path>\S[^:\n]*): (?:(?P<line>\d+):(?P<column>\d+): )?"
    r'(?:group "(?P<group>[^"]*)", rule (?P<rule>\d+), "(?P<name>[^"]*)": )?(?P<message>.*(?:\n[ \t]+.*)*)$',
    re.MULTILINE,
)

# lintErrExitCode in cmd/promtool/main.go (3.16).
_LINT = 3


@dataclass(frozen=True, kw_only=True)
class PromtoolRules:
    """``promtool check rules``: every rule file."""

    program: Path
    version: str
    name: str = "promtool check rules"

    def judges(self, path: str) -> bool:
        """Rule files."""
        return path.startswith(("prometheus/rules/", "prometheus/tests/mesh/")) and path.endswith((".yaml", ".yml"))

    def judge(self, folder: Path, paths: Sequence[str], heard: Heard = unheard) -> Verdict:
        """Judge each file by itself, so that a complaint without a file's name is still about one."""
        complaints: list[Complaint] = []
        cases: list[Case] = []
        for done, path in enumerate(paths):
            heard(done)
            said = run(self.program, ["check", "rules", "--lint-fatal", path], folder)
            found = list(_complaints(said, path)) if said.status else []
            # Prometheus loads what is only a lint: rules that are there twice.
            lint = said.status == _LINT
            complaints += [replace(complaint, lint=lint) for complaint in found]
            cases.append(Case(path=path, failed="" if lint else "\n".join(each.message for each in found)))
        return Verdict(cases=tuple(cases), complaints=tuple(complaints))


@dataclass(frozen=True, kw_only=True)
class PromtoolConfig:
    """``promtool check config``: prometheus.yaml; the rule files that it names were judged already."""

    program: Path
    version: str
    name: str = "promtool check config"

    def judges(self, path: str) -> bool:
        """Prometheus's own configuration."""
        return path == "prometheus/prometheus.yaml"

    def judge(self, folder: Path, paths: Sequence[str], heard: Heard = unheard) -> Verdict:
        """Judge the syntax only: credential files and folders that the configuration names are elsewhere."""
        complaints: list[Complaint] = []
        cases: list[Case] = []
        for done, path in enumerate(paths):
            heard(done)
            said = run(self.program, ["check", "config", "--syntax-only", path], folder)
            message = _message(said) if said.status else ""
            complaints += [Complaint(path=path, message=message)] if message else []
            cases.append(Case(path=path, failed=message))
        return Verdict(cases=tuple(cases), complaints=tuple(complaints))


@dataclass(frozen=True, kw_only=True)
class PromtoolTests:
    """``promtool test rules``: every generated unit test.

    ``proved`` is a folder that keeps which files of tests have passed: the same bytes of tests and rules pass again
    with the same promtool, and are not run a second time.
    """

    program: Path
    version: str
    proved: Path | None = None
    name: str = "promtool test rules"

    def judges(self, path: str) -> bool:
        """Unit test files, not the rules that they bring along."""
        return path.startswith("prometheus/tests/") and path.count("/") == 2 and path.endswith((".yaml", ".yml"))

    def judge(self, folder: Path, paths: Sequence[str], heard: Heard = unheard) -> Verdict:
        """Run every test; each is a case. Files are independent, so that each processor may take one."""
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            verdicts: list[Verdict] = []
            for verdict in pool.map(lambda path: self._one(folder, path), paths):
                verdicts.append(verdict)
                heard(len(verdicts))
        return Verdict(
            cases=tuple(case for verdict in verdicts for case in verdict.cases),
            complaints=tuple(complaint for verdict in verdicts for complaint in verdict.complaints),
        )

    def _one(self, folder: Path, path: str) -> Verdict:
        kept = proved_at(self.proved, self.version, folder / path) if self.proved else None
        names = passed_before(kept)
        if names:
            return Verdict(cases=tuple(Case(path=path, name=name, before=True) for name in names))
        with tempfile.TemporaryDirectory(prefix="meshscope-") as scratch:
            report = Path(scratch) / "report.xml"
            said = run(self.program, ["test", "rules", f"--junit={report}", path], folder)
            cases = tuple(_cases(report, path))
        failed = tuple(Complaint(path=path, case=case.name, message=case.failed) for case in cases if case.failed)
        if said.status and not failed:
            failed = tuple(_complaints(said, path))
        if kept is not None and not said.status and not failed:
            keep(kept, [case.name for case in cases])
        return Verdict(cases=cases, complaints=failed)


def _cases(report: Path, path: str) -> Iterator[Case]:
    if not report.is_file() or not report.stat().st_size:
        return
    for suite in ElementTree.parse(report).getroot():  # noqa: S314 - promtool wrote it a moment ago
        for case in suite:
            failures = [_dedented(failure.text or "it failed") for failure in case]
            yield Case(path=path, name=case.get("name", ""), failed="\n".join(failures))


def _complaints(said: Said, path: str) -> Iterator[Complaint]:
    text = "\n".join(line for line in said.err.splitlines() if line.strip() not in ("", "FAILED:"))
    found = [match for match in _LINE.finditer(text) if match["path"].startswith(path)]
    for match in found:
        yield Complaint(
            path=path,
            line=int(match["line"] or 0),
            column=int(match["column"] or 0),
            group=match["group"] or "",
            rule=int(match["rule"] or 0),
            message=_dedented(match["message"]),
        )
    if not found:
        yield Complaint(path=path, message=_message(said))


def _message(said: Said) -> str:
    lines = [line.strip() for line in (said.err or said.out).splitlines()]
    return "; ".join(line for line in lines if line and line != "FAILED:") or f"it ended with status {said.status}"


def _dedented(text: str) -> str:
    lines = text.strip("\n").splitlines()
    indents = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    cut = min([len(lines[0]) - len(lines[0].lstrip()), *indents]) if lines else 0
    return "\n".join(line[cut:].rstrip() for line in lines)
