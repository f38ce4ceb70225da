"""Plugins of strangers: a good one is used like our own, a broken one is said to be and stops nothing."""

from pathlib import Path

import pytest

from tests.houses import House, small

PROVIDER = """\
from dataclasses import replace
from meshscope.adapters.meshes.istio import PROVIDER as istio
PROVIDER = replace(istio, name="nimbus", title="Nimbus")
"""
CHECK = '''\
"""Every service has a nickname.

## What it does
Finds the others.
"""
from meshscope.findings import Finding, Level


def judge(subject):
    for service in subject.model.services:
        yield Finding(code="nimbus/no-nickname", title=f"service `{service.name}` has no nickname", level=Level.NOTE)
'''


def installed(house: House, group: str, name: str, module: str) -> House:
    """The house on a machine on which a package with one plugin is installed, and no engine."""
    packages = house.root.parent / "packages"
    (packages / "nimbus-1.0.dist-info").mkdir(parents=True)
    (packages / "nimbus-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: nimbus\nVersion: 1.0\n")
    (packages / "nimbus-1.0.dist-info" / "entry_points.txt").write_text(
        f"[{group}]\n{name} = nimbus{':PROVIDER' if 'prov' in group else ''}\n"
    )
    (packages / "nimbus.py").write_text(module)
    alone = {"PYTHONPATH": str(packages), "PATH": "/usr/bin:/bin", "MESHSCOPE_CACHE": "/nowhere"}
    return House(house.root, alone)


def with_provider(folder: Path, provider: str) -> House:
    house = small(folder / "house")
    mesh = house.root / "mesh.py"
    mesh.write_text(mesh.read_text().replace('"istio"', f'"{provider}"'))
    return house


def test_a_strangers_provider_is_one_like_our_own(tmp_path: Path) -> None:
    house = installed(with_provider(tmp_path, "nimbus"), "meshscope.providers", "nimbus", PROVIDER)
    house.run("check", "--strict", status=0)
    house.run("build", "-o", "out", status=0)
    assert '"title": "Nimbus"' in (house.root / "out" / "model.json").read_text()


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("import nothing_here\nPROVIDER = 1\n", "can't be loaded: ModuleNotFoundError: No module named 'nothing_here'"),
        ("raise SystemExit(3)\n", "can't be loaded: SystemExit: 3"),
        ("PROVIDER = 'istio'\n", "is a str"),
        ("x = (\n", "can't be loaded: SyntaxError: '(' was never closed (nimbus.py, line 1)"),
    ],
)
def test_a_broken_provider_is_an_error_where_it_is_used_and_a_warning_elsewhere(
    module: str, said: str, tmp_path: Path
) -> None:
    using = installed(with_provider(tmp_path / "a", "nimbus"), "meshscope.providers", "nimbus", module)
    title = f"[plugin/broken]: the provider plugin `nimbus` of nimbus {said}\n"
    assert f"error{title}" in using.run("build", status=1).stderr
    other = installed(with_provider(tmp_path / "b", "istio"), "meshscope.providers", "nimbus", module)
    other.run("build", status=0)
    assert f"warning{title}" in other.run("check", status=0).stdout


def test_a_strangers_check_is_one_like_our_own(tmp_path: Path) -> None:
    house = installed(small(tmp_path / "house"), "meshscope.checks", "nimbus/no-nickname", CHECK)
    said = house.run("check", status=0).stdout
    assert "note[nimbus/no-nickname]: service `ledger` has no nickname\n" in said
    assert "# nimbus/no-nickname\n\nEvery service has a nickname." in house.run("explain", "nimbus/no-nickname").stdout


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (
            "import nothing_here\n",
            "the check plugin `nimbus/no-nickname` of nimbus can't be loaded: ModuleNotFoundError",
        ),
        ("x = 1\n", "the check plugin `nimbus/no-nickname` of nimbus can't be loaded: AttributeError"),
        (
            "def judge(subject):\n    yield 1 / 0\n",
            "the check nimbus/no-nickname fails: ZeroDivisionError: division by zero",
        ),
    ],
)
def test_a_broken_check_is_said_to_be_and_the_others_judge(module: str, said: str, tmp_path: Path) -> None:
    text = "from meshscope import Service\ncart = Service(name='cart', namespace='shop', runbook='cart.md')\n"
    house = small(tmp_path / "house", services__cart=text)
    checked = installed(house, "meshscope.checks", "nimbus/no-nickname", module).run("check", status=0).stdout
    assert f"warning[plugin/broken]: {said}" in checked
    assert "warning[service/no-owner]: service `eu-1/shop/cart` has no owner" in checked
