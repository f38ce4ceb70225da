"""A build fails on every error that can be found without an engine, and never tells times of what can't fire."""

from datetime import date
from pathlib import Path

import pytest

from meshscope.build.options import Options
from meshscope.bundle.manifest import read
from meshscope.wiring.building import Outcome, build
from tests.houses import House, small

SLOW = """\
from meshscope import SLO, Latency, Service, days, ms, percent

quick = SLO(name="quick", of=Latency(under=200 * ms), objective=99 * percent, over=30 * days)
{above}cart = Service(name="cart", namespace="shop", runbook="cart.md", slos=(quick,))
"""
ALWAYS = '''\
from meshscope import AnyService, Condition, Severity, alert, minutes, percent


@alert(severity=Severity.TICKET, pending=2 * minutes)
def always(service: AnyService) -> Condition:
    """It fires."""
    return service.failure_ratio >= 0 * percent
'''
ERRORS = {
    "slo/off-bucket": {"services/cart.py": SLOW.format(above="")},
    "alert/always-fires": {"alerts/always.py": ALWAYS},
}


def made(house: House, today: date = date(2026, 12, 1)) -> Outcome:
    return build(house.root, house.root / "out", None, Options(), today=today)


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_of_our_own_rules_builds_nothing_and_tells_no_times(code: str, tmp_path: Path) -> None:
    house = small(tmp_path).write(ERRORS[code])
    ended = House(house.root, {"PATH": "/usr/bin:/bin", "MESHSCOPE_CACHE": "/nowhere"}).run("build", status=1)
    assert ended.stdout == "nothing is built\n"
    assert f"error[{code}]" in ended.stderr
    assert not (tmp_path / "build").exists()


def test_an_error_that_a_comment_allows_is_built_until_its_day_and_not_after(tmp_path: Path) -> None:
    comment = "# meshscope: allow alert/always-fires until 2026-12-31 it is a drill\n"
    house = small(tmp_path).write({"alerts/always.py": ALWAYS.replace("@alert", f"{comment}@alert")})
    first = made(house)
    assert first.manifest is not None
    written = read(tmp_path / "out")
    assert written is not None
    assert written.allowed_until == date(2026, 12, 31)
    assert made(house, date(2026, 12, 31)).changed is False
    late = made(house, date(2027, 1, 1))
    assert late.manifest is None
    assert [finding.code for finding in late.findings] == ["alert/always-fires"]


def test_the_day_changes_no_byte_of_what_is_built(tmp_path: Path) -> None:
    house = small(tmp_path)
    made(house)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert made(house, date(2031, 5, 5)).changed is False
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_no_time_is_told_for_a_bound_that_is_no_bucket_even_where_a_comment_allows_it(tmp_path: Path) -> None:
    comment = "# meshscope: allow slo/off-bucket until 2026-12-31 the buckets come next week\n"
    house = small(tmp_path).write({"services/cart.py": SLOW.format(above="").replace("quick =", f"{comment}quick =")})
    manifest = made(house).manifest
    assert manifest is not None
    (line,) = [line for line in manifest.told if "shop/cart quick" in line]
    assert line.endswith("shop/cart quick: never told, for 200ms is no bucket boundary of Istio")
    assert line.strip() in (tmp_path / "out" / "detection.txt").read_text()
