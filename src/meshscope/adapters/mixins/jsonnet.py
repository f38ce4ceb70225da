"""Jsonnet, which sees nothing but the files of one folder: its own, and what is vendored beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import _jsonnet

from meshscope.findings import Finding, MeshscopeError, Place

_KIND = re.compile(r"^(?:RUNTIME|STATIC) ERROR: ")
# "path:line:column-column", "path:line:column", "path:(line:column)-(line:column)"
_AT = re.compile(r"(?P<path>[^\s:]+):\(?(?P<line>\d+):(?P<column>\d+)(?:-(?P<end>\d+))?")
_OPEN = re.compile(r"couldn't open import \"(?P<name>[^\"]*)\"")
_ENTRY = "_entry"


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """One folder of jsonnet below ``root``; ``read`` is told of each file that is read."""

    folder: Path
    root: Path
    read: Callable[[Path, bytes], None]
    files: dict[str, str] = field(default_factory=dict)

    def evaluate(self, code: str) -> object:
        """What ``code`` gives, as if it stood in a file of the folder.

        Raises `MeshscopeError` for an import from outside, a missing one, and whatever jsonnet says; the finding's
        place is the line of the person's own file.
        """
        outside: list[str] = []

        def opened(base: str, name: str) -> tuple[str, bytes]:
            path = self._found(base, name, outside)
            content = path.read_bytes()
            self.read(path, content)
            relative = path.relative_to(self.root).as_posix()
            self.files[relative] = content.decode(errors="replace")
            return relative, content

        start = (self.folder / _ENTRY).relative_to(self.root).as_posix()
        try:
            made: object = json.loads(_jsonnet.evaluate_snippet(start, code, import_callback=opened))
        except RuntimeError as error:
            raise MeshscopeError(self._finding(str(error), outside)) from None
        return made

    def _found(self, base: str, name: str, outside: list[str]) -> Path:
        inside = self.folder.resolve()
        for start in (self.root / base, self.folder / "vendor"):
            path = (start / name).resolve()
            if not path.is_relative_to(inside):
                if start == self.root / base:
                    outside.append(name)
                continue
            if path.is_file():
                # By its name in the folder, which a link within it may give a second one.
                return path
        raise RuntimeError("outside" if name in outside else "missing")

    def _finding(self, said: str, outside: list[str]) -> Finding:
        what = _KIND.sub("", said.partition("\n")[0])
        place = self._place(said)
        folder = self.folder.relative_to(self.root).as_posix()
        found = _OPEN.search(what)
        if found and found["name"] in outside:
            return Finding(
                code="mixin/outside-import",
                title=f"`{found['name']}` lies outside of `{folder}`",
                place=place,
                why="a mixin that reads other files gives other dashboards on another machine; it sees its own folder",
                help=f"copy what it needs into {folder}/vendor, where `jb install` would put it",
            )
        if found:
            return Finding(
                code="mixin/no-import",
                title=f"`{found['name']}` is neither beside the file nor in `{folder}/vendor`",
                place=place,
                why="imports are read from the mixin's own folder, never from the network",
                help=f"run `jb install` in {folder}, and keep its vendor folder with the definitions",
            )
        return Finding(
            code="mixin/jsonnet",
            title=f"jsonnet can't evaluate the mixin: {_AT.sub('', what).strip(' :')}",
            place=place,
            why="what the mixin defines is missing until it can be evaluated",
            help="mend the line that the arrow points at",
        )

    def _place(self, said: str) -> Place | None:
        """The first line of the complaint or its trace that lies in one of the person's own files."""
        for found in _AT.finditer(said):
            path, line, column = found["path"], int(found["line"]), int(found["column"])
            if path in self.files:
                return Place(path, line, column, line, int(found["end"] or column + 1))
        return None
