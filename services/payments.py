"""What team payments runs, and what its users were promised."""

from meshscope import SLO, Availability, External, Latency, Mode, Owner, Service, days, ms, per_second, percent

payments = Owner(
    name="payments",
    issues="github:boutique/payments",
    pager="pagerduty:payments-primary",
    chat="slack:#payments",
    mail="payments@boutique.example",
)

availability = SLO(name="availability", of=Availability(), objective=99.95 * percent, over=30 * days)
latency = SLO(name="latency", of=Latency(under=100 * ms), objective=99 * percent, over=30 * days)

ledger = Service(
    name="ledger",
    namespace="shop",
    owner=payments,
    runbook="ledger.md",
    tier=1,
    replicas=3,
    slos=(availability, latency),
    volume=30 * per_second,
    mode=Mode.ACT,
)
checkout = Service(
    name="checkout",
    namespace="shop",
    owner=payments,
    runbook="checkout.md",
    tier=1,
    replicas=3,
    slos=(availability,),
    volume=20 * per_second,
    mode=Mode.ACT,
)
payment = Service(
    name="payment",
    namespace="shop",
    owner=payments,
    runbook="payment.md",
    tier=1,
    slos=(availability,),
    volume=15 * per_second,
)

card_processor = External(name="card-processor", host="api.cards.example", owner=payments)
ledger_database = External(name="ledger-database", host="ledger-db.internal.example", owner=payments)
