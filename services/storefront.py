"""What team storefront runs: everything that a visitor sees first."""

from meshscope import SLO, Availability, Latency, Owner, Service, days, ms, per_second, percent

storefront = Owner(
    name="storefront",
    issues="github:boutique/storefront",
    pager="pagerduty:storefront-primary",
    chat="slack:#storefront",
)

availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=28 * days)
latency = SLO(name="latency", of=Latency(under=500 * ms), objective=98 * percent, over=28 * days)

frontend = Service(
    name="frontend",
    namespace="web",
    owner=storefront,
    runbook="frontend.md",
    tier=1,
    replicas=4,
    slos=(availability, latency),
    volume=200 * per_second,
)
cart = Service(
    name="cart",
    namespace="shop",
    owner=storefront,
    runbook="cart.md",
    replicas=3,
    slos=(availability,),
    volume=60 * per_second,
)
adverts = Service(
    name="adverts",
    namespace="web",
    owner=storefront,
    runbook="adverts.md",
    tier=3,
    slos=(latency,),
    volume=80 * per_second,
)
