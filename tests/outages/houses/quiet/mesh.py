"""Back-office services that are asked rarely, each by the same desk."""

from services.quiet import archive, audit, billing, desk, platform, reports

from meshscope import Calls, Mesh

mesh = Mesh(
    name="quiet",
    provider="istio",
    cluster="eu-1",
    owner=platform,
    security=platform,
    grafana="https://grafana.shop.test",
    console="https://meshscope.shop.test",
    runbooks="https://runbooks.shop.test",
    smarthost="",
)
calls = Calls({desk: (reports, billing, audit, archive)})
