"""What a proxy counts, and that it says it as Envoy does."""

import re

import pytest

from meshscope.adapters.meshes.istio import PROVIDER
from meshscope.demo.script import Player
from meshscope.demo.sidecar import FAILED, OK, UNREACHED, Sidecar
from meshscope.model.services import Identity

CART = Player(identity=Identity("eu-1", "shop", "cart"), workload="cart", version="v2", pods=("cart-1",))
WEB = Player(identity=Identity("eu-1", "web", "front"), workload="front", version="v1", pods=("front-1",))
CARDS = Player(identity=Identity("", "", "cards"), workload="cards", version="", pods=("api.cards.example",))


def lines(sidecar: Sidecar, name: str) -> dict[str, float]:
    """The samples of a metric by their labels."""
    found = re.findall(rf"^{name}\{{(.*)\}} (\S+)$", sidecar.text().decode(), re.MULTILINE)
    return {labels: float(value) for labels, value in found}


def labels(text: str) -> dict[str, str]:
    return dict(re.findall(r'(\w+)="([^"]*)"', text))


def test_buckets_are_cumulative_and_their_bounds_are_those_of_the_provider() -> None:
    sidecar = Sidecar(CART, "cart-1")
    for ms in (0.4, 7, 99.9, 100, 101, 10_000_000):
        sidecar.count("destination", WEB, CART, OK, ms)
    buckets = {labels(text)["le"]: value for text, value in lines(sidecar, f"{PROVIDER.latency}_bucket").items()}
    assert list(buckets) == [*(PROVIDER.le(bound) for bound in PROVIDER.bounds), "+Inf"]
    assert (buckets["0.5"], buckets["10"], buckets["100"], buckets["250"], buckets["+Inf"]) == (1, 2, 4, 5, 6)
    assert "100.0" not in sidecar.text().decode()
    (count,) = lines(sidecar, f"{PROVIDER.latency}_count").values()
    (requests,) = lines(sidecar, PROVIDER.requests).values()
    assert count == requests == 6


def test_each_side_names_both_and_only_the_server_knows_of_mutual_tls() -> None:
    sidecar = Sidecar(WEB, "front-1")
    sidecar.count("source", WEB, CART, OK, 5)
    sidecar.count("destination", WEB, CART, FAILED, 5)
    by_reporter = {each["reporter"]: each for each in map(labels, lines(sidecar, PROVIDER.requests))}
    for each in by_reporter.values():
        assert each[PROVIDER.labels.service] == "cart"
        assert each[PROVIDER.labels.namespace] == "shop"
        assert each[PROVIDER.labels.workload] == "cart"
        assert each[PROVIDER.labels.version] == "v2"
        assert each[PROVIDER.labels.caller] == "front"
    assert by_reporter["source"]["connection_security_policy"] == "unknown"
    assert by_reporter["destination"]["connection_security_policy"] == "mutual_tls"
    assert by_reporter["destination"]["response_code"] == "500"


def test_whom_nobody_reached_has_a_name_and_no_workload() -> None:
    sidecar = Sidecar(WEB, "front-1")
    sidecar.count("source", WEB, CART, UNREACHED, 1)
    (each,) = map(labels, lines(sidecar, PROVIDER.requests))
    assert (each["response_code"], each["response_flags"]) == ("503", "UF")
    assert each["destination_service_name"] == "cart"
    assert each["destination_workload"] == each["destination_cluster"] == "unknown"


def test_what_lies_outside_is_called_by_its_host() -> None:
    sidecar = Sidecar(WEB, "front-1")
    sidecar.count("source", WEB, CARDS, OK, 1)
    (each,) = map(labels, lines(sidecar, PROVIDER.requests))
    assert each["destination_service_name"] == "api.cards.example"
    assert each["destination_workload"] == "unknown"


@pytest.mark.parametrize("requests", [1, 7])
def test_requests_that_are_only_pretended_count_as_real_ones_do(requests: int) -> None:
    real, pretended = Sidecar(CART, "cart-1"), Sidecar(CART, "cart-1")
    for _ in range(requests):
        real.count("destination", WEB, CART, OK, 12.5)
    pretended.pretend("destination", WEB, CART, OK, 12.5, requests)
    assert real.text() == pretended.text()
    pretended.pretend("destination", WEB, CART, OK, 12.5, 0)
    assert real.text() == pretended.text()
