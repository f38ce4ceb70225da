"""Services of which little was promised."""

from services.loose import adverts, feed, home, platform

from meshscope import Calls, Mesh

mesh = Mesh(
    name="loose",
    provider="istio",
    cluster="eu-1",
    owner=platform,
    security=platform,
    grafana="https://grafana.shop.test",
    console="https://meshscope.shop.test",
    runbooks="https://runbooks.shop.test",
    smarthost="",
)
calls = Calls({home: (feed, adverts)})
