"""Services with one request in 10, 20, 60 and 180 minutes, and the desk that asks them, which has traffic enough."""

from period import period

from meshscope import SLO, Availability, Owner, Service, Side, per_minute, per_second, percent

platform = Owner(name="platform", issues="github:shop/platform", pager="pagerduty:platform", chat="slack:#platform")
office = Owner(name="office", issues="github:shop/office", pager="pagerduty:office", chat="slack:#office")

availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=period)
at_desk = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=period, side=Side.SERVER)

desk = Service(
    name="desk", namespace="office", owner=platform, runbook="desk.md", slos=(at_desk,), volume=2 * per_second
)
reports = Service(
    name="reports",
    namespace="office",
    owner=office,
    runbook="reports.md",
    slos=(availability,),
    volume=0.1 * per_minute,
)
billing = Service(
    name="billing",
    namespace="office",
    owner=office,
    runbook="billing.md",
    slos=(availability,),
    volume=0.05 * per_minute,
)
audit = Service(
    name="audit",
    namespace="office",
    owner=office,
    runbook="audit.md",
    slos=(availability,),
    volume=0.0166 * per_minute,
)
archive = Service(
    name="archive",
    namespace="office",
    owner=office,
    runbook="archive.md",
    slos=(availability,),
    volume=0.0055 * per_minute,
)
