"""The folder of issues: crashes, people at work in it, and files that are not what they were."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from meshscope.adapters.trackers.markdown import MarkdownTracker
from meshscope.feedback.ports import Comment, TrackerError
from meshscope.findings import Finding
from tests.trackers.conftest import SECRET, WHERE, draft

FILE = "github/acme/payments/ledger-1.md"
KEYS = ("ledger-1", "checkout-1")


def git(root: Path, *arguments: str) -> str:
    """Git as a person would run it there, who has told it nothing of themselves."""
    person = {
        "PATH": os.environ["PATH"], "HOME": str(root.parent), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8",
        "GIT_AUTHOR_NAME": "ada", "GIT_AUTHOR_EMAIL": "ada@here", "GIT_COMMITTER_NAME": "ada",
        "GIT_COMMITTER_EMAIL": "ada@here",
    }  # fmt: skip
    done = subprocess.run(["git", *arguments], cwd=root, env=person, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "issues"


def tracker(root: Path, step: Callable[[str], None] = lambda _: None, **more: object) -> MarkdownTracker:
    return MarkdownTracker(root, secret=SECRET, step=step, **more)  # type: ignore[arg-type]


def work(
    root: Path,
    step: Callable[[str], None] = lambda _: None,
    *,
    turns: int = 1,
    first: int = 1,
    keys: Sequence[str] = KEYS,
) -> None:
    """What an agent does, so that doing it again changes nothing."""
    one = tracker(root, step)
    for turn in range(first, first + turns):
        for key in keys:
            issue = one.open(draft(key=key, body=f"Turn {turn}."))
            one.comment(issue, Comment(number=turn, body=f"said {turn}"))
            one.close(issue)


def killed(run: Callable[[], None], after: float | None) -> int:
    """Run in a process and group of its own; kill all of it ``after`` seconds, or leave that to itself."""
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            run()
        finally:
            os._exit(0)
    if after is not None:
        time.sleep(after)
        try:
            os.killpg(child, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def whole(root: Path, turns: int, keys: Sequence[str] = KEYS) -> None:
    """Every issue is there once, as it should be, and committed."""
    names = sorted(
        path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and ".git" not in path.parts
    )
    assert names == sorted(f"github/acme/payments/{key}.md" for key in keys)
    for key in keys:
        found = tracker(root).find(WHERE, key)
        assert found is not None
        assert not found.open
        assert f"Turn {turns}." in found.body
        assert [one.number for one in found.comments] == list(range(1, turns + 1))
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "fsck", "--strict", "--no-dangling").strip() == ""
    for key in keys:
        name = f"github/acme/payments/{key}.md"
        assert git(root, "show", f"HEAD:{name}") == (root / name).read_text()
    assert not list((root / ".git").glob("meshscope-*"))
    assert not list((root / ".git").rglob("*.lock"))


def test_what_is_done_is_committed_by_nobodys_name(root: Path) -> None:
    work(root, turns=2)
    whole(root, 2)
    assert set(git(root, "log", "--format=%an <%ae> %cn <%ce>").splitlines()) == {"meshscope <> meshscope <>"}
    assert "ledger-1: comment 2" in git(root, "log", "--format=%s")


def test_doing_it_again_changes_no_file_and_commits_nothing(root: Path) -> None:
    work(root)
    before, commits = (root / FILE).read_bytes(), git(root, "rev-list", "--count", "HEAD")
    tracker(root).comment(
        tracker(root).find(WHERE, "ledger-1") or pytest.fail("it is gone"), Comment(number=1, body="said 1")
    )
    tracker(root).close(tracker(root).find(WHERE, "ledger-1") or pytest.fail("it is gone"))
    assert ((root / FILE).read_bytes(), git(root, "rev-list", "--count", "HEAD")) == (before, commits)


def test_killed_at_every_step_it_ends_as_if_it_had_not_been(root: Path) -> None:
    steps: list[str] = []
    work(root, steps.append, keys=KEYS[:1])
    shutil.rmtree(root)
    assert {
        "file:before",
        "file:half",
        "file:after",
        "commit:before",
        "commit:made",
        "index:locked",
        "commit:after",
    } <= set(steps)
    for number in range(len(steps)):
        seen: list[str] = []

        def die(name: str, number: int = number, seen: list[str] = seen) -> None:
            seen.append(name)
            if len(seen) > number:
                os.killpg(0, signal.SIGKILL)

        assert os.WIFSIGNALED(killed(lambda: work(root, die, keys=KEYS[:1]), None))
        work(root, keys=KEYS[:1])
        whole(root, 1, KEYS[:1])
        shutil.rmtree(root)


@pytest.mark.parametrize("at", ["file:after", "commit:before", "commit:made", "index:locked"])
def test_what_a_crash_left_uncommitted_is_committed_by_the_next_call_whatever_it_is(root: Path, at: str) -> None:
    def die(name: str) -> None:
        if name == at:
            os.killpg(0, signal.SIGKILL)

    assert os.WIFSIGNALED(killed(lambda: tracker(root, die).open(draft()) and None, None))
    assert tracker(root).find(WHERE, "another") is None
    assert git(root, "show", f"HEAD:{FILE}") == (root / FILE).read_text()
    assert git(root, "status", "--porcelain") == ""


def test_killed_fifty_times_at_any_moment_it_leaves_readable_issues_and_a_sound_repository(root: Path) -> None:
    chance = random.Random(20261126)
    root.mkdir()
    for turn in range(1, 51):
        killed(lambda: work(root, first=turn, keys=KEYS[:1]), chance.uniform(0.002, 0.25))  # noqa: B023
        for path in root.rglob("*.md"):
            assert path.name.startswith(".") or tracker(root, git=False).find(WHERE, path.stem) is not None
        # What was killed with a branch's lock in its hand would be waited for.
        for lock in (root / ".git").rglob("*.lock"):
            os.utime(lock, (0, 0))
        work(root, first=turn, keys=KEYS[:1])
    whole(root, 50, KEYS[:1])


def test_a_dead_lock_of_the_index_is_in_nobodys_way_and_left_alone(root: Path) -> None:
    work(root)
    lock = root / ".git/index.lock"
    lock.write_bytes(b"")
    index = (root / ".git/index").read_bytes()
    work(root, turns=1, first=2)
    assert git(root, "show", f"HEAD:{FILE}") == (root / FILE).read_text()
    assert (lock.exists(), (root / ".git/index").read_bytes()) == (True, index)
    lock.unlink()
    work(root, turns=1, first=3)
    whole(root, 3)


def test_a_fresh_lock_of_the_branch_is_respected_and_the_commit_comes_later(root: Path) -> None:
    told: list[Finding] = []
    work(root)
    lock = root / ".git/refs/heads/main.lock"
    lock.write_bytes(b"")
    one = tracker(root, tell=told.append)
    one.open(draft(body="It is back."))
    one.open(draft(body="It is back again."))
    assert [finding.title for finding in told] == ["issues can't be committed now"]
    assert lock.exists()
    assert "back" not in git(root, "show", f"HEAD:{FILE}")
    lock.unlink()
    one.find(WHERE, "checkout-1")
    assert "It is back again." in git(root, "show", f"HEAD:{FILE}")


def test_an_old_lock_of_the_branch_is_dead(root: Path) -> None:
    work(root)
    lock = root / ".git/refs/heads/main.lock"
    lock.write_bytes(b"")
    os.utime(lock, (0, 0))
    tracker(root).open(draft(body="It is back."))
    assert not lock.exists()
    assert "It is back." in git(root, "show", f"HEAD:{FILE}")


def test_what_a_person_has_staged_and_committed_stays(root: Path) -> None:
    work(root)
    (root / "notes.txt").write_text("mine\n")
    (root / "staged.txt").write_text("mine\n")
    git(root, "add", "notes.txt")
    git(root, "commit", "-q", "-m", "mine")
    git(root, "add", "staged.txt")
    work(root, turns=1, first=2)
    assert git(root, "status", "--porcelain") == "A  staged.txt\n"
    git(root, "commit", "-q", "-m", "mine too")
    assert set(git(root, "ls-tree", "-r", "--name-only", "HEAD").split()) == {
        "notes.txt", "staged.txt", *(f"github/acme/payments/{key}.md" for key in KEYS),
    }  # fmt: skip
    assert git(root, "show", f"HEAD:{FILE}") == (root / FILE).read_text()


def test_hooks_filters_and_settings_of_others_are_not_run(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(root)
    trap = tmp_path / "sprung"
    hooks = root / ".git/hooks"
    hooks.mkdir()
    for name in ("pre-commit", "post-commit", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {trap}\n")
        (hooks / name).chmod(0o755)
    (root / ".gitattributes").write_text("*.md filter=trap\n")
    git(root, "config", "filter.trap.clean", f"touch {trap}; cat")
    (tmp_path / ".gitconfig").write_text(f"[core]\n\tfsmonitor = touch {trap}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    work(root, turns=1, first=2)
    assert not trap.exists()
    monkeypatch.delenv("GIT_DIR")
    assert "Turn 2." in git(root, "show", f"HEAD:{FILE}")


def test_the_repository_around_the_folder_is_left_alone(tmp_path: Path) -> None:
    house = tmp_path / "house"
    house.mkdir()
    git(house, "init", "-q")
    work(house / "issues")
    assert git(house, "rev-list", "--all") == ""
    whole(house / "issues", 1)


def test_while_a_person_merges_nothing_is_committed(root: Path) -> None:
    told: list[Finding] = []
    work(root)
    merge = root / ".git/MERGE_HEAD"
    merge.write_text(git(root, "rev-parse", "HEAD"))
    tracker(root, tell=told.append).open(draft(body="It is back."))
    assert "MERGE_HEAD" in told[0].why
    merge.unlink()
    tracker(root).find(WHERE, "ledger-1")
    assert "It is back." in git(root, "show", f"HEAD:{FILE}")


def test_without_git_it_works_and_says_so_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Finding] = []
    monkeypatch.setenv("PATH", str(root))
    one = tracker(root, tell=told.append)
    one.close(one.open(draft()))
    assert [finding.title for finding in told] == ["git is not here"]
    assert not (root / ".git").exists()


def test_what_people_write_is_kept_byte_for_byte(root: Path) -> None:
    one = tracker(root)
    issue = one.open(draft())
    written = (
        "\n## comment BY Ada L.\n\n  /why \n\n```\n## Comment by nobody\n```\n\ttrailing  \n\n\n"
        "### Comment by bob\n~~~\nopen"
    )
    with (root / FILE).open("a") as file:
        file.write(written)
    one.comment(issue, Comment(number=1, body="said"))
    one.open(draft(body="Another."))
    one.close(issue)
    text = (root / FILE).read_text()
    assert written in text
    found = one.find(WHERE, "ledger-1")
    assert found is not None
    assert [(c.author or c.signed, c.body.split("\n")[0]) for c in found.comments] == [
        ("Ada L.", "/why "), ("bob", "~~~"), ("meshscope", "said"),
    ]  # fmt: skip


def test_what_a_person_adds_to_the_head_and_a_windows_editor_do_no_harm(root: Path) -> None:
    one = tracker(root)
    one.open(draft())
    text = (root / FILE).read_text().replace("state: open", "state: closed\nassignee: ada")
    (root / FILE).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    found = one.find(WHERE, "ledger-1")
    assert found is not None
    assert (found.open, found.body.startswith("It fails.")) == (False, True)
    one.open(draft(body="Back."))
    assert "state: open\n" in (root / FILE).read_text()
    assert "assignee: ada\n" in (root / FILE).read_text()


NONSENSE: Sequence[tuple[str, Callable[[str], str]]] = (
    ("no head", lambda text: text.removeprefix("---\n")),
    ("an endless head", lambda text: text.replace("\n---\n", "\n", 1)),
    ("no state", lambda text: text.replace("state: open\n", "")),
    ("another state", lambda text: text.replace("state: open", "state: maybe")),
    ("no mark", lambda text: text.replace("<!-- meshscope:", "<!-- ")),
    ("another's mark", lambda text: text.replace("ledger-1:", "ledger-2:")),
    ("a merge", lambda text: f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n"),
    ("nothing", lambda text: ""),
)


@pytest.mark.parametrize(("what", "spoil"), NONSENSE, ids=[what for what, _ in NONSENSE])
def test_a_file_that_was_edited_into_nonsense_is_said_with_its_place_and_never_overwritten(
    root: Path, what: str, spoil: Callable[[str], str]
) -> None:
    one = tracker(root)
    issue = one.open(draft())
    one.open(draft(key="ledger-2"))
    spoilt = spoil((root / FILE).read_text())
    (root / FILE).write_text(spoilt)
    calls = (
        lambda: one.find(WHERE, "ledger-1"), lambda: one.open(draft(body="more")), lambda: one.close(issue),
        lambda: one.comment(issue, Comment(number=1, body="said")),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(TrackerError) as error:
            call()
        assert error.value.definite
        assert f"{FILE}:" in error.value.finding.title
    assert (root / FILE).read_text() == spoilt
    assert one.find(WHERE, "ledger-2") is not None
    (root / FILE).rename(root / "moved-away.txt")
    assert one.open(draft()).open


def test_bytes_that_are_no_text_and_files_of_any_size_are_refused(root: Path) -> None:
    one = tracker(root)
    one.open(draft())
    for content in (b"---\n\xff\xfe\n---\n", b"a" * (5 << 20)):
        (root / FILE).write_bytes(content)
        with pytest.raises(TrackerError):
            one.find(WHERE, "ledger-1")


def test_a_link_out_of_the_folder_is_not_followed(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = outside / "ledger-1.md"
    secret.write_text("mine")
    one = tracker(root)
    (root / "github/acme").mkdir(parents=True)
    (root / "github/acme/payments").symlink_to(outside)
    for call in (lambda: one.find(WHERE, "ledger-1"), lambda: one.open(draft())):
        with pytest.raises(TrackerError):
            call()
    (root / "github/acme/payments").unlink()
    (root / "github/acme/payments").mkdir()
    (root / FILE).symlink_to(secret)
    for call in (lambda: one.find(WHERE, "ledger-1"), lambda: one.open(draft())):
        with pytest.raises(TrackerError):
            call()
    os.unlink(root / FILE)
    os.mkfifo(root / FILE)
    with pytest.raises(TrackerError):
        one.find(WHERE, "ledger-1")
    assert secret.read_text() == "mine"


def test_a_change_that_a_person_makes_meanwhile_is_not_overwritten(root: Path) -> None:
    one = tracker(root)
    issue = one.open(draft())

    def meddle(name: str) -> None:
        if name == "file:half":
            with (root / FILE).open("a") as file:
                file.write("\n## Comment by ada\n\n/why\n")

    with pytest.raises(TrackerError) as error:
        tracker(root, meddle).close(issue)
    assert error.value.definite
    closed = tracker(root).close(issue)
    assert [comment.body for comment in closed.comments] == ["/why"]


def test_a_folder_that_can_not_be_written_is_said(root: Path) -> None:
    one = tracker(root)
    (root / "github").write_text("a file")
    with pytest.raises(TrackerError):
        one.open(draft())
    with pytest.raises(TrackerError):
        tracker(root / "github" / "below")


def test_two_processes_at_once_write_one_issue_and_every_comment(root: Path) -> None:
    root.mkdir()
    children = []
    for worker in range(4):
        child = os.fork()
        if child == 0:
            try:
                one = tracker(root)
                issue = one.open(draft())
                for number in range(1 + worker, 21, 4):
                    one.comment(issue, Comment(number=number, body=f"said {number}"))
            finally:
                os._exit(0)
        children.append(child)
    assert all(os.waitpid(child, 0)[1] == 0 for child in children)
    found = tracker(root).find(WHERE, "ledger-1")
    assert found is not None
    assert sorted(one.number for one in found.comments) == list(range(1, 21))
    assert git(root, "status", "--porcelain") == ""


def test_a_comment_is_by_nobody_that_the_tracker_knows(root: Path) -> None:
    one = tracker(root)
    one.open(draft())
    with (root / FILE).open("a") as file:
        file.write("\n## Comment by root\n\n/close\n")
    found = one.find(WHERE, "ledger-1")
    assert found is not None
    assert [(c.author, c.signed, c.body) for c in found.comments] == [("", "root", "/close")]


def test_a_heading_like_ours_is_not_ours_without_the_mark(root: Path) -> None:
    one = tracker(root)
    issue = one.open(draft())
    with (root / FILE).open("a") as file:
        file.write(
            "\n## Comment by eve\n\n## Comment 1 by meshscope\n\nAll is well.\n\n<!-- meshscope:ledger-1:1:00 -->\n"
        )
    found = one.comment(issue, Comment(number=1, body="It fails."))
    assert [(c.number, c.author, c.signed) for c in found.comments] == [(0, "", "eve"), (1, "meshscope", "")]
    assert found.comments[1].body == "It fails."
