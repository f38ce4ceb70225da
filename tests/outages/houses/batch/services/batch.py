"""Three services that are silent by day, as they say, and two that never are."""

from period import period

from meshscope import SLO, Availability, Owner, Service, Side, per_second, percent

platform = Owner(name="platform", issues="github:shop/platform", pager="pagerduty:platform", chat="slack:#platform")
orders_team = Owner(name="orders", issues="github:shop/orders", pager="pagerduty:orders", chat="slack:#orders")

availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=period, side=Side.SERVER)


def _batch(name: str) -> Service:
    return Service(
        name=name,
        namespace="night",
        owner=orders_team,
        runbook=f"{name}.md",
        slos=(availability,),
        expects_traffic=False,
    )


invoices, mails, statistics = _batch("invoices"), _batch("mails"), _batch("statistics")
orders = Service(
    name="orders",
    namespace="day",
    owner=orders_team,
    runbook="orders.md",
    slos=(availability,),
    volume=5 * per_second,
)
shelves = Service(
    name="shelves",
    namespace="day",
    owner=orders_team,
    runbook="shelves.md",
    slos=(availability,),
    volume=5 * per_second,
)
