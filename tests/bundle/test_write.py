"""Writing a tree: it is whole or as it was, whatever happens in between."""

import contextlib
import fcntl
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshscope.artefacts.files import File, text_file
from meshscope.bundle import write as writing
from meshscope.bundle.manifest import Manifest, Recipe, manifest_of, read, rendered
from meshscope.bundle.write import write
from meshscope.findings import MeshscopeError

RECIPE = Recipe(
    meshscope="1",
    code="",
    libraries=(),
    environment="",
    emit="files",
    time_scale="1",
    cluster="",
    inputs=(("mesh.py", "0"),),
)


def tree(word: str, count: int = 5, size: int = 10) -> list[File]:
    """A tree whose every file holds one word, and its manifest."""
    files = [text_file(f"folder{number}/file.yaml", f"{word}\n" * size) for number in range(count)]
    return [*files, rendered(manifest_of("shop", RECIPE, files, (), (word,)))]


def held(folder: Path) -> dict[str, bytes]:
    """Every file of a tree by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def contents(files: list[File]) -> dict[str, bytes]:
    return {file.path: file.content for file in files}


def beside(folder: Path) -> list[str]:
    """What lies beside a tree, but for the tree itself."""
    return sorted(path.name for path in folder.parent.iterdir() if path != folder)


def refused(folder: Path, files: list[File]) -> str:
    with pytest.raises(MeshscopeError) as raised:
        write(folder, files)
    finding = raised.value.finding
    return f"{finding.code}: {finding.title}; {finding.help}"


def test_a_tree_is_replaced_as_a_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er" / "tree"
    write(folder, tree("old", count=7))
    write(folder, tree("new", count=3))
    assert held(folder) == contents(tree("new", count=3))
    assert beside(folder) == []


def test_a_tree_is_readable_by_whoever_may_read_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "tree", tree("new"))
    assert (tmp_path / "tree").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "tree" / "manifest.json").stat().st_mode & 0o777 == 0o644


def test_a_manifest_says_what_was_written_and_reads_back_the_same(tmp_path: Path) -> None:
    files = tree("new")
    write(tmp_path / "tree", files)
    manifest = read(tmp_path / "tree")
    assert isinstance(manifest, Manifest)
    assert rendered(manifest) == files[-1]
    assert [entry.sha256 for entry in manifest.files] == [file.digest for file in files[:-1]]


def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert refused(tmp_path, tree("new")) == (
        f"bundle/foreign: `{tmp_path}` is not empty, and meshscope did not write it; "
        "name another folder with -o, or move away what is in this one"
    )
    assert held(tmp_path) == {"thesis.txt": b"years of work"}


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 1}', '{"manifest": "of another program"}', "\x00"])
def test_a_folder_with_the_manifest_of_another_program_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    assert refused(tmp_path, tree("new")).startswith("bundle/foreign: ")
    assert held(tmp_path) == {"manifest.json": text.encode()}


def test_a_file_that_somebody_put_into_our_tree_is_not_lost(tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    write(folder, tree("old"))
    (folder / "folder1" / "notes.txt").write_text("mine")
    assert "holds files that meshscope did not write: folder1/notes.txt" in refused(folder, tree("new"))
    assert held(folder) == {**contents(tree("old")), "folder1/notes.txt": b"mine"}


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tree").write_text("mine")
    assert "is a file" in refused(tmp_path / "tree", tree("new"))
    assert "a part of its path is a file" in refused(tmp_path / "tree" / "below", tree("new"))
    assert (tmp_path / "tree").read_text() == "mine"


def test_a_link_stays_a_link_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "tree").symlink_to("disk/tree")
    write(tmp_path / "tree", tree("old"))
    write(tmp_path / "tree", tree("new"))
    assert (tmp_path / "tree").is_symlink()
    assert held(tmp_path / "disk" / "tree") == contents(tree("new"))


@contextlib.contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own; the test is skipped where nobody may mount one."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("only root mounts a disk; the limit on the size of a file stands in for it")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_old_tree_whole_and_no_remains(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=256k") as disk:
        folder = disk / "tree"
        write(folder, tree("old", count=20))
        said = refused(folder, tree("new", count=20, size=10_000))
        assert said == (
            f"bundle/unwritable: `{folder}` can't be written: no space left on device; "
            "free some space, or name a folder on another disk with -o"
        )
        assert held(folder) == contents(tree("old", count=20))
        assert beside(folder) == []
        write(folder, tree("new", count=20))
        assert held(folder) == contents(tree("new", count=20))


def test_a_disk_without_room_for_another_file_leaves_the_old_tree_whole(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "nr_inodes=40") as disk:
        folder = disk / "tree"
        write(folder, tree("old", count=10))
        assert "no space left on device" in refused(folder, tree("new", count=10))
        assert held(folder) == contents(tree("old", count=10))
        assert beside(folder) == []


def test_a_disk_that_may_only_be_read_is_said_to_be_one(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=256k") as disk:
        write(disk / "tree", tree("old"))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert "can't be written: read-only file system" in refused(disk / "tree", tree("new"))
        assert held(disk / "tree") == contents(tree("old"))


def test_a_mount_point_can_not_be_exchanged_and_says_so(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=256k") as disk:
        said = refused(disk, tree("new"))
        assert said.endswith("it is a mount point, which can't be exchanged: name a folder inside it with -o")
        assert held(disk) == {}
        assert beside(disk) == []


def test_a_limit_on_the_size_of_files_leaves_the_old_tree_whole(tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    write(folder, tree("old"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        assert "file too large; raise the limit on the size of files" in refused(folder, tree("new", size=10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert held(folder) == contents(tree("old"))
    assert beside(folder) == []


# Kills itself at the N-th thing that it asks of the file system, and says how many there were when it comes through.
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.bundle.test_write import tree
from meshscope.bundle import write as writing
folder, left, way = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if way == "two renames":
    writing.exchange = lambda fresh, old: False
asked = 0
def hear(event, arguments):
    global asked
    if event.startswith(("os.", "shutil.", "tempfile.", "open", "fcntl.", "ctypes.")):
        asked += 1
        if asked == left:
            os.kill(os.getpid(), signal.SIGKILL)
files = tree("new", count=4)
sys.addaudithook(hear)
writing.write(folder, files)
print(asked)
"""


def killed_at(folder: Path, step: int, way: str) -> int | None:
    """How many steps it takes, or None where it was killed at ``step``."""
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), str(step), way],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return int(ended.stdout) if ended.returncode == 0 else None


@pytest.mark.parametrize("way", ["exchange", "two renames"])
def test_a_writer_that_is_killed_at_any_moment_leaves_a_whole_tree(way: str, tmp_path: Path) -> None:
    write(tmp_path / "once", tree("old", count=4))
    steps = killed_at(tmp_path / "once", 0, way)
    assert steps is not None
    assert steps > 20
    old, new = contents(tree("old", count=4)), contents(tree("new", count=4))
    seen = set()
    for step in range(1, steps + 1, 3):
        folder = tmp_path / f"at{step}" / "tree"
        write(folder, tree("old", count=4))
        killed_at(folder, step, way)
        # Between two renames the folder has no name for a moment; whoever comes next gives it back.
        writing.recover(folder)
        assert held(folder) in (old, new), step
        seen.add(held(folder) == new)
        assert beside(folder) == [], step
        write(folder, tree("new", count=4))
        assert held(folder) == new
    assert seen == {False, True}


def test_a_living_writer_keeps_its_folder_and_a_dead_one_does_not(tmp_path: Path) -> None:
    dead, living = tmp_path / ".tree.making-dead", tmp_path / ".tree.making-living"
    dead.mkdir()
    living.mkdir()
    handle = os.open(living, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    write(tmp_path / "tree", tree("new"))
    assert beside(tmp_path / "tree") == [".tree.making-living"]
    os.close(handle)
    write(tmp_path / "tree", tree("new"))
    assert beside(tmp_path / "tree") == []


def test_many_writers_at_once_leave_one_whole_tree(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.bundle.test_write import tree, write\n"
        "for _ in range(20): write(Path(sys.argv[1]), tree(sys.argv[2]))"
    )
    words = ("one", "two", "three")
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "tree"), word], cwd=Path(__file__).parents[2])
        for word in words
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert held(tmp_path / "tree") in [contents(tree(word)) for word in words]
    assert beside(tmp_path / "tree") == []


def test_targets_that_others_wrote_go_along_and_block_no_build(tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    write(folder, tree("old"))
    targets = folder / "prometheus" / "targets" / "deep"
    targets.mkdir(parents=True)
    (targets / "mine.json").write_text("[]")
    write(folder, tree("new", count=2))
    kept = {"prometheus/targets/deep/mine.json": b"[]"}
    assert held(folder) == contents(tree("new", count=2)) | kept
    assert beside(folder) == []
    (targets / "mine.json").unlink()
    write(folder, tree("newer", count=2))
    assert held(folder) == contents(tree("newer", count=2))


def test_targets_that_are_written_while_the_trees_are_exchanged_are_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tree"
    write(folder, tree("old"))
    replace = writing._replace

    def meanwhile(fresh: Path, place: Path) -> None:
        targets = place / "prometheus" / "targets"
        targets.mkdir(parents=True)
        (targets / "late.json").write_text("[1]")
        replace(fresh, place)

    monkeypatch.setattr(writing, "_replace", meanwhile)
    write(folder, tree("new"))
    assert held(folder) == contents(tree("new")) | {"prometheus/targets/late.json": b"[1]"}


def test_what_else_is_added_to_a_tree_is_never_removed(tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    write(folder, tree("old"))
    (folder / "prometheus").mkdir()
    (folder / "prometheus" / "targets.json").write_text("[]")
    assert refused(folder, tree("new")).startswith("bundle/foreign: ")
