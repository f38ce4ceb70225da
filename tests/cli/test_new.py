"""``meshscope new``: what it writes builds and checks as it is, and replaces nothing."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from meshscope.model.versions import Versions
from tests.houses import House

KINDS = {"alert": "alerts", "dashboard": "dashboards", "service": "services", "pipeline": "collectors"}


@pytest.fixture
def shop(tmp_path: Path) -> House:
    House(tmp_path).run("new", "shop", status=0)
    return House(tmp_path / "shop")


@pytest.mark.engines("promtool", "amtool", "otelcol")
def test_a_first_mesh_and_one_of_everything_is_clean_with_every_provider(
    shop: House, engine: Callable[[str], Path]
) -> None:
    for name in ("promtool", "amtool", "otelcol"):
        engine(name)
    for kind, folder in KINDS.items():
        said = shop.run("new", kind, "slow-checkout", status=0).stdout
        assert said == f"wrote {folder}/slow_checkout.py\n"
    shop.run("check", "--strict", "--env", "staging", status=0)
    mesh = shop.root / "mesh.py"
    mesh.write_text(mesh.read_text().replace('"istio"', '"opentelemetry"'))
    shop.run("check", "--strict", status=0)


def test_what_is_written_passes_the_tools_that_a_team_would_run_on_it(shop: House) -> None:
    for kind in KINDS:
        shop.run("new", kind, "slow-checkout", status=0)
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "format", "--isolated", "--line-length=120", "--check", "."], cwd=shop.root, check=True)
    rules = "--select=E,W,F,I,B,UP,SIM,D1"
    subprocess.run([*ruff, "check", "--isolated", "--line-length=120", rules, "."], cwd=shop.root, check=True)
    definitions = ["mesh.py", "services", "alerts", "dashboards", "collectors"]
    config = shop.root / "mypy.ini"
    config.write_text(
        "[mypy]\nstrict = true\nexplicit_package_bases = true\n[mypy-grafanalib.*]\nignore_missing_imports = true\n"
    )
    subprocess.run([sys.executable, "-m", "mypy", *definitions], cwd=shop.root, check=True)


def test_help_shows_what_to_type_one_a_line(tmp_path: Path) -> None:
    lines = [line.strip() for line in House(tmp_path).run("new", "--help", status=0).stdout.splitlines()]
    typed = [line for line in lines if line.startswith("meshscope new ")]
    assert len(typed) == 5


def test_a_mesh_of_another_provider_says_so(tmp_path: Path) -> None:
    House(tmp_path).run("new", "shop", "--provider", "opentelemetry", status=0)
    assert 'provider="opentelemetry"' in (tmp_path / "shop" / "mesh.py").read_text()


def test_the_first_house_s_collectors_each_see_whole_traces(shop: House) -> None:
    shop.run("build", status=0)
    made = {
        path.stem: yaml.safe_load(path.read_text()) for path in (shop.root / "build/mesh/collectors").glob("*.yaml")
    }
    samples = [name for name, one in made.items() if "tail_sampling" in one["processors"]]
    assert samples == ["gateway"]
    senders = {
        name: one["exporters"][exporter]
        for name, one in made.items()
        for exporter in one["service"]["pipelines"]["traces"]["exporters"]
        if exporter.endswith("/gateway")
    }
    assert set(senders) == {"node"}
    assert senders["node"]["routing_key"] == "traceID"
    assert senders["node"]["resolver"]["dns"]["hostname"] == "${env:GATEWAY_HOST}"


def test_nothing_that_is_there_is_replaced(shop: House, tmp_path: Path) -> None:
    said = House(tmp_path).run("new", "shop", status=1).stderr
    assert said.startswith("error[new/occupied]: `shop` is not empty\n")
    shop.run("new", "alert", "mine", status=0)
    (shop.root / "alerts" / "mine.py").write_text("# years of work\n")
    said = shop.run("new", "alert", "mine", status=1).stderr
    assert said.startswith("error[new/occupied]: `alerts/mine.py` is there already\n")
    assert (shop.root / "alerts" / "mine.py").read_text() == "# years of work\n"


def test_a_name_that_no_mesh_can_have_is_refused(tmp_path: Path) -> None:
    said = House(tmp_path).run("new", "My Shop", status=1).stderr
    assert 'write it as "my-shop"' in said
    assert list(tmp_path.iterdir()) == []


def test_a_definition_outside_of_a_house_is_refused(tmp_path: Path) -> None:
    assert "there is no mesh.py in" in House(tmp_path).run("new", "alert", "mine", status=1).stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("service", "path"), [("github", ".github/workflows/meshscope.yml"), ("gitlab", ".gitlab-ci.yml")]
)
def test_a_pipeline_pins_what_it_runs_and_its_script_is_a_shells(service: str, path: str, shop: House) -> None:
    shop.run("new", "ci", service, status=0)
    text = (shop.root / path).read_text()
    document = yaml.safe_load(text)
    job = document["jobs"]["ci"] if service == "github" else document["meshscope"]
    pins = job["env"] if service == "github" else job["variables"]
    versions = Versions()
    assert pins["PROMETHEUS_VERSION"] == versions.prometheus
    assert pins["ALERTMANAGER_VERSION"] == versions.alertmanager
    assert pins["OTELCOL_VERSION"] == versions.otelcol
    scripts = [step["run"] for step in job["steps"] if "run" in step] if service == "github" else job["before_script"]
    for script in scripts:
        subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    assert "meshscope ci --format" in text
    if service == "github":
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all("@v" in action for action in used)
        assert document["permissions"] == {"contents": "read", "security-events": "write"}


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("nothere", "new/no-folder", "there is no folder `nothere`"),
        ("deploy/nothere", "new/no-folder", "there is no folder `deploy/nothere`"),
        ("here.yaml", "new/no-folder", "`here.yaml` is a file"),
        ("prometheus:9090", "prometheus/bad-address", "did you mean http://prometheus:9090?"),
        ("ann:s3cret@prometheus", "prometheus/bad-address", "did you mean http://prometheus?"),
    ],
)
def test_what_is_neither_a_folder_nor_an_address_is_taken_for_what_it_looks_like(
    source: str, code: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "here.yaml").touch()
    told = House(tmp_path).run("new", "acme", "--from", source, status=1).stderr
    assert f"error[{code}]" in told
    assert said in told
    assert "s3cret" not in told
    assert not (tmp_path / "acme").exists()
