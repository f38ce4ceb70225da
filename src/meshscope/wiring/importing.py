"""Import definition files under their real names, with paths relative to the house, and remember what was read."""

from __future__ import annotations

import hashlib
import sys
from importlib.machinery import FileFinder, SourceFileLoader
from importlib.util import decode_source
from pathlib import Path
from types import CodeType

FOLDERS = ("services", "environments", "alerts", "dashboards", "collectors")
_MIXIN = "mixin.libsonnet"


def inner_homes(root: Path) -> list[Path]:
    """The folders of mixins, which hold nothing else; a mixin right in dashboards/ does not make that its own."""
    return [home for home in mixin_homes(root) if home.parent != root]


def mixin_homes(root: Path) -> list[Path]:
    """The folders of mixins below ``root``, but for those within another."""
    found = [path.parent for folder in FOLDERS for path in sorted((root / folder).rglob(_MIXIN))]
    own = [home for home in found if not is_left_alone(home, root)]
    return [home for home in own if not any(other in home.parents and other.parent != root for other in own)]


def is_left_alone(path: Path, root: Path) -> bool:
    """Whether ``path`` is hidden, vendored or Python's cache: never read by itself, never run."""
    return any(part in ("vendor", "__pycache__") or part.startswith(".") for part in path.relative_to(root).parts)


class Importer:
    """Puts the house on the import path. ``services/payments.py`` is imported as ``services.payments``.

    Code objects carry the relative path, so that every place is the same in every folder; no bytecode is written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._homes = inner_homes(root)
        self._read: dict[str, str] = {}
        sys.path.insert(0, str(root))
        sys.path_hooks.insert(0, self._finder)
        sys.path_importer_cache.clear()

    def read(self, path: Path, content: bytes | None = None) -> None:
        """Remember that the definitions depend on ``path`` when it lies in the house."""
        try:
            relative = path.resolve().relative_to(self.root).as_posix()
        except ValueError:
            return
        if relative not in self._read:
            data = path.read_bytes() if content is None else content
            self._read[relative] = hashlib.sha256(data).hexdigest()

    def inputs(self) -> tuple[tuple[str, str], ...]:
        """(path, SHA-256) of everything that was read in the house, sorted."""
        return tuple(sorted(self._read.items()))

    def files(self) -> list[Path]:
        """The definition files in the order of loading: services first, then the mesh, then what speaks of them."""
        found = {folder: sorted((self.root / folder).rglob("*.py")) for folder in FOLDERS}
        ordered = [*found["services"], self.root / "mesh.py"]
        ordered += [path for folder in FOLDERS[1:] for path in found[folder]]
        return [path for path in ordered if not path.name.startswith("_") and not path.is_dir() and self._runs(path)]

    def name(self, path: Path) -> str:
        """The module name of a definition file."""
        return ".".join(path.relative_to(self.root).with_suffix("").parts)

    def _finder(self, entry: str) -> FileFinder:
        path = Path(entry)
        inside = path == self.root or (path.is_relative_to(self.root) and self._is_ours(path))
        if not inside:
            raise ImportError(f"{entry} is not in the house")
        # What lies in a mixin's folder is found by nobody: the finder that stands here says that there is nothing.
        loaders = ((self._loader_class(), [".py"]),) if self._runs(path) else ()
        return FileFinder(entry, *loaders)

    def _runs(self, path: Path) -> bool:
        """Whether Python at ``path`` is a definition, or may be imported by one: not what is in a mixin or vendored."""
        if path == self.root or not path.is_relative_to(self.root):
            return True
        inside = any(home == path or home in path.parents for home in self._homes)
        return not inside and not is_left_alone(path, self.root)

    def _is_ours(self, path: Path) -> bool:
        first = path.relative_to(self.root).parts[0]
        return first in FOLDERS or not (first.startswith(".") or first in ("src", "build", "tests", "venv", "engines"))

    def _loader_class(self) -> type[SourceFileLoader]:
        importer = self

        class Loader(SourceFileLoader):
            def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - importlib's signature
                path = Path(self.path)
                data = self.get_data(self.path)
                importer.read(path, data)
                relative = path.relative_to(importer.root).as_posix()
                # As text, so that the positions of syntax errors count characters in every version of Python.
                return compile(decode_source(data), relative, "exec", dont_inherit=True)

        return Loader


def sources(root: Path) -> list[str]:
    """Every file that is, or may be read by, a definition of the house ``root``: a new one changes what is built."""
    found = [path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    relative = [path.relative_to(root) for path in (*found, root / "mesh.py")]
    return sorted(
        path.as_posix()
        for path in relative
        if path.suffix != ".pyc" and not any(part.startswith(".") for part in path.parts)
    )
