"""Two services that a waypoint reports for."""

from period import period

from meshscope import SLO, Availability, DataPlane, Latency, Owner, Service, ms, per_second, percent

platform = Owner(name="platform", issues="github:shop/platform", pager="pagerduty:platform", chat="slack:#platform")
payments = Owner(name="payments", issues="github:shop/payments", pager="pagerduty:payments", chat="slack:#payments")
carts = Owner(name="carts", issues="github:shop/carts", pager="pagerduty:carts", chat="slack:#carts")

availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=period)
latency = SLO(name="latency", of=Latency(under=250 * ms), objective=99 * percent, over=period)

checkout = Service(
    name="checkout",
    namespace="shop",
    owner=payments,
    runbook="checkout.md",
    tier=1,
    slos=(availability,),
    volume=10 * per_second,
    dataplane=DataPlane.WAYPOINT,
)
cart = Service(
    name="cart",
    namespace="shop",
    owner=carts,
    runbook="cart.md",
    slos=(availability, latency),
    volume=10 * per_second,
    dataplane=DataPlane.WAYPOINT,
)
