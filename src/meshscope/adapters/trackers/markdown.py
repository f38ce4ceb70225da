"""Issues as files of Markdown in a folder with a git repository of its own: readable as they are, by anybody.

Promised: at least once, converging. A file is named by the issue's key, so that there is one for each; it appears whole
or not at all, on disk before a call returns. What a crash leaves uncommitted is committed by the next call. People
answer by writing at a file's end; whoever may write the file may say that they are anybody. An editor that saves what
it read before we wrote takes back what we wrote: the history has it, and the body is mended by the next call.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISDIR

from meshscope.adapters.trackers.history import GitError, History
from meshscope.adapters.trackers.page import LARGEST, Page, comments, read, with_comment, written
from meshscope.deploy.plan import Step
from meshscope.feedback.ports import Comment, Draft, Issue
from meshscope.feedback.tracking import checked_key, checked_number, gone, marked, marker, parts_of, refused, unmarked
from meshscope.findings import Finding

_PATIENCE = 10.0
_log = logging.getLogger("meshscope.trackers")


def _told(finding: Finding) -> None:
    _log.warning("%s: %s", finding.title, finding.why)


class MarkdownTracker:
    """Issues below ``root``: those of ``github:acme/payments`` are in ``github/acme/payments``."""

    lag = 0.0

    def __init__(
        self,
        root: Path,
        *,
        secret: bytes,
        git: bool = True,
        address: str = "",
        tell: Callable[[Finding], None] = _told,
        step: Step = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make the folder where there is none. ``secret`` marks what is ours.

        ``address`` is where people read the folder in a browser (empty: its files). ``tell`` is told once of what does
        not keep it from working. Raises `TrackerError` where the folder can't be had.
        """
        self._root = root.absolute()
        self._secret = secret
        self._address = address
        self._tell = tell
        self._step = step
        self._clock = clock
        self._said: set[str] = set()
        self._pending: set[str] | None = None
        """Files that may not be committed; None until the folder was looked through."""
        program = shutil.which("git") if git else None
        if git and program is None:
            self._say("git is not here", "issues are written as ever, without a history")
        self._history = History(self._root, program, step=step) if program else None
        with _answering(definite=True):
            self._root.mkdir(parents=True, exist_ok=True)

    def find(self, where: str, key: str) -> Issue | None:
        """The issue's file, read; None where there is none."""
        path = self._path(where, key)
        with self._turn():
            page = self._read(path, key)
            return None if page is None else self._issue(page, where, key)

    def open(self, draft: Draft) -> Issue:
        """Write the issue's file. What people wrote in it stays."""
        path, key = self._path(draft.where, draft.key), draft.key
        with self._turn():
            page, now = self._read(path, key), self._now()
            ours = {
                "title": _text(" ".join(draft.title.split())), "open": True, "labels": draft.labels,
                "body": _text(unmarked(draft.body, key, self._secret)),
            }  # fmt: skip
            if page is None:
                fresh = Page(**ours, opened=now, updated=now)  # type: ignore[arg-type]
                self._write(path, fresh, key, None, "opened")
                return self._issue(fresh, draft.where, key)
            same = replace(page, **ours)  # type: ignore[arg-type]
            if same != page:
                same = replace(same, updated=now)
                self._write(path, same, key, page, "brought up to date" if page.open else "opened again")
            return self._issue(same, draft.where, key)

    def comment(self, issue: Issue, comment: Comment) -> Issue:
        """Write the comment at the file's end."""
        checked_number(comment.number)
        path = self._path(issue.where, issue.key)
        with self._turn():
            page = self._there(path, issue)
            if all(one.number != comment.number for one in comments(page.tail, issue.key, self._secret)):
                more = replace(with_comment(page, comment, issue.key, self._secret), updated=self._now())
                self._write(path, more, issue.key, page, f"comment {comment.number}")
                page = more
            return self._issue(page, issue.where, issue.key)

    def close(self, issue: Issue) -> Issue:
        """Write in the file that it is closed."""
        path = self._path(issue.where, issue.key)
        with self._turn():
            page = self._there(path, issue)
            if page.open:
                closed = replace(page, open=False, updated=self._now())
                self._write(path, closed, issue.key, page, "closed")
                page = closed
            return self._issue(page, issue.where, issue.key)

    # One call at a time

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One process and one thread at a time; before anything else, what was left undone is done."""
        with _answering():
            folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._wait_for(folder)
                if self._pending is None:
                    self._pending = set(self._left())
                self._commit("what was not committed")
                yield
            finally:
                os.close(folder)

    def _wait_for(self, folder: int) -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            if time.monotonic() > end:
                raise refused(
                    "tracker/busy",
                    f"another process holds {self._root}",
                    why=f"it did not let go of it within {_PATIENCE:g} seconds",
                    help="end it, if it hangs",
                )
            time.sleep(0.005)

    def _left(self) -> Iterator[str]:
        """The issues of ours that are here: some may not be committed. Half-written files are cleared away."""
        for folder, folders, names in os.walk(self._root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                path = Path(folder, name)
                if name.startswith(".") and name.endswith(".md.new"):
                    path.unlink(missing_ok=True)
                elif name.endswith(".md") and not name.startswith(".") and self._is_ours(path):
                    yield path.relative_to(self._root).as_posix()

    def _is_ours(self, path: Path) -> bool:
        try:
            text = path.read_bytes()[:LARGEST].decode("utf-8", "replace")
        except OSError:
            return False
        return marked(text.replace("\r\n", "\n"), path.stem, self._secret)

    # Files

    def _path(self, where: str, key: str) -> Path:
        return self._root.joinpath(*parts_of(where), f"{checked_key(key)}.md")

    def _read(self, path: Path, key: str) -> Page | None:
        content = self._content(path)
        return None if content is None else read(content, key, self._secret, self._name(path))

    def _content(self, path: Path) -> bytes | None:
        for folder in reversed(path.relative_to(self._root).parents[:-1]):
            with suppress(FileNotFoundError):
                if not S_ISDIR((self._root / folder).lstat().st_mode):
                    raise self._elsewhere(self._root / folder)
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._elsewhere(path) from error
        with open(file, "rb") as opened:
            content = opened.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise refused(
                "tracker/unreadable-issue",
                f"{self._name(path)} is larger than {LARGEST >> 20} MiB",
                why="an issue that nobody can read helps nobody, and it is not overwritten",
                help="move it away; it is opened anew",
            )
        return content

    def _elsewhere(self, path: Path) -> Exception:
        return refused(
            "tracker/unreadable-issue",
            f"{self._name(path)} is no file or folder of ours",
            why="it can't be read, or leads out of the folder of issues",
            help="move it away",
        )

    def _there(self, path: Path, issue: Issue) -> Page:
        page = self._read(path, issue.key)
        if page is None:
            raise gone(issue.where, issue.key)
        return page

    def _write(self, path: Path, page: Page, key: str, before: Page | None, what: str) -> None:
        """Put the file in place, whole, unless somebody changed it since it was read; then commit it."""
        content = written(page, key, self._secret)
        self._step("file:before")
        self._make_folders(path.parent)
        half = path.with_name(f".{path.name}.new")
        half.unlink(missing_ok=True)
        file = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with open(file, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(file)
        self._step("file:half")
        if self._read(path, key) != before:
            half.unlink()
            raise refused(
                "tracker/changed",
                f"somebody changed {self._name(path)} just now",
                why="it is not overwritten",
                help="nothing is to be done: the call is made again",
            )
        half.rename(path)
        _sync(path.parent)
        self._step("file:after")
        assert self._pending is not None  # noqa: S101 - within a turn
        self._pending.add(self._name(path))
        self._commit(f"{key}: {what}")

    def _make_folders(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make_folders(folder.parent)
            folder.mkdir(exist_ok=True)
            _sync(folder.parent)

    def _commit(self, message: str) -> None:
        """Commit what is not. It is no failure of the call if that can't be done now: the next one does it."""
        if not self._pending or self._history is None:
            return
        self._step("commit:before")
        paths = sorted(name for name in self._pending if (self._root / name).is_file())
        try:
            self._history.commit(paths, message)
        except GitError as error:
            self._say("issues can't be committed now", f"they are written, and committed later; git says: {error}")
            return
        self._pending.clear()
        self._step("commit:after")

    def _say(self, title: str, why: str) -> None:
        if title not in self._said:
            self._said.add(title)
            self._tell(Finding(code="tracker/no-history", title=title, why=why, help="see that git works there"))

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def _issue(self, page: Page, where: str, key: str) -> Issue:
        path = self._path(where, key)
        name = self._name(path)
        return Issue(
            key=key,
            where=where,
            ref=name,
            url=f"{self._address.rstrip('/')}/{name}" if self._address else path.as_uri(),
            open=page.open,
            title=page.title,
            body=f"{page.body}\n\n{marker(key, self._secret)}",
            comments=comments(page.tail, key, self._secret),
        )

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(text: str) -> str:
    """As it comes back from a file."""
    return text.replace("\r\n", "\n").encode("utf-8", "replace").decode().strip()


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def _answering(*, definite: bool = False) -> Iterator[None]:
    """Whatever the file system says becomes a `TrackerError`."""
    try:
        yield
    except OSError as error:
        raise refused(
            "tracker/unwritable",
            f"an issue can't be read or written: {error.strerror or error}",
            why=f"the file system said so of {error.filename or 'the folder'}",
            help="see that there is room, and that the agent may write there",
            definite=definite,
        ) from error
