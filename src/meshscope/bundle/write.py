"""Write a tree: beside its place first, then exchanged with what is there.

Whoever is killed, or runs out of disk, leaves the old tree whole and a folder ``.NAME.making-*`` beside it, which
the next writer removes. A writer that lives holds a lock on its folder, so that nobody else does.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from meshscope.artefacts.files import File
from meshscope.bundle.exchange import exchange
from meshscope.bundle.manifest import NAME, read
from meshscope.findings import Finding, MeshscopeError

_MAKING = "making"
_BEFORE = "before"
# What others write beside our files, and our prometheus.yaml reads: they go along from tree to tree.
KEPT = "prometheus/targets"


def write(folder: Path, files: Sequence[File]) -> None:
    """Make ``folder`` hold ``files`` (the manifest among them) and, below `KEPT`, what is there; nothing else.

    Raises `MeshscopeError` where it can't be written, or holds what isn't ours; then it is as it was.
    """
    folder = folder.resolve()
    refuse_foreign(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        recover(folder)
        with _making(folder) as fresh:
            for file in files:
                _put(fresh / file.path, file.content)
            _settle(fresh, [*(file.path for file in files), *_keep(folder, fresh)])
            _replace(fresh, folder)
            # Whoever wrote some meanwhile wrote into the tree that is now the old one.
            _keep(fresh, folder)
    except OSError as error:
        raise MeshscopeError(_unwritable(folder, error)) from error


def refuse_foreign(folder: Path) -> None:
    """Raise `MeshscopeError` unless ``folder`` is missing, empty, or a tree that we wrote and nobody added to.

    What is below `KEPT` may be added.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise MeshscopeError(_foreign(folder, f"`{folder}` is a file", "the tree is a folder"))
    present = set(paths(folder))
    if not present:
        return
    manifest = read(folder)
    if manifest is None:
        raise MeshscopeError(
            _foreign(folder, f"`{folder}` is not empty, and meshscope did not write it", f"it has no {NAME} of ours")
        )
    ours = {entry.path for entry in manifest.files} | {NAME}
    added = sorted(path for path in present - ours if not path.startswith(f"{KEPT}/"))
    if added:
        named = ", ".join(added[:3]) + (f" and {len(added) - 3} more" if len(added) > 3 else "")
        raise MeshscopeError(
            _foreign(folder, f"`{folder}` holds files that meshscope did not write: {named}", "they would be lost")
        )


def paths(folder: Path) -> Iterator[str]:
    """The path of every file below ``folder``, with forward slashes."""
    for place, _, names in os.walk(folder):
        base = Path(place).relative_to(folder)
        yield from ((base / name).as_posix() for name in names)


def recover(folder: Path) -> None:
    """Remove what dead writers left beside ``folder``; where one died between two renames, put the old tree back."""
    for left in sorted(folder.parent.glob(f".{folder.name}.{_BEFORE}-*")):
        if not folder.exists():
            left.rename(folder)
        else:
            shutil.rmtree(left, ignore_errors=True)
    for left in folder.parent.glob(f".{folder.name}.{_MAKING}-*"):
        with suppress(OSError):
            handle = os.open(left, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(handle)


@contextmanager
def _making(folder: Path) -> Iterator[Path]:
    fresh, handle = _locked(folder)
    try:
        yield fresh
    finally:
        # After the exchange this name is the old tree's.
        shutil.rmtree(fresh, ignore_errors=True)
        os.close(handle)


def _locked(folder: Path) -> tuple[Path, int]:
    while True:
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.{_MAKING}-", dir=folder.parent))
        # Until it is locked, another writer may take the new folder for a dead one's and remove it.
        with suppress(FileNotFoundError):
            fresh.chmod(0o777 & ~_umask())
            handle = os.open(fresh, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if fresh.is_dir() and os.stat(fresh).st_ino == os.fstat(handle).st_ino:
                return fresh, handle
            os.close(handle)


def _umask() -> int:
    value = os.umask(0o022)
    os.umask(value)
    return value


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _keep(old: Path, new: Path) -> list[str]:
    """Copy what is below `KEPT` in one tree and missing or older in the other; the paths of all of it."""
    found = [(f"{KEPT}/{path}", old / KEPT / path) for path in paths(old / KEPT)]
    for path, source in found:
        target = new / path
        with suppress(FileNotFoundError):
            if not target.exists() or target.stat().st_mtime_ns < source.stat().st_mtime_ns:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
    return [path for path, _ in found if (new / path).exists()]


def _settle(fresh: Path, files: Sequence[str]) -> None:
    # Some file systems say only now that the disk is full; and after a power cut a renamed file may else be empty.
    folders = {fresh, *((fresh / path).parent for path in files)}
    for path in [*(fresh / file for file in files), *sorted(folders)]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _replace(fresh: Path, folder: Path) -> None:
    if _moved(fresh, folder):
        return
    if not exchange(fresh, folder):
        before = folder.parent / f".{folder.name}.{_BEFORE}-{fresh.name.rpartition('-')[2]}"
        folder.rename(before)
        fresh.rename(folder)
        shutil.rmtree(before, ignore_errors=True)


def _moved(fresh: Path, folder: Path) -> bool:
    """Whether ``fresh`` could simply be renamed, since nothing is at ``folder``, or an empty folder."""
    try:
        fresh.rename(folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _foreign(folder: Path, title: str, why: str) -> Finding:
    return Finding(
        code="bundle/foreign",
        title=title,
        why=f"{why}; a build replaces the whole folder",
        help="name another folder with -o, or move away what is in this one",
        subject=str(folder),
    )


def _unwritable(folder: Path, error: OSError) -> Finding:
    said = error.strerror or str(error)
    return Finding(
        code="bundle/unwritable",
        title=f"`{folder}` can't be written: {said[:1].lower()}{said[1:]}",
        why="a tree is written beside its place and then exchanged with what is there; what was there is untouched",
        help=_HELP.get(error.errno or 0, "name a folder that you may write to with -o"),
        subject=str(folder),
    )


_MOUNTED = "it is a mount point, which can't be exchanged: name a folder inside it with -o"
_BLOCKED = "a part of its path is a file: name another folder with -o"
_HELP = {
    errno.ENOSPC: "free some space, or name a folder on another disk with -o",
    errno.EDQUOT: "your disk quota is used up: free some space, or name another folder with -o",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EBUSY: _MOUNTED,
    errno.EXDEV: _MOUNTED,
    errno.EEXIST: _BLOCKED,
    errno.ENOTDIR: _BLOCKED,
}
