"""A shop in Istio's ambient mode: waypoints stand before its services."""

from services.ambient import cart, checkout, platform

from meshscope import Calls, Direction, Gateway, Mesh

mesh = Mesh(
    name="ambient",
    provider="istio",
    cluster="eu-1",
    owner=platform,
    security=platform,
    grafana="https://grafana.shop.test",
    console="https://meshscope.shop.test",
    runbooks="https://runbooks.shop.test",
    smarthost="",
)
ingress = Gateway(name="istio-ingressgateway", namespace="istio-system", direction=Direction.INGRESS, owner=platform)
calls = Calls({ingress: (checkout,), checkout: (cart,)})
