"""Every command of the README is run as it stands there, in its order, and prints what it says."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import engine_folder
from tests.discovery.conftest import serving
from tests.discovery.world import world

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
# The reader's own address; the one thing that is replaced, by a Prometheus that knows a day of a mesh.
ADDRESS = "http://prometheus.example:9090"


@dataclass
class Command:
    text: str
    expected: list[str]


def commands() -> list[Command]:
    """The commands of the README's console blocks, each with the lines that it is said to print."""
    found: list[Command] = []
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:], []))
            else:
                found[-1].expected.append(line)
    return found


def matches(expected: list[str], printed: list[str]) -> bool:
    """Whether ``printed`` is as said; a line ``...`` stands for any lines, ``...`` in one for any text."""
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else ".*".join(re.escape(part) for part in line.split("...")) + r"\n"
        for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None


def test_make_targets_do_what_the_readme_says():
    wanted = [command.text for command in commands() if command.text.startswith("make ")]
    assert wanted == ["make demo", "make test"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    for command, does in (("make demo", "meshscope demo"), ("make test", "pytest --engines=required")):
        done = subprocess.run([*command.split(), "-n"], cwd=ROOT, env=plain, capture_output=True, text=True, check=True)
        assert done.stdout.rstrip().endswith(does)


@pytest.mark.engines("prometheus", "promtool", "amtool", "otelcol", "otelcol-logs")
def test_every_command_prints_what_the_readme_says(tmp_path, engine):
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    place = home / "work"
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "MESHSCOPE_CACHE": str(engine_folder().parents[1]),
        "COLUMNS": "120",
    }
    with serving(engine("prometheus"), engine("promtool"), tmp_path / "prometheus", world().counters) as address:
        for command in commands():
            if command.text.startswith(("make ", "pip ")):
                continue
            if command.text.startswith("cd "):
                place = (home / "work" / command.text.removeprefix("cd ")).resolve()
                continue
            where = home / "work" if re.match(r"meshscope new (acme|shop)", command.text) else place
            done = subprocess.run(
                shlex.split(command.text.replace(ADDRESS, address)),
                cwd=where,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert matches(command.expected, done.stdout.splitlines()), f"$ {command.text}\n{done.stdout}"
            assert "Traceback" not in done.stdout


def test_links_and_pictures_of_the_readme_are_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_definitions_in_the_readme_build(tmp_path):
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 2
    for path, text in blocks:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(f'"""From the README."""\n{text}')
    (tmp_path / "mesh.py").write_text('from meshscope import Mesh\n\nmesh = Mesh(name="readme", provider="istio")\n')
    program = Path(sys.executable).with_name("meshscope")
    done = subprocess.run([program, "build"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert shutil.which("meshscope", path=str(program.parent))
