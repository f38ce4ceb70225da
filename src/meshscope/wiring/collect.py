"""Collect what definition files hold, by type and identity; a file that fails is a finding, the rest go on."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import is_dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from meshscope.findings import DefinitionError, Finding, Level, Place
from meshscope.model.alerting import Alert
from meshscope.model.allowing import Allow
from meshscope.model.boards import DashboardDefinition
from meshscope.model.foreign import ForeignRules, ForeignTests
from meshscope.model.mesh import Environment, Mesh
from meshscope.model.model import Definitions, Model
from meshscope.model.people import Owner
from meshscope.model.pipelines import drawn
from meshscope.model.pipelines_send import PipelineDefinition
from meshscope.model.security import FalcoRule
from meshscope.model.services import Calls, External, Gateway, Service
from meshscope.model.slo import SLO
from meshscope.wiring.blame import explain
from meshscope.wiring.carrying import carried, unread
from meshscope.wiring.foreign import finished, foreign_files, read_foreign
from meshscope.wiring.guard import Forbidden, Guard
from meshscope.wiring.importing import Importer
from meshscope.wiring.plain import wrong_fields

D = TypeVar("D", DashboardDefinition, PipelineDefinition)
R = TypeVar("R")

_KINDS: Mapping[type, str] = {
    Mesh: "meshes",
    Environment: "environments",
    Owner: "owners",
    Service: "services",
    Gateway: "gateways",
    External: "externals",
    Calls: "calls",
    Alert: "alerts",
    Allow: "allowed",
    DashboardDefinition: "dashboards",
    ForeignRules: "foreign",
    ForeignTests: "foreign_tests",
    FalcoRule: "falco_rules",
    PipelineDefinition: "pipelines",
}


class Collector:
    """Reads every definition file of a house once."""

    def __init__(self, root: Path, importer: Importer, guard: Guard, announce: Callable[[str], object]) -> None:
        self._root = root
        self._importer = importer
        self._guard = guard
        self._announce = announce
        self._found: dict[str, dict[int, object]] = {kind: {} for kind in _KINDS.values()}
        self._findings: dict[Finding, None] = {}
        self._slos: dict[int, tuple[SLO, list[Finding]]] = {}

    def collect(self) -> tuple[Definitions, list[Finding]]:
        """Every definition, in the order of files and of writing, and what is wrong with the files."""
        for path in self._importer.files():
            relative = path.relative_to(self._root).as_posix()
            self._announce(relative)
            module = self._imported(path, relative)
            if module is not None:
                self._keep(module, relative, path)
        self._keep_foreign()
        for finding in self._guard.findings:
            self._findings.setdefault(finding)
        kinds = {kind: tuple(values.values()) for kind, values in self._found.items()}
        return Definitions(**kinds), list(self._findings)  # type: ignore[arg-type]

    def drawn(self, model: Model) -> tuple[Model, list[Finding]]:
        """The model with each dashboard and tier of collectors drawn; one that can't be is left out and said to be."""
        before = len(self._guard.findings)
        findings: list[Finding] = []
        dashboards = self._drawn(model.dashboards, lambda one: one.drawn(model.mesh), findings)
        tiers = [tier for tier in self._found["pipelines"].values() if isinstance(tier, PipelineDefinition)]
        by_name = sorted({tier.name: tier for tier in tiers}.values(), key=lambda tier: tier.name)
        pipelines = self._drawn(by_name, lambda one: drawn(one, model.mesh), findings)
        findings += self._guard.findings[before:]
        return replace(model, dashboards=dashboards, pipelines=pipelines), list(dict.fromkeys(findings))

    def _drawn(self, definitions: Iterable[D], draw: Callable[[D], R], findings: list[Finding]) -> tuple[R, ...]:
        made: list[R] = []
        for definition in definitions:
            path = definition.place.path if definition.place else ""
            self._announce(path)
            try:
                with self._guard.awake():
                    made.append(draw(definition))
            except (DefinitionError, Forbidden) as error:
                findings.append(error.finding)
            except BaseException as error:
                findings.append(explain(error, path, self._root))
        return tuple(made)

    def _imported(self, path: Path, relative: str) -> ModuleType | None:
        if not path.is_file():
            self._findings.setdefault(_missing(path, relative))
            return None
        try:
            with self._guard.awake():
                return importlib.import_module(self._importer.name(path))
        except DefinitionError as error:
            self._findings.setdefault(error.finding)
        except Forbidden as error:
            self._findings.setdefault(error.finding)
        except BaseException as error:
            # A definition may raise anything at all; whatever it is, the other files are read.
            finding = explain(error, relative, self._root)
            # Each file of an import cycle fails in its turn; once is enough.
            if finding.title not in {known.title for known in self._findings if known.code == "load/import-cycle"}:
                self._findings.setdefault(finding)
        return None

    def _keep_foreign(self) -> None:
        found = []
        # What a definition has opened is a part of that, where it is no dashboard and no rule by itself.
        opened = {path for path, _ in self._importer.inputs() if not path.startswith(("dashboards/", "alerts/"))}
        for path in foreign_files(self._root):
            relative = path.relative_to(self._root).as_posix()
            if relative not in opened:
                self._announce(relative)
                found.append(read_foreign(path, self._root, self._importer.read))
        own = {board.name for board in self._found["dashboards"].values() if isinstance(board, DashboardDefinition)}
        definitions, findings = carried(found, own)
        for definition in definitions:
            self._add(definition)
        left = list(unread(self._root, (path for path, _ in self._importer.inputs())))
        if any(finding.code.startswith("mixin/") for finding in findings):
            # What a mixin would have read, had it gone on, is not known.
            left = [finding for finding in left if finding.level > Level.NOTE]
        for finding in (*findings, *left):
            self._findings.setdefault(finding)

    def _keep(self, module: ModuleType, relative: str, path: Path) -> None:
        before = sum(len(values) for values in self._found.values())
        some = False
        values = vars(module)
        for value in (*values.values(), *finished(values, path, relative)):
            for definition in _flat(value):
                some = True
                self._add(definition)
        if not some and before == sum(len(values) for values in self._found.values()):
            self._findings.setdefault(
                Finding(
                    code="load/defines-nothing",
                    title=f"`{relative}` defines nothing",
                    place=Place(relative, 1),
                    level=Level.WARNING,
                    why="definitions are found at the top level of a file by their type",
                    help="assign a Service, an alert or another definition to a name, or start the file's name with _",
                )
            )

    def _add(self, definition: object) -> None:
        found = self._found[_KINDS[type(definition)]]
        if id(definition) in found:
            return
        wrong = list(wrong_fields(definition)) if is_dataclass(definition) else []
        if isinstance(definition, Service) and not wrong:
            wrong = [finding for slo in definition.slos for finding in self._wrong_slo(slo)]
        for finding in wrong:
            self._findings.setdefault(finding)
        if not wrong:
            found[id(definition)] = definition

    def _wrong_slo(self, slo: SLO) -> list[Finding]:
        # Services of a team share their SLOs, which are no definitions by themselves.
        if id(slo) not in self._slos:
            self._slos[id(slo)] = slo, list(wrong_fields(slo))
        return self._slos[id(slo)][1]


def _missing(path: Path, relative: str) -> Finding:
    what = f"leads to {path.readlink()}, which is not there" if path.is_symlink() else "is no file"
    return Finding(
        code="load/missing",
        title=f"`{relative}` {what}",
        place=Place(relative, 1),
        why="what it is to define is missing from the mesh",
        help="mend the link, or remove it",
    )


def _flat(value: object) -> Iterator[object]:
    if type(value) in _KINDS:
        yield value
    elif type(value) in (tuple, list):
        yield from (item for item in value if type(item) in _KINDS)  # type: ignore[attr-defined]
    elif type(value) is dict:
        yield from (item for item in value.values() if type(item) in _KINDS)
