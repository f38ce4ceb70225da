"""What team platform runs: the ways in and out of the mesh, and what every team may use."""

from meshscope import SLO, Availability, Direction, Gateway, Latency, Owner, Service, days, ms, per_second, percent

platform = Owner(
    name="platform",
    issues="github:boutique/platform",
    pager="pagerduty:platform-primary",
    chat="slack:#platform",
    mail="platform@boutique.example",
)

availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=30 * days)
latency = SLO(name="latency", of=Latency(under=250 * ms), objective=99 * percent, over=30 * days)

ingress = Gateway(name="istio-ingressgateway", namespace="istio-system", direction=Direction.INGRESS, owner=platform)
egress = Gateway(name="istio-egressgateway", namespace="istio-system", direction=Direction.EGRESS, owner=platform)

email = Service(
    name="email",
    namespace="platform",
    owner=platform,
    runbook="email.md",
    tier=3,
    slos=(availability,),
    volume=0.5 * per_second,
)
currency = Service(
    name="currency",
    namespace="platform",
    owner=platform,
    runbook="currency.md",
    replicas=3,
    slos=(availability, latency),
    volume=120 * per_second,
)
