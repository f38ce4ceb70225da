"""Definitions that can't be read: each is said where it is wrong, in words, and nothing else is lost.

Each folder of ``cases`` holds the files of one bad house on top of a small good one, and in ``expected.txt`` exactly
what is printed.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.houses import House, small

CASES = Path(__file__).parent / "cases"
# What can't be kept in a repository, or is written anew where the test runs.
MADE: dict[str, Callable[[Path], object]] = {
    "binary": lambda root: (root / "services" / "bad.py").write_bytes(b"\xff\xfe\x00x"),
    "broken_link": lambda root: (root / "services" / "bad.py").symlink_to("elsewhere.py"),
}


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_what_is_wrong_is_said_where_it_is_wrong(
    case: str, tmp_path: Path, golden: Callable[[Path, str], None]
) -> None:
    house = small(tmp_path / "house")
    shutil.copytree(CASES / case, house.root, dirs_exist_ok=True)
    (house.root / "expected.txt").unlink()
    MADE.get(case, lambda _: None)(house.root)
    begun = time.monotonic()
    ended = house.run("build", "--load-seconds", "2", status=1)
    assert time.monotonic() - begun < 30
    assert ended.stdout == "nothing is built\n"
    golden(CASES / case / "expected.txt", ended.stderr)
    assert not (house.root / "build").exists()


def test_a_file_that_fails_hides_nothing_that_is_wrong_elsewhere(tmp_path: Path) -> None:
    house = small(
        tmp_path,
        services__first="from meshscope import Nothing\n",
        services__second="x = (\n",
        alerts__third="1 / 0\n",
    )
    said = house.run("build", status=1).stderr
    assert [line.partition(":")[0] for line in said.splitlines() if line.startswith("error")] == [
        "error[load/failed]",
        "error[load/failed]",
        "error[load/syntax]",
    ]


def test_what_a_definition_prints_is_talk_and_not_a_result(tmp_path: Path) -> None:
    house = small(tmp_path, services__loud="print('loud')\nimport os\nos.write(1, b'louder')\nX = 1\n")
    ended = house.run("explain", "ledger", status=0)
    assert "loud" not in ended.stdout
    assert "loud\n" in ended.stderr
    assert "louder" in ended.stderr


def test_a_definition_can_not_leave_anything_behind(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    attempts = {
        "writes": f"open({str(mark)!r}, 'w').write('x')\n",
        "runs": f"import subprocess\nsubprocess.run(['touch', {str(mark)!r}])\n",
        "forks": f"import os\nif os.fork() == 0:\n    open({str(mark)!r}, 'w')\n",
        "calls": f"import os\nos.system('touch {mark}')\n",
        "caught": f"import os\ntry:\n    os.mkdir({str(mark)!r})\nexcept BaseException:\n    pass\n",
    }
    for name, text in attempts.items():
        said = small(tmp_path / name, services__bad=text).run("build", status=1).stderr
        assert "error[load/not-pure]: a definition" in said, name
        assert "--> services/bad.py:" in said, name
    assert not mark.exists()


def test_a_definition_that_never_ends_takes_its_children_with_it(tmp_path: Path) -> None:
    # A C loop hears no signal but the last one.
    house = small(tmp_path, services__bad="import collections, itertools\ncollections.deque(itertools.count(), 0)\n")
    house.run("build", "--load-seconds", "1", status=1)
    alive = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in _read(path)]
    assert alive == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_folder_without_a_mesh_says_how_to_begin(tmp_path: Path) -> None:
    said = House(tmp_path).run("build", status=1).stderr
    assert said == (
        f"error[load/no-house]: there is no mesh.py in {tmp_path}\n"
        "  = why:  a house is a folder with mesh.py and, beside it, services/, alerts/, dashboards/, collectors/\n"
        "  = help: run `meshscope new NAME` to write one, or name its folder with --house DIR\n\n"
    )


def test_nothing_of_the_caller_gets_into_a_definition(tmp_path: Path) -> None:
    house = small(
        tmp_path,
        services__env="import os\nimport time\nfrom meshscope import Service\n"
        "said = f'{sorted(os.environ)} {time.tzname} {hash(\"x\")}'\n"
        "cart = Service(name='cart', namespace='shop', runbook=said)\n",
    )
    strange = {"SECRET": "1", "TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "7"}
    first = house.run("explain", "cart", status=0).stdout
    assert first == house.run("explain", "cart", status=0, extra=strange).stdout
    assert "SECRET" not in first
