"""A mesh in which most services run at night."""

from services.batch import orders, platform, shelves

from meshscope import Calls, Mesh

mesh = Mesh(
    name="batch",
    provider="istio",
    cluster="eu-1",
    owner=platform,
    security=platform,
    grafana="https://grafana.shop.test",
    console="https://meshscope.shop.test",
    runbooks="https://runbooks.shop.test",
    smarthost="",
)
calls = Calls({orders: (shelves,)})
