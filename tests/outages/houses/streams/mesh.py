"""A mesh whose clients watch, and end their watches when they like."""

from services.streams import board, feeds, platform

from meshscope import Calls, Mesh

mesh = Mesh(
    name="streams",
    provider="istio",
    cluster="eu-1",
    owner=platform,
    security=platform,
    grafana="https://grafana.shop.test",
    console="https://meshscope.shop.test",
    runbooks="https://runbooks.shop.test",
    smarthost="",
)
calls = Calls({board: (feeds,)})
