"""Where built engines are kept: outside the tree, whole or not at all, and one build at a time.

engines/<name>-<version>-<digest>/bin/   one engine's programs, renamed into place when it is complete
engines/bin/                             links to the programs in use: what consumers put on their PATH
engines/go-<version>/                    the Go compiler, where PATH has none
engines/logs/                            what compilers said
engines/.making-*/                       work in progress; whoever holds the lock sweeps what dead builds left
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forge.failure import Failure
from forge.narrator import Narrator
from forge.pins import Engine

NEEDED_BYTES = 2 * 1024**3
_MAKING = ".making-"


def engines_folder() -> Path:
    """Return the folder of all built engines: in $MESHSCOPE_CACHE, else $XDG_CACHE_HOME/meshscope, else ~/.cache."""
    own = os.environ.get("MESHSCOPE_CACHE")
    shared = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    root = Path(own) if own else Path(shared) / "meshscope"
    return root.expanduser().absolute() / "engines"


def bin_folder() -> Path:
    """Return the one folder that consumers need: the programs of the engines in use."""
    return engines_folder() / "bin"


def logs_folder() -> Path:
    """Return the folder of the compilers' logs, made if need be."""
    folder = engines_folder() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def home_of(engine: Engine) -> Path:
    """Return the engine's own folder; it exists when, and only when, the engine is complete."""
    return engines_folder() / engine.key


def is_current(engine: Engine) -> bool:
    """Say whether the engine is complete and the programs in the bin folder are its programs."""
    own = home_of(engine) / "bin"
    return all((own / name).is_file() and _points_to(bin_folder() / name, own / name) for name in engine.programs)


def _points_to(link: Path, program: Path) -> bool:
    return link.is_symlink() and link.resolve() == program.resolve()


def publish(engine: Engine) -> None:
    """Point the bin folder at the engine's programs; at no moment is one of them missing."""
    bin_folder().mkdir(parents=True, exist_ok=True)
    for name in engine.programs:
        fresh = bin_folder() / f"{_MAKING}{name}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path("..") / engine.key / "bin" / name)
        fresh.replace(bin_folder() / name)


@contextmanager
def lock(narrator: Narrator) -> Iterator[None]:
    """Hold the only right to build into this cache; wait for another build to end. The system frees a dead one's."""
    engines_folder().mkdir(parents=True, exist_ok=True)
    with (engines_folder() / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            narrator.say("another build is running; waiting for it to end")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def making(name: str) -> Iterator[Path]:
    """Give a temporary folder on the cache's own disk, whose content can be renamed into place; then remove it."""
    folder = Path(tempfile.mkdtemp(prefix=f"{_MAKING}{name}-", dir=engines_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove the temporary folders of builds that died. Only for the holder of the lock."""
    for stale in engines_folder().glob(f"{_MAKING}*"):
        shutil.rmtree(stale, ignore_errors=True)


def require_space(*folders: Path) -> None:
    """Raise Failure unless each folder's disk, or where the folder is going to be, has 2 GiB free."""
    for folder in folders:
        there = next(parent for parent in [folder, *folder.parents] if parent.exists())
        free = shutil.disk_usage(there).free
        if free < NEEDED_BYTES:
            raise Failure(
                f"not enough disk for a build: {free / 1024**3:.1f} GiB free at {there}",
                "a build needs 2 GiB at the least; all engines from nothing want 11, most of it in Go's own caches",
                "free some space, or name a folder on another disk in MESHSCOPE_CACHE, GOCACHE and GOMODCACHE",
            )
