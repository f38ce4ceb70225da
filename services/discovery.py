"""What team discovery runs: finding products and recommending them."""

from meshscope import SLO, Availability, DataPlane, Latency, Owner, Service, days, ms, per_second, percent

discovery = Owner(
    name="discovery",
    issues="gitlab:boutique/discovery",
    pager="pagerduty:discovery-primary",
    mail="discovery@boutique.example",
)

availability = SLO(name="availability", of=Availability(), objective=99.5 * percent, over=28 * days)
latency = SLO(name="latency", of=Latency(under=250 * ms), objective=95 * percent, over=28 * days)

catalog = Service(
    name="catalog",
    namespace="shop",
    owner=discovery,
    runbook="catalog.md",
    replicas=3,
    slos=(availability, latency),
    volume=180 * per_second,
)
search = Service(
    name="search",
    namespace="web",
    owner=discovery,
    runbook="search.md",
    slos=(availability,),
    volume=40 * per_second,
)
recommendation = Service(
    name="recommendation",
    namespace="web",
    owner=discovery,
    runbook="recommendation.md",
    tier=3,
    dataplane=DataPlane.WAYPOINT,
    slos=(availability,),
    volume=90 * per_second,
)
shipping = Service(
    name="shipping",
    namespace="shop",
    owner=discovery,
    runbook="shipping.md",
    slos=(availability,),
    volume=10 * per_second,
)
