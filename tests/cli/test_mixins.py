"""Rules of a mixin pass the same checks as our own, and complaints name the line of the mixin."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.houses import House, small

MIXIN = """\
{
  prometheusAlerts+:: { groups: [{ name: 'disks', rules: [%s] }] },
}
"""


def with_rule(folder: Path, rule: str) -> House:
    return small(folder).write({"alerts/disks/mixin.libsonnet": MIXIN % rule})


def test_a_second_info_for_a_service_is_found_before_it_silences_every_alert(tmp_path: Path) -> None:
    rule = (
        "{ record: 'service:info', expr: 'vector(1)', "
        "labels: { cluster: 'eu-1', namespace: 'shop', service: 'ledger', owner: 'somebody' } }"
    )
    house = with_rule(tmp_path, rule)
    said = House(house.root, {"PATH": "/usr/bin:/bin", "MESHSCOPE_CACHE": "/nowhere"}).run("check", status=1).stdout
    assert "error[rule/twice-info]: `service:info` of `eu-1/shop/ledger` is recorded twice\n" in said
    assert " --> alerts/disks/mixin.libsonnet:" in said


def test_a_foreign_alert_without_owner_or_severity_is_said_to_have_none(tmp_path: Path) -> None:
    house = with_rule(tmp_path, "{ alert: 'DiskFull', expr: 'disk_free < 0.1', labels: { free: '{{ $value }}' } }")
    said = House(house.root, {"PATH": "/usr/bin:/bin", "MESHSCOPE_CACHE": "/nowhere"}).run("check", status=1).stdout
    assert "warning[rule/unknown-severity]: alert `DiskFull` in rules/" in said
    assert "note[rule/unowned]: alert `DiskFull` in rules/" in said
    assert "error[rule/value-in-label]: label `free` of alert `DiskFull` changes while it fires\n" in said


@pytest.mark.engines("promtool")
def test_promql_that_is_none_comes_back_to_the_mixin(tmp_path: Path, engine: Callable[[str], Path]) -> None:
    engine("promtool")
    house = with_rule(tmp_path, "{ alert: 'DiskFull', expr: 'sum(', labels: { severity: 'page', owner: 'payments' } }")
    said = house.run("check", status=1).stdout
    assert "error[engine/promtool]: `promtool check rules` refuses prometheus/rules/" in said
    assert " --> alerts/disks/mixin.libsonnet:" in said
    assert "could not parse expression" in said
