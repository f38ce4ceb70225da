"""``meshscope build``: what it writes, when it writes nothing, and that the bytes are always the same."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.houses import House, small


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_build_says_what_was_defined_what_it_became_and_where_it_is(good: House) -> None:
    said = good.run("build", "-o", "out", status=0).stdout.splitlines()
    assert said[0] == "shop: 1 service, 0 calls, 1 SLO, 1 owner"
    assert said[1].startswith("-> ")
    assert "at 10,000 services too" in said[1]
    assert said[2] == "how soon each SLO's trouble is told:"
    assert said[3].startswith("  eu-1/shop/ledger availability: pages ")
    assert said[-1].startswith("wrote ")
    assert said[-1].endswith(" to out")


def test_trees_of_environments_do_not_overwrite_each_other(good: House) -> None:
    good.write({"services/staging.py": "from meshscope import Environment\nstaging = Environment(name='staging')\n"})
    good.run("build", status=0)
    good.run("build", "--env", "staging", status=0)
    assert {path.name for path in (good.root / "build").iterdir()} == {"mesh", "staging"}


def test_objects_go_apart_from_files(good: House) -> None:
    good.run("build", status=0)
    files = tree(good.root / "build" / "mesh")
    good.run("build", "--emit", "operator", status=0)
    assert {path.name for path in (good.root / "build").iterdir()} == {"mesh", "mesh.objects"}
    assert tree(good.root / "build" / "mesh") == files


def test_the_same_definitions_give_the_same_bytes_whatever_surrounds_them(tmp_path: Path) -> None:
    here = small(tmp_path / "here")
    there = small(tmp_path / "a folder with ü and spaces" / "there")
    here.run("build", "-o", "../first", status=0)
    strange = {"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "4711", "HOME": "/nowhere"}
    there.run("build", "-o", str(tmp_path / "second"), status=0, extra=strange)
    assert tree(tmp_path / "first") == tree(tmp_path / "second")


def test_a_manifest_knows_each_files_digest_and_definitions(good: House) -> None:
    good.run("build", "-o", "out", status=0)
    manifest = json.loads((good.root / "out" / "manifest.json").read_text())
    files = {entry["path"]: entry for entry in manifest["files"]}
    assert set(files) | {"manifest.json"} == set(tree(good.root / "out"))
    assert "services/people.py:7" in files["prometheus/rules/objectives.yaml"]["origins"]
    assert set(manifest["inputs"]) == {"mesh.py", "services/people.py"}
    assert str(good.root) not in json.dumps(manifest)


def test_model_json_holds_what_a_consumer_needs(good: House) -> None:
    good.run("build", "-o", "out", status=0)
    model = json.loads((good.root / "out" / "model.json").read_text())
    (service,) = model["services"]
    assert (service["cluster"], service["namespace"], service["name"]) == ("eu-1", "shop", "ledger")
    assert service["owner"] == "payments"
    assert service["replicas"] == 2
    assert service["stateful"] is False
    assert service["slos"][0]["objective"] == 0.999
    assert service["slos"][0]["period"] == "30d"
    assert service["definition"] == "services/people.py:7"
    (owner,) = model["owners"]
    assert owner["issues"] == "github:acme/payments"
    assert model["provider"]["labels"]["service"] == "destination_service_name"
    assert model["mesh"]["mode"] == "observe"
    burn = [alert for alert in model["alerts"] if alert["alertname"] == "ErrorBudgetBurn"]
    assert {alert["severity"] for alert in burn} == {"page", "ticket"}


@pytest.fixture
def built(good: House) -> House:
    good.run("build", "-o", "out", status=0)
    return good


def changed(house: House, *arguments: str) -> bool:
    said = house.run("build", "-o", "out", *arguments, status=0).stdout
    return "nothing changed since" not in said


def test_nothing_is_loaded_and_nothing_written_where_nothing_changed(built: House) -> None:
    before = {path: path.stat().st_mtime_ns for path in (built.root / "out").rglob("*")}
    assert not changed(built)
    assert {path: path.stat().st_mtime_ns for path in (built.root / "out").rglob("*")} == before


def test_a_build_is_found_to_be_old_by_its_inputs_outputs_and_options(built: House) -> None:
    people = built.root / "services" / "people.py"
    people.write_text(people.read_text().replace("99.9", "99.5"))
    assert changed(built)
    built.write({"services/more.py": "from meshscope import Service\ncart = Service(name='cart', namespace='shop')\n"})
    assert changed(built)
    (built.root / "services" / "more.py").unlink()
    assert changed(built)
    (built.root / "out" / "model.json").unlink()
    assert changed(built)
    assert changed(built, "--time-scale", "1/20")
    assert changed(built, "--emit", "operator")
    assert changed(built)
    assert not changed(built)


def test_a_file_that_a_definition_reads_counts_too(built: House) -> None:
    text = (
        "from pathlib import Path\nfrom meshscope import Service\n"
        "tier = int((Path(__file__).parent.parent / 'tier.txt').read_text())\n"
        "cart = Service(name='cart', namespace='shop', tier=tier)\n"
    )
    built.write({"services/cart.py": text, "tier.txt": "1"})
    assert changed(built)
    assert not changed(built)
    built.write({"tier.txt": "3"})
    assert changed(built)


def test_a_warning_is_said_again_where_nothing_changed(tmp_path: Path) -> None:
    house = small(tmp_path, services__empty="# nothing yet\n")
    first = house.run("build", status=0)
    again = house.run("build", status=0)
    assert "load/defines-nothing" in first.stderr
    assert again.stderr == first.stderr
    house.run("build", "--strict", status=1)


def test_what_was_changed_by_hand_is_written_anew_and_said(built: House) -> None:
    edited = built.root / "out" / "prometheus" / "rules" / "slo.yaml"
    edited.write_text("groups: []\n")
    said = built.run("build", "-o", "out", status=0).stdout
    assert said.endswith("written anew, though changed by hand: prometheus/rules/slo.yaml\n")
    assert edited.read_text() != "groups: []\n"


def test_a_definition_that_fails_leaves_the_tree_as_it_was(built: House) -> None:
    before = tree(built.root / "out")
    built.write({"services/bad.py": "from meshscope import Nothing\n"})
    said = built.run("build", "-o", "out", status=1)
    assert said.stdout == "nothing is built; the tree that is there is as it was\n"
    assert tree(built.root / "out") == before


def test_a_folder_that_is_not_ours_is_refused_in_words(good: House) -> None:
    good.write({"out/thesis.txt": "years of work"})
    said = good.run("build", "-o", "out", status=1)
    assert said.stderr == (
        f"error[bundle/foreign]: `{good.root / 'out'}` is not empty, and meshscope did not write it\n"
        "  = why:  it has no manifest.json of ours; a build replaces the whole folder\n"
        "  = help: name another folder with -o, or move away what is in this one\n\n"
    )
    assert said.stdout == ""
    assert tree(good.root / "out") == {"thesis.txt": b"years of work"}


def test_an_output_that_can_not_be_written_is_said_in_words(good: House) -> None:
    said = good.run("build", "-o", "/proc/meshscope/out", status=1).stderr
    assert said.startswith(
        "error[bundle/unwritable]: `/proc/meshscope/out` can't be written: no such file or directory"
    )


def test_a_full_disk_leaves_the_old_tree_whole(good: House, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False).returncode:
        pytest.skip("only root mounts a disk of its own")
    try:
        good.run("build", "-o", str(disk / "out"), status=0)
        before = tree(disk / "out")
        _fill(disk / "ballast", left=64 << 10)
        said = good.run("build", "-o", str(disk / "out"), "--time-scale", "1/2", status=1)
        assert "can't be written: no space left on device" in said.stderr
        assert "free some space, or name a folder on another disk with -o" in said.stderr
        assert tree(disk / "out") == before
        assert sorted(path.name for path in disk.iterdir()) == ["ballast", "out"]
    finally:
        subprocess.run(["umount", disk], check=True)


def _fill(ballast: Path, left: int) -> None:
    free = os.statvfs(ballast.parent)
    ballast.write_bytes(b"x" * (free.f_bavail * free.f_frsize - left))


def test_a_house_elsewhere_is_built_from_anywhere(good: House, tmp_path: Path) -> None:
    House(tmp_path).run("build", "--house", "house", status=0)
    assert (good.root / "build" / "mesh" / "manifest.json").is_file()
