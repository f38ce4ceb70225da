"""An office: nobody says how much traffic there is, and on weekends there is none."""

from services.weekdays import desk, files, forms, platform, portal

from meshscope import Calls, Mesh

mesh = Mesh(
    name="weekdays",
    provider="istio",
    cluster="eu-1",
    owner=platform,
    security=platform,
    grafana="https://grafana.shop.test",
    console="https://meshscope.shop.test",
    runbooks="https://runbooks.shop.test",
    smarthost="",
)
calls = Calls({portal: (desk, files, forms)})
