"""Twenty-seven services behind one front: twelve of one team, the rest of another."""

from services.many import front, platform, services

from meshscope import Calls, Direction, Gateway, Mesh

mesh = Mesh(
    name="many",
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
calls = Calls({ingress: (front,), front: services})
