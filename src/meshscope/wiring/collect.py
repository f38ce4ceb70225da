"""Collect what definition files hold, by type and identity; a file that fails is a finding, the rest go on."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from meshscope.findings import DefinitionError, Finding, Level, Place
from meshscope.model.alerting import Alert
from meshscope.model.boards import DashboardDefinition
from meshscope.model.mesh import Environment, Mesh
from meshscope.model.model import Definitions, Model
from meshscope.model.people import Owner
from meshscope.model.pipelines import Pipeline
from meshscope.model.services import Calls, External, Gateway, Service
from meshscope.wiring.guard import Forbidden, Guard
from meshscope.wiring.importing import Importer

_KINDS: Mapping[type, str] = {
    Mesh: "meshes",
    Environment: "environments",
    Owner: "owners",
    Service: "services",
    Gateway: "gateways",
    External: "externals",
    Calls: "calls",
    Alert: "alerts",
    DashboardDefinition: "dashboards",
    Pipeline: "pipelines",
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

    def collect(self) -> tuple[Definitions, list[Finding]]:
        """Every definition, in the order of files and of writing, and what is wrong with the files."""
        for path in self._importer.files():
            relative = path.relative_to(self._root).as_posix()
            self._announce(relative)
            module = self._imported(path, relative)
            if module is not None:
                self._keep(module, relative)
        for finding in self._guard.findings:
            self._findings.setdefault(finding)
        kinds = {kind: tuple(values.values()) for kind, values in self._found.items()}
        return Definitions(**kinds), list(self._findings)  # type: ignore[arg-type]

    def drawn(self, model: Model) -> tuple[Model, list[Finding]]:
        """The model with each dashboard drawn; one that can't be is left out and said to be."""
        before = len(self._guard.findings)
        findings: list[Finding] = []
        drawn: list[DashboardDefinition] = []
        for definition in model.dashboards:
            path = definition.place.path if definition.place else ""
            self._announce(path)
            try:
                with self._guard.awake():
                    drawn.append(definition.drawn(model.mesh))
            except (DefinitionError, Forbidden) as error:
                findings.append(error.finding)
            except (Exception, SystemExit) as error:
                findings.append(explain(error, path, self._root))
        findings += self._guard.findings[before:]
        return replace(model, dashboards=tuple(drawn)), list(dict.fromkeys(findings))

    def _imported(self, path: Path, relative: str) -> ModuleType | None:
        try:
            with self._guard.awake():
                return importlib.import_module(self._importer.name(path))
        except DefinitionError as error:
            self._findings.setdefault(error.finding)
        except Forbidden as error:
            self._findings.setdefault(error.finding)
        except (Exception, SystemExit) as error:
            self._findings.setdefault(explain(error, relative, self._root))
        return None

    def _keep(self, module: ModuleType, relative: str) -> None:
        before = sum(len(values) for values in self._found.values())
        some = False
        for value in vars(module).values():
            for definition in _flat(value):
                some = True
                self._found[_KINDS[type(definition)]].setdefault(id(definition), definition)
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


def _flat(value: object) -> Iterator[object]:
    if type(value) in _KINDS:
        yield value
    elif type(value) in (tuple, list):
        yield from (item for item in value if type(item) in _KINDS)  # type: ignore[attr-defined]
    elif type(value) is dict:
        yield from (item for item in value.values() if type(item) in _KINDS)


def explain(error: BaseException, relative: str, root: Path) -> Finding:
    """What ``error``, raised while ``relative`` was read, means for the person who wrote it."""
    if isinstance(error, SyntaxError) and error.filename:
        place = Place(_inside(error.filename, root) or relative, error.lineno or 1, error.offset or 1)
        return Finding(
            code="load/syntax",
            title=f"`{place.path}` is not valid Python: {error.msg}",
            place=place,
            why="the file can't be read at all; what it defines is missing from the mesh",
            help="mend the line that the arrow points at",
        )
    place = _raised_at(error, relative, root)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, ImportError) and "circular import" in str(error):
        return _cycle(error, place)
    return Finding(
        code="load/failed",
        title=f"`{place.path}` can't be read: {said}",
        place=place,
        why="what the file defines is missing from the mesh until it can be read",
        help=_suggestion(error) or "mend the line that the arrow points at",
    )


def _cycle(error: ImportError, place: Place) -> Finding:
    name, module = getattr(error, "name_from", None) or "a name", error.name or "another file"
    return Finding(
        code="load/import-cycle",
        title=f"`{place.path}` and `{module.replace('.', '/')}.py` import each other",
        place=place,
        why=f"`{name}` is not there yet when the other file asks for it: Python reads one file at a time",
        help="say who calls whom where both can be imported: calls = Calls({...}) in mesh.py; what both need moves to "
        "a third file",
    )


def _raised_at(error: BaseException, relative: str, root: Path) -> Place:
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        inside = _inside(frame.filename, root)
        if inside is not None:
            return Place(
                inside,
                frame.lineno or 1,
                (frame.colno or 0) + 1,
                frame.end_lineno or 0,
                (frame.end_colno or 0) + 1 if frame.end_colno else 0,
            )
    return Place(relative, 1)


def _inside(filename: str, root: Path) -> str | None:
    path = Path(filename)
    if not path.is_absolute():
        return path.as_posix() if (root / path).is_file() else None
    if path.is_relative_to(root) and "site-packages" not in path.parts and path.relative_to(root).parts[0] != "src":
        return path.relative_to(root).as_posix()
    return None


def _suggestion(error: BaseException) -> str:
    name = getattr(error, "name_from", None) or getattr(error, "name", None)
    known: list[str] = []
    if isinstance(error, ImportError) and error.name in sys.modules and name:
        known = dir(sys.modules[error.name])
    elif isinstance(error, NameError) and error.__traceback__ is not None:
        last = error.__traceback__
        while last.tb_next is not None:
            last = last.tb_next
        known = [*last.tb_frame.f_globals, *dir(importlib.import_module("meshscope"))]
    close = get_close_matches(str(name), known, n=1)
    return f"did you mean `{close[0]}`?" if close else ""
