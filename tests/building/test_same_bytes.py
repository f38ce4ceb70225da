"""The same definitions give the same bytes, whoever builds them, where and when."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("services", "alerts", "dashboards", "collectors")


def house(folder: Path) -> Path:
    """A copy of the reference mesh."""
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "mesh.py", folder)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def built(root: Path, out: Path, arguments: list[str], **environment: str) -> dict[str, bytes]:
    done = subprocess.run(
        [Path(sys.executable).with_name("meshscope"), "build", "-o", out, *arguments],
        cwd=root,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize("emit", ["files", "operator"])
@pytest.mark.parametrize("environment", [[], ["--env", "staging"]])
def test_the_same_definitions_give_the_same_bytes(tmp_path, emit, environment):
    arguments = ["--emit", emit, *environment]
    one = built(
        house(tmp_path / "one"),
        tmp_path / "out-1",
        arguments,
        PYTHONHASHSEED="1",
        TZ="Asia/Tokyo",
        LANG="C",
        HOME=str(tmp_path / "home-of-one"),
        USER="one",
    )
    two = built(
        house(tmp_path / "elsewhere" / "another name"),
        tmp_path / "out-2",
        arguments,
        PYTHONHASHSEED="77",
        TZ="America/New_York",
        LANG="tr_TR.UTF-8",
        LC_ALL="tr_TR.UTF-8",
        HOME="/nonexistent",
        USER="two",
    )
    assert sorted(one) == sorted(two)
    assert {path for path in one if one[path] != two[path]} == set()


def test_a_built_tree_names_no_place_of_the_machine(tmp_path):
    files = built(house(tmp_path / "one"), tmp_path / "out", [], HOME=str(tmp_path))
    for path, content in files.items():
        assert str(tmp_path).encode() not in content, path
