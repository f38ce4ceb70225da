"""What runs in both clusters, who answers for it, and what was promised. Each team's pager and chat have its name."""

from period import period

from meshscope import SLO, Availability, Owner, Service, per_second, percent

platform = Owner(name="platform", issues="github:shop/platform", pager="pagerduty:platform", chat="slack:#platform")
web = Owner(name="web", issues="github:shop/web", pager="pagerduty:web", chat="slack:#web")
payments = Owner(name="payments", issues="github:shop/payments", pager="pagerduty:payments", chat="slack:#payments")
carts = Owner(name="carts", issues="github:shop/carts", pager="pagerduty:carts", chat="slack:#carts")

availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=period)

front = Service(
    name="front", namespace="web", owner=web, runbook="front.md", tier=1, slos=(availability,), volume=20 * per_second
)
checkout = Service(
    name="checkout",
    namespace="shop",
    owner=payments,
    runbook="checkout.md",
    slos=(availability,),
    volume=10 * per_second,
)
cart = Service(
    name="cart",
    namespace="shop",
    owner=carts,
    runbook="cart.md",
    slos=(availability,),
    volume=10 * per_second,
)
