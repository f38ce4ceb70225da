"""The pipeline that ``new ci`` writes can run today: what it installs can be had, and the engines are new enough."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from meshscope.check.engine import MINIMUM
from meshscope.cli.source import Source, source_of
from meshscope.model.versions import Versions
from meshscope.wiring.engines import at_least
from tests.houses import small

CHECKOUT = {"url": "file:///home/ada/my%20code/meshscope", "dir_info": {"editable": True}}
COMMIT = {
    "url": "https://ada:secret@git.acme.internal/tools/meshscope.git",
    "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": "4f0c1d"},
}
ARCHIVE = {"url": "https://files.acme.internal/meshscope-0.1.0-py3-none-any.whl", "archive_info": {}}
WHEEL = "wheels/meshscope-0.1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("direct_url", "requirement"),
    [
        (None, "meshscope==0.1.0"),
        (COMMIT, "meshscope @ git+https://git.acme.internal/tools/meshscope.git@4f0c1d"),
        (ARCHIVE, "meshscope @ https://files.acme.internal/meshscope-0.1.0-py3-none-any.whl"),
        (CHECKOUT, WHEEL),
    ],
)
def test_a_pipeline_installs_from_where_it_was_installed_here(
    direct_url: dict[str, object] | None, requirement: str
) -> None:
    said = source_of(json.dumps(direct_url) if direct_url else None, "0.1.0")
    assert said.requirement == requirement
    assert "secret" not in said.requirement


def test_what_nobody_else_has_is_made_a_wheel_that_goes_with_the_definitions() -> None:
    said = source_of(json.dumps(CHECKOUT), "0.1.0")
    assert said == Source(
        WHEEL,
        "python -m pip wheel --no-deps --wheel-dir wheels '/home/ada/my code/meshscope', ",
        f" with {WHEEL}",
    )


@pytest.mark.parametrize(
    ("service", "path"), [("github", ".github/workflows/meshscope.yml"), ("gitlab", ".gitlab-ci.yml")]
)
def test_what_the_pipeline_installs_is_what_pip_understands(service: str, path: str, tmp_path: Path) -> None:
    house = small(tmp_path)
    told = house.run("new", "ci", service, status=0).stderr
    document = yaml.safe_load((tmp_path / path).read_text())
    job = document["jobs"]["ci"] if service == "github" else document["meshscope"]
    wanted = (job["env"] if service == "github" else job["variables"])["MESHSCOPE"]
    scripts = (
        [step.get("run", "") for step in job["steps"]]
        if service == "github"
        else [*job["before_script"], *job["script"]]
    )
    assert any('"$MESHSCOPE"' in script for script in scripts)
    # Installed from a checkout, as in these tests, it can't come from an index.
    assert wanted == f"wheels/meshscope-{version('meshscope')}-py3-none-any.whl"
    assert f", commit it with {wanted}; findings" in told
    assert told.count("commit it") == 1


def test_the_engines_that_a_pipeline_fetches_are_not_too_old_for_the_check() -> None:
    pins = Versions()
    for program, pinned in (
        ("promtool", pins.prometheus),
        ("amtool", pins.alertmanager),
        ("otelcol", pins.otelcol),
    ):
        assert at_least(pinned, MINIMUM[program])


def test_a_wheel_of_this_program_is_called_as_the_pipeline_calls_it() -> None:
    made = subprocess.run(
        [sys.executable, "-c", "from packaging.utils import parse_wheel_filename as p; print(*p(input())[:2])"],
        input=Path(WHEEL).name,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert made.strip() == "meshscope 0.1.0"
