"""The boutique: a shop of twelve services in three namespaces, the reference mesh of meshscope."""

from meshscope import Calls, Environment, Mesh, Mode, Severity, days, percent
from services.discovery import catalog, recommendation, search, shipping
from services.payments import availability, card_processor, checkout, ledger, ledger_database, payment
from services.platform import currency, egress, email, ingress, platform
from services.storefront import adverts, cart, frontend

mesh = Mesh(
    name="boutique",
    provider="istio",
    cluster="eu-1",
    owner=platform,
    security=platform,
    grafana="https://grafana.boutique.example",
    console="https://meshscope.boutique.example",
    runbooks="https://github.com/boutique/runbooks/blob/main",
)

calls = Calls(
    {
        ingress: (frontend,),
        frontend: (catalog, cart, checkout, currency, recommendation, search, adverts, shipping),
        recommendation: (catalog,),
        search: (catalog,),
        checkout: (cart, catalog, currency, payment, shipping, email, ledger),
        ledger: (checkout, ledger_database),
        payment: (ledger, egress),
        egress: (card_processor,),
    }
)

staging = Environment(
    name="staging",
    cluster="eu-staging",
    replicas={ledger: 1, checkout: 1, frontend: 2},
    objectives={availability: 99 * percent},
    tracker="github:boutique/staging",
    mode=Mode.OBSERVE,
    max_severity=Severity.TICKET,
    retention=30 * days,
    grafana="https://grafana.staging.boutique.example",
)
