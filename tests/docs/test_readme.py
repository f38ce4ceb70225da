"""Every command of the README is run as it stands there, in its order, and prints what it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.discovery.conftest import serving
from tests.discovery.world import world
from tests.docs.transcripts import commands, play

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
# The reader's own address; the one thing that is replaced, by a Prometheus that knows a day of a mesh.
ADDRESS = "http://prometheus.example:9090"


def test_make_targets_do_what_the_readme_says():
    wanted = [command.text for command in commands(README) if command.text.startswith("make ")]
    assert wanted == ["make demo", "make test"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    for command, does in (("make demo", "meshscope demo"), ("make test", "pytest --engines=required -m alone")):
        done = subprocess.run([*command.split(), "-n"], cwd=ROOT, env=plain, capture_output=True, text=True, check=True)
        assert does in done.stdout


@pytest.mark.engines("prometheus", "promtool", "amtool", "otelcol", "otelcol-logs")
def test_every_command_prints_what_the_readme_says(tmp_path, engine):
    with serving(engine("prometheus"), engine("promtool"), tmp_path / "prometheus", world().counters) as address:
        play(commands(README), tmp_path / "home", lambda text: text.replace(ADDRESS, address))


def test_links_and_pictures_of_the_readme_are_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_definitions_in_the_readme_build(tmp_path):
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 2
    for path, text in blocks:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(f'"""From the README."""\n{text}')
    mesh = 'mesh = Mesh(name="readme", provider="istio", owner=payments)\n'
    imports = "from meshscope import Mesh\nfrom services.payments import payments\n"
    (tmp_path / "mesh.py").write_text(f'"""A mesh."""\n\n{imports}\n{mesh}')
    program = Path(sys.executable).with_name("meshscope")
    done = subprocess.run([program, "build"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert shutil.which("meshscope", path=str(program.parent))
