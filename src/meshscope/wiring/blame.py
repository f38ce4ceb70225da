"""What an exception that a definition file raised means for the person who wrote the file."""

from __future__ import annotations

import dataclasses
import importlib
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import FrameType

from meshscope.findings import Finding, Place
from meshscope.wiring.importing import FOLDERS
from meshscope.wiring.plain import wrong_fields

_LISTED = 12
_CYCLE = re.compile(r"circular import|partially initialized")
_NO_NAME = re.compile(r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'")
_UNKNOWN = re.compile(r"(?P<call>\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(?P<name>\w+)'")
_MISSING = re.compile(r"(?P<call>\w+)(?:\.__init__)?\(\) missing \d+ required [a-z-]+ arguments?: (?P<names>.*)")
_POSITIONAL = re.compile(r"(?P<call>\w+)(?:\.__init__)?\(\) takes .* positional arguments? but")


def explain(error: BaseException, relative: str, root: Path) -> Finding:
    """What ``error``, raised while ``relative`` was read, means for the person who wrote it."""
    if isinstance(error, SyntaxError):
        return _syntax(error, relative, root)
    if isinstance(error, UnicodeDecodeError) and "decode_source" in _functions(error):
        return _no_text(error, relative)
    place = _raised_at(error, relative, root)
    if isinstance(error, ImportError | AttributeError) and _CYCLE.search(str(error)):
        return _cycle(error, place, root)
    if isinstance(error, TypeError):
        call = _call(error, place)
        if call is not None:
            return call
    bare = next(_half_made(error), None)
    if bare is not None:
        return bare
    return Finding(
        code="load/failed",
        title=f"`{place.path}` can't be read: {_said(error, root)}",
        place=place,
        why="what the file defines is missing from the mesh until it can be read",
        help=_suggestion(error, root) or "mend the line that the arrow points at",
    )


def _syntax(error: SyntaxError, relative: str, root: Path) -> Finding:
    path = (_inside(error.filename, root) if error.filename else None) or relative
    line = error.lineno or 1
    # A syntax error counts characters, every other place bytes.
    text = (error.text or "")[: max((error.offset or 1) - 1, 0)]
    return Finding(
        code="load/syntax",
        title=f"`{path}` is not valid Python: {error.msg}",
        place=Place(path, line, len(text.encode()) + 1),
        why="the file can't be read at all; what it defines is missing from the mesh",
        help="mend the line that the arrow points at",
    )


def _no_text(error: UnicodeDecodeError, relative: str) -> Finding:
    line = error.object[: error.start].count(b"\n") + 1
    return Finding(
        code="load/syntax",
        title=f"`{relative}` is no UTF-8 text: byte 0x{error.object[error.start]:02x} in line {line} is none",
        place=Place(relative, 1),
        why="the file can't be read at all; what it defines is missing from the mesh",
        help="save it as UTF-8",
    )


def _functions(error: BaseException) -> set[str]:
    return {frame.name for frame in traceback.extract_tb(error.__traceback__)}


def _cycle(error: BaseException, place: Place, root: Path) -> Finding:
    """The files of an import cycle, from the one that is asked again to the one that asks."""
    files = list(dict.fromkeys(inside for inside, _ in _frames(error, root)))
    asked = re.search(r"module '([\w.]+)'", str(error))
    again = f"{asked[1].replace('.', '/')}.py" if asked else place.path
    circle = files[files.index(again) :] if again in files else [again, place.path]
    named = re.search(r"name '(\w+)'|attribute '(\w+)'", str(error))
    name = f"`{named[1] or named[2]}`" if named else "what is asked for"
    members = " and ".join(f"`{path}`" for path in sorted(set(circle)))
    return Finding(
        code="load/import-cycle",
        title=f"{members} import each other" + (" in a circle" if len(set(circle)) > 2 else ""),
        place=place,
        why=f"{name} is not there yet when `{place.path}` asks for it: Python reads one file at a time",
        help="say who calls whom where both can be imported, calls = Calls({...}) in mesh.py; what both need moves to "
        "a third file",
    )


def _call(error: TypeError, place: Place) -> Finding | None:
    """A finding for a call of our own words with wrong arguments; None where it is something else."""
    said = str(error)
    for pattern in (_UNKNOWN, _MISSING, _POSITIONAL):
        match = pattern.search(said)
        words = importlib.import_module("meshscope")
        word = getattr(words, match["call"], None) if match else None
        if match is None or word is None:
            continue
        known = [field.name for field in dataclasses.fields(word) if field.init] if isinstance(word, type) else []
        if pattern is _UNKNOWN:
            close = get_close_matches(match["name"], known, n=1)
            remedy = f"did you mean {close[0]}=...?" if close else f"it has {', '.join(known)}"
            title, argument = f"{match['call']} has no argument `{match['name']}`", match["name"]
        elif pattern is _MISSING:
            names = re.findall(r"'(\w+)'", match["names"])
            remedy = f"write {', '.join(f'{name}=...' for name in names)}"
            title, argument = f"{match['call']} lacks {' and '.join(f'`{name}`' for name in names)}", None
        else:
            remedy = f"name each argument: {match['call']}({', '.join(f'{name}=...' for name in known[:2])}, ...)"
            title, argument = f"{match['call']} takes its arguments by name only", None
        return Finding(
            code="load/wrong-call",
            title=title,
            place=place,
            argument=argument,
            why="arguments are named, so that a definition reads as what it says and a typo is found",
            help=remedy,
        )
    return None


def _half_made(error: BaseException) -> Iterator[Finding]:
    """What is wrong with the fields of a definition of ours in whose making ``error`` was raised."""
    trace = error.__traceback__
    while trace is not None:
        made = trace.tb_frame.f_locals.get("self")
        if trace.tb_frame.f_code.co_name == "__post_init__" and dataclasses.is_dataclass(made):
            yield from wrong_fields(made)
        trace = trace.tb_next


def _said(error: BaseException, root: Path) -> str:
    if isinstance(error, SystemExit):
        return f"it ends Python with exit({error.code!r})"
    # The same words in every folder: Python adds where a module was found.
    text = re.sub(r" \((?:/|[A-Za-z]:\\)[^()]*\)$", "", str(error)).replace(f"{root}/", "")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _raised_at(error: BaseException, relative: str, root: Path) -> Place:
    last = None
    for inside, frame in _frames(error, root):
        last = Place(
            inside,
            frame.lineno or 1,
            (frame.colno or 0) + 1,
            frame.end_lineno or 0,
            (frame.end_colno or 0) + 1 if frame.end_colno else 0,
        )
    return last or Place(relative, 1)


def _frames(error: BaseException, root: Path) -> Iterator[tuple[str, traceback.FrameSummary]]:
    for frame in traceback.extract_tb(error.__traceback__):
        inside = _inside(frame.filename, root)
        if inside is not None:
            yield inside, frame


def _inside(filename: str, root: Path) -> str | None:
    path = Path(filename)
    if not path.is_absolute():
        return path.as_posix() if (root / path).is_file() else None
    if path.is_relative_to(root) and "site-packages" not in path.parts and path.relative_to(root).parts[0] != "src":
        return path.relative_to(root).as_posix()
    return None


def in_house(frame: FrameType, root: Path) -> bool:
    """Whether ``frame`` runs a file of the house."""
    return _inside(frame.f_code.co_filename, root) is not None


def _suggestion(error: BaseException, root: Path) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _module(error.name, root)
    name = str(getattr(error, "name", None) or "")
    known: list[str] = []
    match = _NO_NAME.search(str(error))
    if match is not None:
        name, known = match["name"], dir(sys.modules.get(match["module"]))
    elif isinstance(error, AttributeError) and error.name is not None:
        known = [one for one in dir(error.obj) if not one.startswith("_")]
        return _existing(name, known)
    elif isinstance(error, NameError) and error.__traceback__ is not None:
        last = error.__traceback__
        while last.tb_next is not None:
            last = last.tb_next
        known = [*last.tb_frame.f_globals, *dir(importlib.import_module("meshscope"))]
    close = get_close_matches(name, known, n=1)
    if not close and isinstance(error, TypeError) and "object is not iterable" in str(error):
        return "put it in a tuple: (value,)"
    return f"did you mean `{close[0]}`?" if close else ""


def _existing(name: str, known: Sequence[str]) -> str:
    """The likeliest of what exists, and the rest as far as a line goes."""
    close = get_close_matches(name, known, n=1)
    rest = [one for one in known if one not in close]
    there = ", ".join(rest[:_LISTED]) + (f" and {len(rest) - _LISTED} more" if len(rest) > _LISTED else "")
    if close:
        return f"did you mean `{close[0]}`?" + (f" There are also {there}" if rest else "")
    return f"there are {there}" if rest else "it has nothing that can be asked for"


def _module(name: str, root: Path) -> str:
    folder, _, last = name.rpartition(".")
    close = get_close_matches(last, [path.stem for path in (root / folder.replace(".", "/")).glob("*.py")], n=1)
    if folder and close:
        return f"did you mean `{folder}.{close[0]}`?"
    if name.partition(".")[0] in FOLDERS:
        return f"there is no {name.replace('.', '/')}.py: write it, or leave the import out"
    return "install it beside meshscope, or leave the import out"
