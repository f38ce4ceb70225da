"""Commits of issues in a folder's own git repository, made so that neither a crash nor a person's work is in the way.

A commit is built with an index of its own and put in place by comparing and swapping the branch, so that a dead
`index.lock` blocks nothing and nobody's commit is lost. Afterwards the folder's index is told of the files that were
committed, and of those alone; where somebody holds its lock, it is left as it is. No hook runs, no filter, and no
setting outside the repository counts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from meshscope.deploy.plan import Step

_TRIES = 4
_ZERO = "0" * 40
_SETTINGS = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.splitIndex=false", "core.fsync=all", "gc.auto=0",
    "maintenance.auto=false", "commit.gpgSign=false", "core.logAllRefUpdates=true", "core.quotePath=false",
    "core.filesRefLockTimeout=200", "core.autocrlf=false",
)  # fmt: skip
# What a person is in the middle of; a commit of ours would end up in it.
_BUSY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG", "rebase-merge", "rebase-apply")


class GitError(Exception):
    """Git did not do it; ``str`` of it says what git said."""


class History:
    """The repository whose work tree is ``root``; it is made where there is none. One caller at a time."""

    def __init__(
        self, root: Path, program: str, *, step: Step, seconds: float = 10.0, dead_after: float = 10.0
    ) -> None:
        """Nothing is done yet.

        ``seconds`` is what each call of git may take, ``dead_after`` how old a lock of a branch must be to be dead.
        """
        self._root = root
        self._folder = root / ".git"
        self._program = program
        self._step = step
        self._seconds = seconds
        self._dead_after = dead_after

    def commit(self, paths: Sequence[str], message: str) -> None:
        """Have the files as they are now in the branch. Raises `GitError`; then they can be committed later."""
        if not paths:
            return
        try:
            self._made()
            for _ in range(_TRIES):
                with self._desk() as desk:
                    if self._committed(desk, paths, message):
                        return
        except OSError as error:
            raise GitError(str(error)) from error
        raise GitError("others commit to it all the time")

    def _made(self) -> None:
        if self._folder.is_file():
            raise GitError("the folder belongs to the repository of another one")
        if not (self._folder / "HEAD").exists():
            self._git("init", "-q", "--template=", "--initial-branch=main", repository=False)

    @contextmanager
    def _desk(self) -> Iterator[Path]:
        """A folder for an index of our own. What a dead process left of such is cleared away."""
        for old in self._folder.glob("meshscope-*"):
            lock = self._folder / "index.lock"
            # Its process ended between taking the lock of the folder's index and giving it back.
            with suppress(OSError):
                if lock.samefile(old / "shared"):
                    lock.unlink()
            shutil.rmtree(old, ignore_errors=True)
        desk = Path(mkdtemp(prefix="meshscope-", dir=self._folder))
        try:
            yield desk
        finally:
            shutil.rmtree(desk, ignore_errors=True)

    def _committed(self, desk: Path, paths: Sequence[str], message: str) -> bool:
        busy = next((name for name in _BUSY if (self._folder / name).exists()), "")
        if busy:
            raise GitError(f"somebody is in the middle of something ({busy})")
        branch = self._git("symbolic-ref", "-q", "HEAD")
        parent = self._git("rev-parse", "-q", "--verify", f"{branch}^{{commit}}", missing="")
        index = {"GIT_INDEX_FILE": str(desk / "own")}
        if parent:
            self._git("read-tree", parent, environment=index)
        blobs = self._git("hash-object", "-w", "--no-filters", "--stdin-paths", told="\n".join(paths) + "\n").split()
        entries = "".join(f"100644 {blob}\t{path}\n" for blob, path in zip(blobs, paths, strict=True))
        self._git("update-index", "--add", "--index-info", told=entries, environment=index)
        tree = self._git("write-tree", environment=index)
        if not parent or tree != self._git("rev-parse", f"{parent}^{{tree}}"):
            made = self._git("commit-tree", tree, *(["-p", parent] if parent else []), told=message)
            self._step("commit:made")
            if not self._swapped(branch, made, parent, message):
                return False
        self._share(desk, entries)
        return True

    def _swapped(self, branch: str, made: str, parent: str, message: str) -> bool:
        """Whether the branch was still at ``parent`` and is now at ``made``; if not, it is worth another try."""
        try:
            self._git("update-ref", "-m", message.partition("\n")[0], branch, made, parent or _ZERO)
        except GitError:
            now = self._git("rev-parse", "-q", "--verify", f"{branch}^{{commit}}", missing="")
            if now == parent and not self._unlocked():
                raise
            return now == made
        return True

    def _share(self, desk: Path, entries: str) -> None:
        """Tell the folder's index of what was committed, unless somebody holds it, or a person's commit undid it.

        The lock that git wants is taken and given back in two renames; `_desk` knows one of ours that is dead.
        """
        index, lock, shared = self._folder / "index", self._folder / "index.lock", desk / "shared"
        before = _stamp(index)
        if before:
            shutil.copyfile(index, shared)
        with suppress(GitError):
            self._git(
                "update-index", "--add", "--index-info", told=entries, environment={"GIT_INDEX_FILE": str(shared)}
            )
            try:
                os.link(shared, lock)
            except OSError:
                return
            self._step("index:locked")
            if _stamp(index) == before:
                lock.rename(index)
            else:
                lock.unlink()

    def _unlocked(self) -> bool:
        """Remove the locks of branches that are so old that whoever took them is dead; whether there were any."""
        found = False
        names = [
            self._folder / "HEAD.lock",
            self._folder / "packed-refs.lock",
            *self._folder.glob("refs/heads/**/*.lock"),
        ]
        for lock in names:
            with suppress(OSError):
                if time.time() - lock.stat().st_mtime > self._dead_after:
                    lock.unlink()
                    found = True
        return found

    def _git(
        self,
        *arguments: str,
        told: str = "",
        environment: Mapping[str, str] | None = None,
        missing: str | None = None,
        repository: bool = True,
    ) -> str:
        """What git says; ``missing`` instead where it ends with 1 and has nothing to say. Raises `GitError`."""
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        where = {"GIT_DIR": str(self._folder), "GIT_WORK_TREE": str(self._root)} if repository else {}
        try:
            ended = subprocess.run(  # noqa: S603 - git, which wiring found, with arguments of ours
                [self._program, *settings, *arguments],
                input=told.encode(),
                capture_output=True,
                cwd=self._root,
                env={**_environment(self._root), **where, **(environment or {})},
                timeout=self._seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GitError(str(error)) from error
        if ended.returncode == 1 and missing is not None and not ended.stderr:
            return missing
        if ended.returncode != 0:
            raise GitError(ended.stderr.decode("utf-8", "replace").strip()[:500] or f"git {arguments[0]} failed")
        return ended.stdout.decode("utf-8", "replace").strip()


def _environment(root: Path) -> dict[str, str]:
    """Nothing of the caller's but where programs are: no configuration, no identity of anybody, no questions."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CEILING_DIRECTORIES": str(root.parent),
        "GIT_AUTHOR_NAME": "meshscope",
        "GIT_AUTHOR_EMAIL": "",
        "GIT_COMMITTER_NAME": "meshscope",
        "GIT_COMMITTER_EMAIL": "",
    }


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_ino, told.st_mtime_ns, told.st_size
