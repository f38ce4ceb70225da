"""A mesh that is seen by its spans alone."""

from services.spans import cart, checkout, platform

from meshscope import Calls, Mesh

mesh = Mesh(
    name="spans",
    provider="opentelemetry",
    cluster="eu-1",
    owner=platform,
    security=platform,
    grafana="https://grafana.shop.test",
    console="https://meshscope.shop.test",
    runbooks="https://runbooks.shop.test",
    smarthost="",
)
calls = Calls({checkout: (cart,)})
