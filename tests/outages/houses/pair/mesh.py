"""The shop in two clusters that know nothing of each other, under one Prometheus over both."""

from services.shop import cart, checkout, front, platform

from meshscope import Calls, Direction, Gateway, Mesh

mesh = Mesh(
    name="shop",
    provider="istio",
    clusters=("eu-1", "us-1"),
    owner=platform,
    security=platform,
    grafana="https://grafana.shop.test",
    console="https://meshscope.shop.test",
    runbooks="https://runbooks.shop.test",
    smarthost="",
)
ingress = Gateway(name="istio-ingressgateway", namespace="istio-system", direction=Direction.INGRESS, owner=platform)
calls = Calls({ingress: (front,), front: (checkout,), checkout: (cart,)})
