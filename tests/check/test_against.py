"""``check --against``: a real Prometheus is asked, and what it lacks or runs twice is told at the definition."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from meshscope.adapters.memory.metric_store import Counter, MemoryMetricStore
from meshscope.adapters.stores.access import Access
from meshscope.adapters.stores.prometheus import PrometheusStore
from meshscope.build.options import Options
from meshscope.check.live import LiveStore, LoadedRule
from meshscope.findings import Finding, MeshscopeError
from meshscope.wiring.assembly import Assembly, assembled
from meshscope.wiring.checking import Against, asked, ruled
from meshscope.wiring.rules import rules
from tests.check.conftest import free
from tests.houses import small

MIXIN = """\
{ prometheusAlerts+:: { groups: [{ name: 'orders', rules: [
  { alert: 'Right', expr: 'rate(orders_total{state="done"}[5m]) > 5', 'for': '5m' },
  { alert: 'NoSeries', expr: 'rate(order_total[5m]) > 5', 'for': '5m' },
  { alert: 'NoLabel', expr: 'rate(orders_total{stat="done"}[5m]) > 5', 'for': '5m' },
  { alert: 'MayBeEmpty', expr: 'rate(orders_total{stat=~"|done", other!="x"}[5m]) > 5', 'for': '5m' },
  { alert: 'Recorded', expr: 'shop:orders:rate5m > 5', 'for': '5m' },
] }] },
  prometheusRules+:: { groups: [{ name: 'r', rules: [
  { record: 'shop:orders:rate5m', expr: 'sum by (shop) (rate(orders_total[5m]))' },
] }] } }
"""
SLOW = """\
from meshscope import SLO, Latency, Service, days, ms, percent

quick = SLO(name="quick", of=Latency(under=100 * ms), objective=99 * percent, over=30 * days)
well = SLO(name="well", of=Latency(under=250 * ms), objective=99 * percent, over=30 * days)
cart = Service(name="cart", namespace="shop", runbook="cart.md", slos=(quick, well))
"""


def house(folder: Path) -> Assembly:
    made = small(folder, services__cart=SLOW).write({"alerts/orders/mixin.libsonnet": MIXIN})
    return assembled(made.root, None, Options())


def live_findings(made: Assembly, address: str) -> list[Finding]:
    live = asked(made, Against(url=address), lambda _: None)
    ruling = ruled(made, rules()[0], made.findings, date(2026, 12, 1), live)
    return [finding for finding in ruling.kept if finding.code.startswith("live/")]


@pytest.mark.engines("prometheus")
def test_what_a_live_prometheus_lacks_or_runs_twice_is_told_at_its_line(url: str, tmp_path: Path) -> None:
    found = live_findings(house(tmp_path / "house"), url)
    foreign = {(f.code, str(f.place), f.help) for f in found if f.place and f.place.path.startswith("alerts/orders")}
    line = "alerts/orders/mixin.libsonnet"
    assert {one for one in foreign if one[0] != "live/loaded-twice"} == {
        ("live/no-series", f"{line}:3", "did you mean `orders_total`?"),
        ("live/no-label", f"{line}:4", "did you mean `state`?"),
    }
    (twice,) = [finding for finding in found if finding.code == "live/loaded-twice"]
    assert str(twice.place) == f"{line}:9"
    assert "group new of " in twice.why
    assert "old.yaml" in twice.why
    (bound,) = [finding for finding in found if finding.code == "live/no-bucket"]
    assert bound.title == f"100ms, the bound of `quick`, is no bucket in {url}"
    assert str(bound.place) == "services/cart.py:3"


LOADED = ("new", "old")
HISTOGRAM = "istio_request_duration_milliseconds"


def twin() -> MemoryMetricStore:
    """What the real one scrapes and runs, in memory."""
    where = {"job": "shop", "instance": "127.0.0.1:1"}
    bounds = [Counter(metric=f"{HISTOGRAM}_bucket", labels={**where, "le": le}) for le in ("50", "250", "+Inf")]
    orders = Counter(metric="orders_total", labels={**where, "shop": "eu", "state": "done"})
    made = "shop:orders:rate5m"
    rules = tuple(LoadedRule(name=made, labels={}, query="", group=each, file=f"{each}.yaml") for each in LOADED)
    return MemoryMetricStore(counters=(orders, *bounds), rules=rules)


@pytest.fixture(params=["memory", "prometheus"])
def store(request: pytest.FixtureRequest) -> Iterator[LiveStore]:
    if request.param == "memory":
        yield twin()
        return
    with closing(PrometheusStore(request.getfixturevalue("url"), Access())) as real:
        yield real


def test_a_live_store_says_its_names_labels_values_and_rules(store: LiveStore) -> None:
    assert "orders_total" in store.names()
    assert store.labels("orders_total") == {"__name__", "instance", "job", "shop", "state"}
    assert store.labels("no_such_metric") == frozenset()
    assert {float(one) for one in store.values(f"{HISTOGRAM}_bucket", "le")} == {50.0, 250.0, float("inf")}
    assert store.values("orders_total", "no_such_label") == frozenset()
    assert [(rule.name, rule.group, Path(rule.file).name) for rule in store.loaded()] == [
        ("shop:orders:rate5m", each, f"{each}.yaml") for each in LOADED
    ]


def test_a_prometheus_that_can_not_be_asked_ends_the_check_and_is_never_taken_for_one_without_series(
    tmp_path: Path,
) -> None:
    made = house(tmp_path / "house")
    with pytest.raises(MeshscopeError) as raised:
        asked(made, Against(url=f"http://127.0.0.1:{free()}"), lambda _: None)
    assert raised.value.finding.code == "prometheus/unreachable"
    assert "--from" not in raised.value.finding.help
