"""``meshscope check``, ``test`` and ``ci``: what they say, to whom, and how they end."""

import json
import re
import stat
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.houses import House, small

EXPECTED = Path(__file__).parent / "expected"


@pytest.mark.parametrize(
    ("form", "file"),
    [
        ("text", "check.txt"),
        ("json", "check.json"),
        ("sarif", "check.sarif"),
        ("junit", "check.xml"),
        ("github", "check.github.txt"),
    ],
)
def test_each_form_says_the_same(form: str, file: str, wrong: House, golden: Callable[[Path, str], None]) -> None:
    ended = wrong.run("check", "--format", form, status=1)
    assert ended.stderr == ""
    # One more rule is no other answer.
    golden(EXPECTED / file, re.sub(r'\d+(?= rules of our own)|(?<="rules": )\d+', "0", ended.stdout))


def test_places_are_told_as_whoever_shows_them_counts_paths(wrong: House) -> None:
    above = House(wrong.root.parent, wrong.environment)
    said = above.run("check", "--house", "house", "--format", "github", status=1).stdout
    assert said.startswith("::error file=house/services/cart.py,line=3,")
    sarif = json.loads(above.run("check", "--house", "house", "--format", "sarif", status=1).stdout)
    location = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "house/services/cart.py"


@pytest.mark.engines("promtool")
def test_an_engine_of_another_version_than_the_declared_one_is_named(
    tmp_path: Path, engine: Callable[[str], Path]
) -> None:
    engine("promtool")
    house = small(tmp_path)
    mesh = house.root / "mesh.py"
    declared = mesh.read_text().replace("import Mesh", "import Mesh, Versions")
    mesh.write_text(declared.replace("owner=payments", 'owner=payments, versions=Versions(prometheus="3.5.0")'))
    said = house.run("check", "--strict", status=0).stdout
    assert re.search(
        r"note\[engine/other-version\]: promtool 3\.\d+\.\d+ judged what is built for prometheus 3\.5\.0", said
    )


def test_a_version_that_is_too_old_is_refused_where_it_stands(tmp_path: Path) -> None:
    house = small(tmp_path)
    mesh = house.root / "mesh.py"
    declared = mesh.read_text().replace("import Mesh", "import Mesh, Versions")
    mesh.write_text(declared.replace("owner=payments", 'owner=payments, versions=Versions(prometheus="2.53.0")'))
    said = house.run("check", status=1).stdout
    assert (
        "error[mesh/unsupported-version]: prometheus 2.53.0 is too old: the oldest that is supported is 3.0.0" in said
    )
    line = declared.splitlines().index("    owner=payments,") + 1
    assert f"--> mesh.py:{line}:" in said


def test_a_warning_fails_only_where_it_is_asked_to(tmp_path: Path) -> None:
    house = small(
        tmp_path, services__cart="from meshscope import Service\ncart = Service(name='cart', namespace='shop')\n"
    )
    house = House(house.root, {"PATH": "/usr/bin", "MESHSCOPE_CACHE": "/nowhere"})
    house.run("check", status=0)
    house.run("check", "--strict", status=1)


def test_a_comment_allows_a_finding_and_the_tally_says_so(tmp_path: Path) -> None:
    text = (
        "from meshscope import Service\n"
        "# meshscope: allow service/no-owner until 2999-12-31 the team is being formed\n"
        "cart = Service(name='cart', namespace='shop', runbook='cart.md')\n"
    )
    house = House(small(tmp_path, services__cart=text).root, {"PATH": "/usr/bin", "MESHSCOPE_CACHE": "/nowhere"})
    said = house.run("check", "--strict", status=0).stdout
    assert "1 finding allowed for a while by comments\n" in said
    house.write({"services/cart.py": text.replace("2999", "2020")})
    assert "the permission for service/no-owner ended on 2020-12-31" in house.run("check", status=0).stdout


def test_the_last_line_says_who_did_not_judge(wrong: House) -> None:
    last = wrong.run("check", status=1).stdout.splitlines()[-1]
    assert last == (
        "judged by no engine; not judged: promtool (not found on PATH), amtool (not found on PATH), "
        "otelcol (not found on PATH)"
    )


def test_a_program_that_is_too_old_is_said_to_be_and_not_asked(wrong: House, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "promtool"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'promtool, version 2.42.0'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    extra = {"PATH": f"{program.parent}:/usr/bin:/bin"}
    last = wrong.run("check", status=1, extra=extra).stdout.splitlines()[-1]
    assert f"promtool ({program} is 2.42.0, and 3.11.0 is needed)" in last
    program.write_text("#!/nonexistent\n")
    last = wrong.run("check", status=1, extra=extra).stdout.splitlines()[-1]
    assert f"promtool (`{program}` can't be run: No such file or directory)" in last


def test_unit_tests_that_can_not_run_are_an_error_for_test_and_not_for_check(good: House) -> None:
    alone = House(good.root, {"PATH": "/usr/bin:/bin", "MESHSCOPE_CACHE": "/nowhere"})
    alone.run("check", status=0)
    said = alone.run("test", status=1).stdout
    assert said.startswith("error[engine/absent]: the unit tests are not run: promtool: not found on PATH\n")


@pytest.mark.engines("promtool", "amtool", "otelcol")
def test_a_good_house_passes_every_engine_and_its_own_tests(good: House, engine: Callable[[str], Path]) -> None:
    for name in ("promtool", "amtool", "otelcol"):
        engine(name)
    said = good.run("ci", "-o", "out", status=0).stdout
    assert len(said.splitlines()) < 24, "one screen"
    assert "unit tests passed" in said
    assert said.splitlines()[-1].startswith("judged by promtool ")
    assert (good.root / "out" / "manifest.json").is_file()


@pytest.mark.engines("promtool")
def test_the_unit_tests_come_as_junit(good: House, engine: Callable[[str], Path]) -> None:
    engine("promtool")
    suites = ElementTree.fromstring(good.run("test", "--format", "junit", status=0).stdout)
    (suite,) = [suite for suite in suites if suite.get("name") == "promtool test rules"]
    assert int(suite.get("tests", "0")) > 10
    assert suite.get("failures") == "0"
    assert all(case.get("classname", "").startswith("prometheus/tests/") for case in suite)


def test_ci_on_definitions_that_fail_says_so_once_and_keeps_what_was_built(wrong: House) -> None:
    right = (wrong.root / "services" / "cart.py").read_text()
    wrong.write({"services/cart.py": right.replace("200 * ms", "250 * ms")})
    wrong.run("ci", "-o", "out", status=0)
    wrong.write({"services/cart.py": right})
    said = wrong.run("ci", "-o", "out", status=1)
    assert said.stdout.startswith("nothing is built; the tree that is there is as it was\n")
    assert said.stdout.count("error[slo/off-bucket]") == 1
    wrong.write({"services/bad.py": "from meshscope import Nothing\n"})
    said = wrong.run("ci", "-o", "out", status=1)
    assert said.stdout.startswith("nothing is built; the tree that is there is as it was\n")
    assert said.stdout.count("error[load/failed]") == 1


def test_ci_for_a_program_gives_it_the_form_alone_and_tells_a_person_the_rest(wrong: House) -> None:
    said = wrong.run("ci", "-o", "out", "--format", "json", status=1)
    assert json.loads(said.stdout)["command"] == "ci"
    assert said.stderr.startswith("nothing is built\n")
    assert "error[slo/off-bucket]" in said.stderr
