"""The play itself can fail: what harms a rule, a route or a group is noticed by the row that it concerns."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.outages.built import Built, Variant, build
from tests.outages.firing import paced, play
from tests.outages.judging import judge
from tests.outages.rows import FOLDER, Row, read_row
from tests.outages.telling import inbox, tell

pytestmark = pytest.mark.engines("promtool", "alertmanager")


def _rules(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Built], Built]:
    def changed(built: Built) -> Built:
        groups = [{**group, "rules": [change(rule) for rule in group["rules"]]} for group in built.groups]
        return replace(built, groups=tuple(groups))

    return changed


def _routes(change: Callable[[dict[str, Any]], Any]) -> Callable[[Built], Built]:
    return lambda built: replace(
        built, alertmanager={**built.alertmanager, "route": change(built.alertmanager["route"])}
    )


def _late(rule: dict[str, Any]) -> dict[str, Any]:
    return {**rule, "for": "30m"} if rule.get("labels", {}).get("severity") == "page" else rule


def _by_owner(route: dict[str, Any]) -> dict[str, Any]:
    inner = [_by_owner(one) for one in route.get("routes", ())]
    return {**route, "group_by": ["owner"], **({"routes": inner} if inner else {})}


def _silent(route: Mapping[str, Any]) -> dict[str, Any]:
    return {"receiver": route["receiver"]}


HARM: dict[str, tuple[str, Callable[[Built], Built], str]] = {
    # Of a failure without a flag: one with a flag is known by that as well.
    "no rule says code 5xx": (
        "every-500",
        _rules(lambda rule: {**rule, "expr": str(rule["expr"]).replace("5..", "4..")}),
        "carts gets a page about shop/cart within 5 min: never told",
    ),
    "every page waits half an hour": (
        "refused-503-uf",
        _rules(_late),
        "carts gets a page about shop/cart within 5 min: never told",
    ),
    "no route leads to a team": ("refused-503-uf", _routes(_silent), "never told"),
    "a team's services are one incident": (
        "second-service-later",
        _routes(_by_owner),
        "shelf-02 within 15 min: never told",
    ),
    "a gateway's 404 counts": (
        "clients-errors-4xx",
        _rules(lambda rule: {**rule, "expr": str(rule["expr"]).replace("5..", "[45]..")}),
        "nobody expects this: page to web",
    ),
}


@pytest.mark.parametrize(("row", "harm", "noticed"), HARM.values(), ids=HARM)
def test_a_change_that_harms_is_noticed(row, harm, noticed, engine, tmp_path):
    read = read_row(FOLDER / f"{row}.toml")
    built = harm(build(Variant.of(read), read.house.root, tmp_path))
    wrong = _wrong(read, built, engine, tmp_path)
    assert any(noticed in fault for fault in wrong), wrong


def _wrong(row: Row, built: Built, engine: Callable[[str], Path], folder: Path) -> list[str]:
    moments = play(engine("promtool"), built, [row], folder / "rules")[row.name]
    with inbox() as box:
        told = tell(engine("alertmanager"), built.alertmanager, row, moments, box, folder / "told")
    return judge(row, told, built.said)


def test_a_slow_group_writes_at_its_own_pace_and_is_read_as_if_it_kept_its_last():
    groups = [
        {
            "name": "fast",
            "interval": "30s",
            "rules": [{"alert": "A", "expr": 'a:sum{x="1"} > 1 and sum_over_time(a:sum[1h])'}],
        },
        {
            "name": "slow",
            "interval": "2m",
            "rules": [{"record": "a:sum", "expr": "b"}, {"record": "a:sum5m", "expr": "a:sum offset 1d"}],
        },
        {"name": "fixed", "interval": "2m", "rules": [{"record": "a:one", "expr": "vector(1)"}]},
    ]
    fast, slow, fixed = paced(groups, 30)
    assert fast["rules"][0]["expr"] == 'last_over_time(a:sum{x="1"}[121s]) > 1 and sum_over_time(a:sum[1h])'
    assert slow["rules"][0]["expr"] == "(b\n) and on () (vector(time()) % 120 == 0)"
    assert "last_over_time(a:sum[121s] offset 1d)" in slow["rules"][1]["expr"]
    assert fixed == groups[2]
    (behind,) = paced([{**groups[1], "query_offset": "30s"}], 30)
    assert behind["rules"][0]["expr"] == "(b\n) and on () (vector((time() + 30)) % 120 == 0)"


def test_what_a_fast_group_would_have_recorded_between_two_looks_counts_and_is_there():
    groups = [
        {
            "name": "fast",
            "interval": "30s",
            "rules": [{"record": "a:rate", "expr": "b"}, {"alert": "A", "expr": "c:sum"}],
        },
        {
            "name": "slow",
            "interval": "2m",
            "rules": [
                {"record": "c:sum", "expr": "sum_over_time(a:rate[2m]) + a:rate"},
                {"record": "d:sum", "expr": 'sum_over_time(c:sum{x="1"}[6h]) - (a:rate offset 5m)'},
            ],
        },
    ]
    fast, slow = paced(groups, 600)
    # Recorded later in the round, so the one of the round before is read.
    assert fast["rules"][1]["expr"] == "last_over_time(c:sum[601s])"
    # Two minutes hold four of thirty seconds, six hours five in each ten minutes.
    assert slow["rules"][0]["expr"] == "(4 * sum_over_time(a:rate[2m])) + a:rate"
    assert slow["rules"][1]["expr"] == (
        '(5 * sum_over_time(c:sum{x="1"}[6h])) - (last_over_time(a:rate[601s] offset 5m))'
    )
