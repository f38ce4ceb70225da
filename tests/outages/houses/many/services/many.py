"""Twelve services of team shelf, 15 of team rest, and the front that calls all of them."""

from period import period

from meshscope import SLO, Availability, Owner, Service, per_second, percent

platform = Owner(name="platform", issues="github:shop/platform", pager="pagerduty:platform", chat="slack:#platform")
web = Owner(name="web", issues="github:shop/web", pager="pagerduty:web", chat="slack:#web")
shelf = Owner(name="shelf", issues="github:shop/shelf", pager="pagerduty:shelf", chat="slack:#shelf")
rest = Owner(name="rest", issues="github:shop/rest", pager="pagerduty:rest", chat="slack:#rest")

availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=period)

front = Service(
    name="front", namespace="web", owner=web, runbook="front.md", tier=1, slos=(availability,), volume=20 * per_second
)


def _service(name: str, owner: Owner) -> Service:
    return Service(
        name=name,
        namespace="shop",
        owner=owner,
        runbook=f"{name}.md",
        slos=(availability,),
        volume=2 * per_second,
    )


services = (
    *(_service(f"shelf-{number:02}", shelf) for number in range(1, 13)),
    *(_service(f"rest-{number:02}", rest) for number in range(1, 16)),
)
