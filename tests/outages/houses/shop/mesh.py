"""A shop in Istio sidecars: a gateway calls front, which calls checkout, which calls cart."""

from services.shop import cart, checkout, front, platform

from meshscope import Calls, Direction, Environment, Gateway, Mesh, Severity

mesh = Mesh(
    name="shop",
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
calls = Calls({ingress: (front,), front: (checkout,), checkout: (cart,)})
staging = Environment(name="staging", cluster="eu-staging", max_severity=Severity.TICKET)
